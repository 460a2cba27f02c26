//! The program itself, as operators run it: `serve` and `projections rebuild` as processes of their own.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::cost::{cpu_ms_of, peak_memory_of};
use crate::report::progress;

/// Name of the program and of its package.
const NAME: &str = "traveladvisor";
/// The program's time when it starts to serve.
const CLOCK: &str = "2024-12-01";
/// Longest wait until it serves.
const START_MAX: Duration = Duration::from_secs(30);
/// Longest wait for its orderly end.
const STOP_MAX: Duration = Duration::from_secs(30);
/// Longest run of a verb.
const RUN_MAX: Duration = Duration::from_mins(30);
/// How often the meters of a process are read: what it spends after the last reading is not seen.
const WATCH_EVERY: Duration = Duration::from_millis(5);

/// Where the program is.
pub(crate) struct Program {
    path: PathBuf,
    /// It keeps nothing there, as the log is in a database that is named, and finds no settings of somebody else's.
    directory: TempDir,
}

/// What a verb did until its end.
#[derive(Debug)]
pub(crate) struct Ran {
    /// From before its start to after its end.
    pub(crate) elapsed: Duration,
    /// Processor time.
    pub(crate) cpu_ms: f64,
    /// The most memory it had at a time.
    pub(crate) peak_memory_bytes: f64,
    /// The JSON values it printed, a line each.
    pub(crate) printed: Vec<Value>,
}

impl Program {
    /// The one that was named, else the one beside the bench: under `cargo run` it is built first, so that it is of the same sources.
    pub(crate) async fn find(named: Option<&Path>) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("traveladvisor-bench-program-").tempdir()?;
        let path = match (named, env::var_os("CARGO")) {
            (Some(named), _) => named.to_owned(),
            (None, Some(cargo)) => build(Path::new(&cargo)).await?,
            (None, None) => env::current_exe()?.with_file_name(NAME),
        };
        if !path.is_file() {
            let asked = "build it with `cargo build --release -p traveladvisor` or name it with --program";
            return Err(format!("{} is not there: {asked}", path.display()).into());
        }
        Ok(Self { path: path.canonicalize()?, directory })
    }

    fn command(&self, (database, settings): (&str, &[(String, String)]), arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRAVELADVISOR_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("DATABASE_URL", database)
            .env("TRAVELADVISOR_LOG", "error")
            .envs(settings.iter().map(|(name, value)| (format!("TRAVELADVISOR_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a verb to its end; it prints JSON and nothing else.
    pub(crate) async fn run(&self, database: &str, arguments: &[&str]) -> Outcome<Ran> {
        self.run_with((database, &[]), arguments).await
    }

    /// The same with settings, whose names stand without their prefix.
    pub(crate) async fn run_with(&self, with: (&str, &[(String, String)]), arguments: &[&str]) -> Outcome<Ran> {
        let begun = Instant::now();
        let mut child = self.command(with, &[arguments, &["--json", "--quiet"]].concat()).spawn()?;
        let process = child.id().ok_or("a process that was just started has no number")?;
        let mut out = child.stdout.take().ok_or("the output of a process that was started is not there")?;
        let (mut cpu_ms, mut peak_memory) = (0, 0);
        let mut printed = String::new();
        let reading = async {
            out.read_to_string(&mut printed).await?;
            child.wait().await
        };
        let watching = async {
            loop {
                cpu_ms = cpu_ms_of(process).unwrap_or(cpu_ms).max(cpu_ms);
                peak_memory = peak_memory_of(process).unwrap_or(0).max(peak_memory);
                tokio::time::sleep(WATCH_EVERY).await;
            }
        };
        let status = tokio::select! {
            status = reading => status?,
            () = watching => return Err("watching a process has no end".into()),
            () = tokio::time::sleep(RUN_MAX) => return Err(format!("{arguments:?} took longer than {RUN_MAX:?}").into()),
        };
        let elapsed = begun.elapsed();
        if !status.success() {
            return Err(format!("{arguments:?} ended with {status}: {printed}").into());
        }
        let printed = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Ran { elapsed, cpu_ms: cpu_ms as f64, peak_memory_bytes: peak_memory as f64, printed })
    }

    /// Starts to serve on a free port and waits until it does.
    pub(crate) async fn serve(&self, database: &str) -> Outcome<Serving> {
        self.serve_as((database, &[]), &[]).await
    }

    /// The same in these roles, with settings, whose names stand without their prefix.
    pub(crate) async fn serve_as(&self, with: (&str, &[(String, String)]), roles: &[&str]) -> Outcome<Serving> {
        let mut arguments = vec!["serve", "--json", "--listen", "127.0.0.1:0", "--clock", CLOCK];
        arguments.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let mut child = self.command(with, &arguments).spawn()?;
        let out = child.stdout.take().ok_or("the output of a process that was started is not there")?;
        let mut lines = BufReader::new(out).lines();
        let banner = tokio::time::timeout(START_MAX, lines.next_line()).await??.ok_or("`serve` ended at once")?;
        let banner: Value = serde_json::from_str(&banner)?;
        let url = banner["url"].as_str().ok_or("`serve` does not say where it listens")?;
        let address = url.trim_start_matches("http://").parse()?;
        Ok(Serving { child, address })
    }
}

/// A `serve` at work. Dropped, it is killed.
pub(crate) struct Serving {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Serving {
    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Milliseconds of processor time so far.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.child.id().and_then(cpu_ms_of).unwrap_or(0) as f64
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        let process = self.child.id().ok_or("`serve` has ended by itself")?;
        kill(Pid::from_raw(process.cast_signed()), Signal::SIGTERM)?;
        let status = tokio::time::timeout(STOP_MAX, self.child.wait()).await??;
        if status.success() { Ok(()) } else { Err(format!("`serve` ended with {status}").into()) }
    }
}

/// Builds it as the bench itself was built.
async fn build(cargo: &Path) -> Outcome<PathBuf> {
    let beside = env::current_exe()?.with_file_name(NAME);
    let target = beside.parent().and_then(Path::parent).ok_or("the bench's program lies at no place of cargo's")?;
    progress("building the program beside the bench");
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", NAME, "--bin", NAME, "--target-dir"]).arg(target);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    // Its own output is for people, and nothing else may stand in the bench's.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().await?;
    if status.success() { Ok(beside) } else { Err("the program could not be built".into()) }
}
