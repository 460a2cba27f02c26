//! A real Debezium: Kafka Connect beside a server whose write-ahead log it reads.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinHandle;

use super::broker::leave_clean_up;
use super::{Ending, OwnServer};

/// Where the scripts are that fetch and start it.
const START: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/local/debezium/start");
/// What each log's database is prepared with.
const PREPARE: &str = include_str!("../../debezium/prepare.sql");
/// The connector's account, as `start` has it.
const USER: &str = "debezium";

/// A server whose write-ahead log can be read as events, reachable over TCP as well.
#[derive(Debug)]
pub struct LogicalServer {
    server: OwnServer,
    port: u16,
    forwarding: JoinHandle<()>,
}

impl LogicalServer {
    /// Starts one that no other test uses.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    pub async fn start() -> Self {
        let server = OwnServer::start().await;
        run(&server.connect_options(), "ALTER SYSTEM SET wal_level = 'logical'").await;
        server.end(Ending::InOrder).await;
        server.start_again().await;
        // The program's own server lets nobody in but its user: the connector's account gets a line of its own.
        let rules = server.cluster_dir().join("pg_hba.conf");
        let text = std::fs::read_to_string(&rules).expect("the rules are readable");
        std::fs::write(&rules, format!("{text}local all {USER} trust\n")).expect("the rules are writable");
        run(&server.connect_options(), "SELECT pg_reload_conf()").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let forwarding = tokio::spawn(forward(listener, server.connect_options()));
        Self { server, port, forwarding }
    }

    /// How to connect to its database.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.server.connect_options()
    }

    /// Makes a log ready for its connector, as `infra/debezium/prepare.sql` says.
    ///
    /// # Panics
    ///
    /// When the server refuses it.
    pub async fn prepare(&self, log: &str, schema: &str) {
        let slot = format!("traveladvisor_outbox_{log}");
        let sql = [("{schema}", schema), ("{slot}", &slot), ("{user}", USER), ("{password}", USER)]
            .iter()
            .fold(PREPARE.to_owned(), |sql, (name, value)| sql.replace(name, value));
        // A slot is made by a statement of its own.
        let (rights, slot) = sql.split_at(sql.find("SELECT pg_create_logical").expect("it makes a slot"));
        run(&self.connect_options(), rights).await;
        run(&self.connect_options(), slot).await;
    }
}

impl Drop for LogicalServer {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

async fn run(options: &PgConnectOptions, sql: &str) {
    let mut connection = PgConnection::connect_with(options).await.expect("the server answers");
    connection.execute(sql).await.expect(sql);
    connection.close().await.ok();
}

/// What speaks TCP only reaches the server's socket.
async fn forward(listener: TcpListener, server: PgConnectOptions) {
    let dir = server.get_socket().expect("it listens on a socket").clone();
    let socket = dir.join(format!(".s.PGSQL.{}", server.get_port()));
    while let Ok((mut outside, _)) = listener.accept().await {
        let socket = socket.clone();
        tokio::spawn(async move {
            let Ok(mut inside) = UnixStream::connect(socket).await else { return };
            // Either end may go at any time.
            tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok();
        });
    }
}

/// A Kafka Connect that reads the outbox of each log. Dropping it ends it.
#[derive(Debug)]
pub struct Debezium {
    dir: PathBuf,
    clean_up: Child,
}

impl Debezium {
    /// Starts it for these logs (name and schema) and waits until it reads all of them.
    ///
    /// # Panics
    ///
    /// When it cannot be had: the scripts say what is missing.
    pub async fn start(brokers: &str, server: &LogicalServer, logs: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("traveladvisor-debezium-{}-{number}", std::process::id()));
        std::fs::remove_dir_all(&dir).ok();
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        let clean_up = leave_clean_up(&dir);
        let database = server.connect_options().get_database().expect("it has a database").to_owned();
        let done = tokio::process::Command::new(Path::new(START))
            .args(["--brokers", brokers, "--port", &server.port.to_string(), "--database", &database])
            .args(logs.iter().map(|(log, schema)| format!("{log}={schema}")))
            .env("DEBEZIUM_RUN", &dir)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("the script is there");
        assert!(done.status.success(), "no Debezium for the tests: {}", String::from_utf8_lossy(&done.stderr));
        Self { dir, clean_up }
    }

    /// What it has said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Debezium {
    fn drop(&mut self) {
        self.clean_up.stdin = None;
        self.clean_up.wait().ok();
    }
}
