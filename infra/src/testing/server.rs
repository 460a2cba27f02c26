//! The server all test programs share.

use std::path::PathBuf;
use std::str::FromStr;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

use super::{drop_database, watchdog};
use crate::private_server::{Durability, POSTGRES_VERSION, PrivateServer, ServerError, ServerOptions};

/// A server to use instead of a private one.
const DATABASE_URL: &str = "DATABASE_URL";
/// Binaries for the private one, as for the program.
const POSTGRES_BIN: &str = "TRAVELADVISOR_POSTGRES_BIN";

struct TestServer {
    admin: PgConnectOptions,
    /// Kept for the life of the process: the watchdog stops the server after the last one.
    _private: Option<PrivateServer>,
}

static SERVER: OnceCell<TestServer> = OnceCell::const_new();

/// How to reach the server in order to make and drop databases.
pub(super) async fn admin_options() -> PgConnectOptions {
    SERVER.get_or_init(reach).await.admin.clone()
}

/// The directory of the binaries to use, if one is named.
pub(super) fn named_binaries() -> Option<PathBuf> {
    std::env::var_os(POSTGRES_BIN).map(PathBuf::from)
}

/// How the names of a process's databases begin.
pub(super) fn name_prefix(pid: u32) -> String {
    format!("test_{pid}_")
}

async fn reach() -> TestServer {
    if let Ok(url) = std::env::var(DATABASE_URL)
        && !url.is_empty()
    {
        let admin = PgConnectOptions::from_str(&url).expect("DATABASE_URL is a Postgres URL");
        return TestServer { admin, _private: None };
    }
    let options =
        ServerOptions { data_dir: cluster_dir(), postgres_bin: named_binaries(), durability: Durability::Volatile };
    watchdog::enter(&options.data_dir);
    let private = start(&options).await;
    watchdog::begin(&options.data_dir, private.cluster_dir());
    let admin = private.connect_options();
    sweep(&admin).await;
    TestServer { admin, _private: Some(private) }
}

async fn start(options: &ServerOptions) -> PrivateServer {
    match PrivateServer::start_or_attach(options).await {
        Ok(server) => server,
        // Nothing waits for the disk here, so a machine that went down may have left a broken cluster.
        Err(ServerError::Program { .. }) => {
            std::fs::remove_dir_all(&options.data_dir).expect("a broken test cluster can be removed");
            watchdog::enter(&options.data_dir);
            PrivateServer::start_or_attach(options).await.expect("a private test server")
        }
        Err(error) => panic!("no test server: {error}"),
    }
}

fn cluster_dir() -> PathBuf {
    let user = nix::unistd::geteuid();
    std::env::temp_dir().join(format!("traveladvisor-test-cluster-{user}-{POSTGRES_VERSION}"))
}

/// Drops what killed test processes left. Only on the private server, whose users all run on this machine.
async fn sweep(admin: &PgConnectOptions) {
    let mut connection = PgConnection::connect_with(admin).await.expect("the test server answers");
    let names: Vec<String> = sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'")
        .fetch_all(&mut connection)
        .await
        .expect("the catalogue answers");
    for name in names {
        if is_left_over(&name) {
            drop_database(&mut connection, &name).await;
        }
    }
}

fn is_left_over(name: &str) -> bool {
    let Some(pid) = name.split('_').nth(1).and_then(|text| text.parse::<i32>().ok()) else {
        return false;
    };
    // Swept before this process has any database of its own: what bears its number is a former process's.
    pid.cast_unsigned() == std::process::id() || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}
