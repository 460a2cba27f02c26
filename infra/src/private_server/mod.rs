//! The program's own Postgres, for whoever brings none.
//!
//! A cluster in the data directory, reachable over a Unix socket only and only by the user who runs the program.
//! The first process that needs it starts it; others attach; the last one out stops it. Three locks say who is who,
//! and the kernel lets go of them when their holder dies:
//!
//! * the *gate* is held while somebody starts, attaches or stops, so that these never overlap;
//! * *users* is shared by every process that uses the server: who gets it alone is the last one;
//! * *owner* is held by the process that answers for the server. Whoever finds it free takes it: the one that starts
//!   the server, or the first that comes after its owner was killed.

mod account;
mod cluster;
mod download;
mod error;
mod local;
mod locks;
mod place;
mod postmaster;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use account::Accounts;
pub use error::ServerError;
use place::Place;
use postmaster::Waited;

use crate::fail_points::{Point, outgoing};

/// The Postgres that is fetched when none is named.
pub const POSTGRES_VERSION: &str = "17.7.0";
/// Its major version.
const POSTGRES_MAJOR: u32 = 17;
/// The database in which the program keeps everything.
const DATABASE: &str = "traveladvisor";
/// The cluster's only role.
const SUPERUSER: &str = "postgres";
/// Part of the socket's name; nothing listens on a network.
const PORT: u16 = 5432;
/// How long a process waits for others that start (first download included) or stop the server.
const GATE_LIMIT: Duration = Duration::from_mins(10);
/// How long the last user makes sure of being the last: a child process of ours holds our locks from its fork to its
/// exec.
const ALONE_LIMIT: Duration = Duration::from_millis(75);
/// How often a server that ends while it is waited for is started anew.
const START_TRIES_MAX: u32 = 3;

/// Whether commits must survive a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Acknowledged means on disk.
    #[default]
    Durable,
    /// Only for tests that are not about durability: no waiting for the disk, and room for many connections.
    Volatile,
}

/// Which server is wanted.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The program's data directory, made when missing.
    pub data_dir: PathBuf,
    /// A directory with `initdb` and `postgres` to use instead of the pinned ones.
    pub postgres_bin: Option<PathBuf>,
    /// Only counts when the server is started, not when it runs already.
    pub durability: Durability,
}

/// What a process is to the running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answers for the server: started it, or adopted it after its owner was killed.
    Owner,
    /// It uses a server that another process answers for.
    Attached,
}

/// A running private server and this process's hold on it. Dropping it does what [`PrivateServer::stop`] does, on the
/// calling thread and without telling about failures.
#[derive(Debug)]
pub struct PrivateServer {
    place: Place,
    accounts: Accounts,
    version: String,
    users: Option<File>,
    owner: Option<File>,
    /// Only while starting, so that a start given up half-way can stop what it began.
    gate: Option<File>,
}

impl PrivateServer {
    /// Starts the data directory's server or attaches to the one that runs.
    ///
    /// # Errors
    ///
    /// Every [`ServerError`] says what to do about it.
    pub async fn start_or_attach(options: &ServerOptions) -> Result<Self, ServerError> {
        let mut place = Place::open(&options.data_dir)?;
        let gate = locks::exclusive_async(&gate(&place), GATE_LIMIT).await?;
        place.follow()?;
        let accounts = Accounts::find(&place.data())?;
        place.settle(&accounts)?;
        let mut server = Self {
            users: Some(locks::shared(&users(&place))?),
            owner: locks::try_exclusive(&place.desk.join("owner.lock"))?,
            gate: Some(gate),
            version: String::new(),
            place,
            accounts,
        };
        server.version = server.run(options).await?;
        server.gate = None;
        tracing::debug!(role = ?server.role(), version = server.version, "private Postgres is ready");
        Ok(server)
    }

    /// Starts the server if it does not run, and waits for it. Gives its version.
    async fn run(&self, options: &ServerOptions) -> Result<String, ServerError> {
        for _ in 0..START_TRIES_MAX {
            let lock = locks::try_exclusive(&self.place.server_lock())?;
            let started = lock.is_some();
            if let Some(lock) = lock {
                self.start(options, lock).await?;
            }
            match postmaster::wait_ready(&self.place, &self.accounts).await? {
                Waited::Ready(mut connection) => {
                    postmaster::ensure_database(&mut connection).await?;
                    let version = sqlx::query_scalar("SHOW server_version");
                    return Ok(outgoing(Point::ServerVersion, version.fetch_one(&mut connection)).await?);
                }
                Waited::Ended if started => break,
                Waited::Ended => {}
            }
        }
        Err(ServerError::Program { program: "postgres", output: cluster::log_tail(&self.place), log: self.place.log() })
    }

    async fn start(&self, options: &ServerOptions, lock: File) -> Result<(), ServerError> {
        let needed = cluster::major(&self.place)?;
        let named = options.postgres_bin.as_deref();
        let binaries = download::binaries(named, needed, &self.accounts).await?;
        if let Some(major) = needed.filter(|major| *major != binaries.major) {
            return Err(ServerError::MajorDiffers {
                path: self.place.data(),
                cluster: major,
                binaries: binaries.major,
            });
        }
        cluster::ensure(&self.place, &binaries, &self.accounts, options.durability).await?;
        postmaster::start(&self.place, &binaries, &self.accounts, options.durability, lock)
    }

    /// How to connect to the program's database.
    pub fn connect_options(&self) -> PgConnectOptions {
        postmaster::connect_options(&self.place, DATABASE)
    }

    /// What this process is to the server.
    pub fn role(&self) -> Role {
        match self.owner {
            Some(_) => Role::Owner,
            None => Role::Attached,
        }
    }

    /// The directory of the server's Unix socket.
    pub fn socket_dir(&self) -> PathBuf {
        self.place.socket_dir()
    }

    /// The version the server gives itself, such as "17.7".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The directory of the cluster's files.
    pub fn cluster_dir(&self) -> &Path {
        &self.place.cluster
    }

    /// Gives up this process's hold. The last one out stops the server and waits until it is gone; while others use
    /// it, it goes on.
    ///
    /// # Errors
    ///
    /// When the server does not stop in time.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        let stopping = tokio::task::spawn_blocking(move || self.leave());
        match stopping.await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    fn leave(&mut self) -> Result<(), ServerError> {
        if self.users.is_none() {
            return Ok(());
        }
        let _gate = match self.gate.take() {
            Some(gate) => gate,
            None => locks::exclusive(&gate(&self.place), GATE_LIMIT)?,
        };
        self.users = None;
        self.owner = None;
        match locks::exclusive(&users(&self.place), ALONE_LIMIT) {
            Ok(_alone) => postmaster::stop(&self.place, &self.accounts),
            Err(ServerError::Locked { .. }) => {
                tracing::debug!("private Postgres goes on: others use it");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::warn!(%error, "could not stop the private Postgres");
        }
    }
}

fn gate(place: &Place) -> PathBuf {
    place.desk.join("gate.lock")
}

fn users(place: &Place) -> PathBuf {
    place.desk.join("users.lock")
}
