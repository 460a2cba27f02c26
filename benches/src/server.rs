//! A durable Postgres of the bench's own, in a temporary directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use tempfile::TempDir;
use traveladvisor_infra::private_server::{Durability, PrivateServer, ServerOptions};

use crate::{Failure, Outcome};

/// Connections the server takes: the floor holds one for each client, every side has its pool beside it, and of a cluster every process has
/// one: as many as the program's own server takes.
const CONNECTIONS_MAX: u32 = 900;

/// Longest wait until the server has noticed that a process is gone.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(15);
/// How often it is asked meanwhile.
const LEFT_ALONE_POLL: Duration = Duration::from_millis(2);

/// The server, its directory, and a connection that looks on.
pub(crate) struct BenchServer {
    server: PrivateServer,
    /// For what is measured about the server, beside the load.
    pub(crate) observer: PgPool,
    /// Process number of the postmaster.
    pub(crate) postmaster: u32,
    /// Settings of our own databases, as `name=value`.
    pub(crate) settings: Vec<String>,
    _directory: TempDir,
}

impl BenchServer {
    /// Starts it, fsync and `synchronous_commit` on.
    pub(crate) async fn start(postgres_bin: Option<&Path>, settings: &[String]) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("traveladvisor-bench-").tempdir()?;
        // The server may run as another user, who must get through.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let data_dir = directory.path().join("data");
        let options = |postgres_bin| ServerOptions {
            data_dir: data_dir.clone(),
            postgres_bin: Some(postgres_bin),
            durability: Durability::Durable,
        };
        let real = match postgres_bin {
            Some(named) => named.to_owned(),
            None => find_binaries(&data_dir).await?,
        };
        let roomy = roomy_binaries(&real, directory.path())?;
        let server = PrivateServer::start_or_attach(&options(roomy)).await?;
        let observer = PgPoolOptions::new()
            .max_connections(2)
            .connect_with(server.connect_options().disable_statement_logging())
            .await?;
        let postmaster = postmaster(&server)?;
        let started = Self { server, observer, postmaster, settings: settings.to_vec(), _directory: directory };
        started.check_durable().await?;
        Ok(started)
    }

    /// How to connect to a database of the server.
    pub(crate) fn connect_options(&self, database: &str) -> PgConnectOptions {
        self.server.connect_options().database(database)
    }

    /// The server's version.
    pub(crate) fn version(&self) -> &str {
        self.server.version()
    }

    /// Waits until nobody is connected to a database any more, and so nothing is under way there.
    pub(crate) async fn left_alone(&self, database: &str) -> Outcome<()> {
        let begun = Instant::now();
        loop {
            let clients: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
            )
            .bind(database)
            .fetch_one(&self.observer)
            .await?;
            if clients == 0 {
                return Ok(());
            }
            if begun.elapsed() > LEFT_ALONE_MAX {
                return Err(format!("{clients} are still connected to {database} after {LEFT_ALONE_MAX:?}").into());
            }
            tokio::time::sleep(LEFT_ALONE_POLL).await;
        }
    }

    /// Stops it; its directory goes with it. At once: the checkpoint of an orderly stop would write gigabytes that nobody wants.
    pub(crate) async fn stop(self) -> Outcome<()> {
        self.observer.close().await;
        kill(Pid::from_raw(self.postmaster.cast_signed()), Signal::SIGQUIT)?;
        self.server.stop().await.map_err(Failure::from)
    }

    /// Figures of a server that forgets would be worth nothing.
    async fn check_durable(&self) -> Outcome<()> {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: String = sqlx::query_scalar(&format!("SHOW {setting}")).fetch_one(&self.observer).await?;
            if value != "on" {
                return Err(format!("{setting} is {value}: the bench measures durable commits only").into());
            }
        }
        Ok(())
    }
}

/// The pinned binaries, fetched by the program's own server when they are not there yet.
async fn find_binaries(data_dir: &Path) -> Outcome<PathBuf> {
    let options = ServerOptions { data_dir: data_dir.to_owned(), postgres_bin: None, durability: Durability::Durable };
    let server = PrivateServer::start_or_attach(&options).await?;
    let program = fs::read_link(format!("/proc/{}/exe", postmaster(&server)?))?;
    server.stop().await?;
    let directory = program.parent().ok_or("the server's program has no directory")?;
    Ok(directory.to_owned())
}

/// Programs that call the real ones and ask for more connections: the program's own server has none to spare for a floor of 256.
fn roomy_binaries(real: &Path, directory: &Path) -> Outcome<PathBuf> {
    let roomy = directory.join("bin");
    fs::create_dir(&roomy)?;
    fs::set_permissions(&roomy, fs::Permissions::from_mode(0o755))?;
    for (program, extra) in [("initdb", String::new()), ("postgres", format!(" -c max_connections={CONNECTIONS_MAX}"))]
    {
        let script = roomy.join(program);
        fs::write(&script, format!("#!/bin/sh\nexec '{}' \"$@\"{extra}\n", real.join(program).display()))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(roomy)
}

fn postmaster(server: &PrivateServer) -> Outcome<u32> {
    let file = fs::read_to_string(server.cluster_dir().join("data").join("postmaster.pid"))?;
    let first = file.lines().next().ok_or("the server's pid file is empty")?;
    Ok(first.trim().parse()?)
}
