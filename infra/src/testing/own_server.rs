//! A server of one test's own, which it may kill. What is acknowledged is on disk, as for users.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;

use super::server::named_binaries;
use crate::private_server::{Durability, PrivateServer, ServerOptions};

/// A durable server in a directory of its own. Dropping it stops the server and removes the directory.
#[derive(Debug)]
pub struct OwnServer {
    options: ServerOptions,
    /// The handle that started the server last; absent only while it is dropped.
    running: Option<PrivateServer>,
}

impl OwnServer {
    /// Makes and starts one.
    ///
    /// # Panics
    ///
    /// When there can be none.
    pub async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let data_dir = std::env::temp_dir().join(format!("traveladvisor-test-own-{}-{number}", std::process::id()));
        // Left by a former process of the same number.
        std::fs::remove_dir_all(&data_dir).ok();
        let options = ServerOptions { data_dir, postgres_bin: named_binaries(), durability: Durability::Durable };
        let running = PrivateServer::start_or_attach(&options).await.expect("a server of the test's own");
        Self { options, running: Some(running) }
    }

    /// How to reach it. The same after a restart.
    ///
    /// # Panics
    ///
    /// Never: it is running.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.running.as_ref().expect("it is running").connect_options()
    }

    /// Kills the server at once, as the kernel would when memory runs out.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&self) {
        let running = self.running.as_ref().expect("it is running");
        let file = running.cluster_dir().join("data").join("postmaster.pid");
        let text = std::fs::read_to_string(file).expect("it runs");
        let postmaster = text.lines().next().and_then(|line| line.parse().ok()).expect("its number");
        kill_process(postmaster);
    }

    /// Starts the server again after it was killed, and waits until it has recovered.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let running = PrivateServer::start_or_attach(&self.options).await.expect("the server starts again");
        // The former handle still counts as a user; it goes only now, so that it does not stop what has just been started.
        self.running = Some(running);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.running = None;
        std::fs::remove_dir_all(&self.options.data_dir).ok();
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
