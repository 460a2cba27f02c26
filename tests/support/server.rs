//! `serve` as a process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Home;

/// Longest time for an orderly end.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// What starts it on a free port.
pub(crate) const SERVE: [&str; 6] = ["serve", "--json", "--listen", "127.0.0.1:0", "--clock", "2024-12-01"];
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(20);

/// A running `serve`. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
    /// What it prints after its banner.
    rest: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts it on a free port, with the sandbox's clock at 2024-12-01.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, "warn")
    }

    /// The same with a log filter. Its standard error goes to the file `serve.log`.
    pub(crate) fn start_with(home: &Home, filter: &str) -> Self {
        let mut command = home.command(&SERVE);
        command.env("TRAVELADVISOR_LOG", filter);
        Self::spawn(home, command)
    }

    /// The same by a command of the caller's.
    pub(crate) fn spawn(home: &Home, command: Command) -> Self {
        Self::try_spawn(home, command).unwrap_or_else(|status| {
            panic!("no banner, {status}: {}", std::fs::read_to_string(home.file("serve.log")).unwrap_or_default())
        })
    }

    /// The same; how it ended when it did before it served.
    pub(crate) fn try_spawn(home: &Home, mut command: Command) -> Result<Self, ExitStatus> {
        let log = File::options().create(true).append(true).open(home.file("serve.log")).expect("a log file");
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("readable");
        if line.is_empty() {
            return Err(child.wait().expect("it ends"));
        }
        let banner: Value = serde_json::from_str(&line).expect("a banner");
        let url = banner["url"].as_str().expect("an address");
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            out.read_to_string(&mut rest).ok();
            rest
        });
        Ok(Self { child, address: url.trim_start_matches("http://").to_owned(), rest: Some(rest) })
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP: it stands still in the middle of whatever it is doing.
    pub(crate) fn freeze(&self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGSTOP).expect("it takes signals");
    }

    /// SIGCONT: it goes on as if no time had passed.
    pub(crate) fn thaw(&self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGCONT).expect("it takes signals");
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop and waits for its end; gives its exit status and what it printed after its banner.
    pub(crate) fn stop(&mut self, signal: Signal) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it takes signals");
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                let rest = self.rest.take().map(|rest| rest.join().expect("its output"));
                return (status, rest.unwrap_or_default());
            }
            assert!(begun.elapsed() < STOP_LIMIT, "serve does not stop");
            std::thread::sleep(POLL);
        }
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state")
    }

    /// Whether it is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
