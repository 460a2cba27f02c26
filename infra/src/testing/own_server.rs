//! A durable server of one test's own, which may be stopped, killed, frozen and started again.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;

use super::frozen::{Frozen, is_alive, with_children};
use super::server::named_binaries;
use crate::private_server::{Durability, PrivateServer, ServerError, ServerOptions};

/// Longest time until a server that was told to end has ended.
const END_LIMIT: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Arguments: postmaster.pid and the directory. A test that was killed leaves no server behind, not even a frozen one.
const CLEAN_UP: &str = r#"
read -r _
if read -r postmaster <"$1"; then
    kill -s QUIT "$postmaster"
    kill -s CONT "$postmaster"
fi
rm -rf "$2"
"#;

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As an operator stops it: sessions are told, a checkpoint is written (`pg_ctl stop -m fast`).
    InOrder,
    /// Sessions are cut off, the next start recovers (`pg_ctl stop -m immediate`).
    AtOnce,
    /// kill -9 of the postmaster; its children find out.
    Killed,
}

/// A durable server that no other test uses. Dropping it ends it and removes its files.
#[derive(Debug)]
pub struct OwnServer {
    /// Only absent while it is being dropped.
    server: Option<PrivateServer>,
    options: ServerOptions,
    clean_up: Child,
}

impl OwnServer {
    /// Starts a server in a directory of its own.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    pub async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("traveladvisor-own-server-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        // Left by a former process of the same number.
        std::fs::remove_dir_all(&dir).ok();
        Self::start_in(&dir).await
    }

    /// Starts a server in this directory, which is removed with it.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    pub async fn start_in(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).expect("the temporary directory is writable");
        // The server's user may be another than ours.
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o755)).expect("the directory is ours");
        let data_dir = dir.join("data");
        let options = ServerOptions { data_dir, postgres_bin: named_binaries(), durability: Durability::Durable };
        let server = PrivateServer::start_or_attach(&options).await.expect("a server of the test's own");
        let clean_up = leave_clean_up(&postmaster_file(&server), dir);
        Self { server: Some(server), options, clean_up }
    }

    fn server(&self) -> &PrivateServer {
        self.server.as_ref().expect("there until it is dropped")
    }

    /// How to connect to its database, also after it was started again.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.server().connect_options()
    }

    /// The directory of the cluster's files.
    pub fn cluster_dir(&self) -> &Path {
        self.server().cluster_dir()
    }

    /// Kills the server at once, as the kernel would when memory runs out, and waits for nothing.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&self) {
        kill(self.postmaster().expect("it runs"), Signal::SIGKILL).expect("it is ours to end");
    }

    /// Ends the server and waits until it and its children are gone.
    ///
    /// # Panics
    ///
    /// When it does not run, or does not end.
    pub async fn end(&self, ending: Ending) {
        let postmaster = self.postmaster().expect("it runs");
        let family = with_children(postmaster);
        let signal = match ending {
            Ending::InOrder => Signal::SIGINT,
            Ending::AtOnce => Signal::SIGQUIT,
            Ending::Killed => Signal::SIGKILL,
        };
        kill(postmaster, signal).expect("it is ours to end");
        let gone = async {
            while family.iter().any(|process| is_alive(*process)) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(END_LIMIT, gone).await.expect("it ends");
    }

    /// Starts it again after its end, and waits until it has recovered.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_again(&self) {
        self.try_to_start_again().await.expect("the server starts again");
    }

    /// Starts it again as the program does that has lost its server.
    ///
    /// # Errors
    ///
    /// When it ends once more, for example on a full disk.
    pub async fn try_to_start_again(&self) -> Result<(), ServerError> {
        // The first hold stays, so letting go of the second one does not stop the server.
        PrivateServer::start_or_attach(&self.options).await?.stop().await
    }

    /// Freezes all its processes until what is returned is dropped. The kernel still takes connections.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn freeze(&self) -> Frozen {
        Frozen::family(self.postmaster().expect("it runs"))
    }

    fn postmaster(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(postmaster_file(self.server())).ok()?;
        text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Leaving stops the server; the shell then removes its files.
        self.server = None;
        self.clean_up.stdin = None;
        self.clean_up.wait().ok();
    }
}

/// Kills one of a server's processes at once: for a connection's, the server breaks off all others and recovers.
///
/// # Panics
///
/// When there is no such process.
pub fn kill_process(pid: u32) {
    assert!(pid > 1, "a server's process");
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).expect("the process is there");
}

fn postmaster_file(server: &PrivateServer) -> PathBuf {
    server.cluster_dir().join("data").join("postmaster.pid")
}

fn leave_clean_up(postmaster: &Path, dir: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", CLEAN_UP, "sh"])
        .args([postmaster, dir])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell")
}
