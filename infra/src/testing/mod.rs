//! Databases for tests: real Postgres, a fresh database for each test, made from a template in milliseconds.
//!
//! All test programs of a run share one private cluster in the temporary directory; with `DATABASE_URL` set they
//! share that server instead. What cannot be had is a failed test, so everything here panics with the reason.

pub mod broker;
pub mod debezium;
mod frozen;
mod own_server;
pub mod proxy;
mod server;
mod template;
mod watchdog;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

pub use frozen::Frozen;
pub use own_server::{Ending, OwnServer, kill_process};

/// Connections one test may hold at a time.
const POOL_CONNECTIONS_MAX: u32 = 16;
/// Longest wait for a connection.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(30);
/// Longest time for dropping a database at the end of its test.
const DROP_LIMIT: Duration = Duration::from_secs(20);
/// How many names are tried for a new database: on a server of others some may be taken.
const NAMES_MAX: u32 = 1_000;
/// SQLSTATE of a name that is taken.
const DUPLICATE_DATABASE: &str = "42P04";

/// How many times as long a test that scales is to be: the environment variable CHAOS, else once.
///
/// # Panics
///
/// When CHAOS is no number: a long run that was mistyped must not pass as a short one.
pub fn chaos() -> u32 {
    std::env::var("CHAOS").map_or(1, |text| text.parse().expect("CHAOS is a number"))
}

/// A database of its own for one test, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connections to it.
    pub pool: PgPool,
    /// How to connect to it by other means.
    pub options: PgConnectOptions,
    admin: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Makes a database with the schema given. The schema is only run once: its databases are copies.
    ///
    /// # Panics
    ///
    /// When there is no server or the schema is refused.
    pub async fn create(schema_sql: &str) -> Self {
        let admin = server::admin_options().await;
        let mut connection = PgConnection::connect_with(&admin).await.expect("the test server answers");
        let template = template::ensure(&mut connection, &admin, schema_sql).await;
        let name = copy(&mut connection, &template).await;
        let options = admin.clone().database(&name);
        let pool = PgPoolOptions::new()
            .max_connections(POOL_CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_LIMIT)
            .connect_with(options.clone())
            .await
            .expect("the new database answers");
        connection.close().await.ok();
        Self { pool, options, admin, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let admin = self.admin.clone();
        let name = self.name.clone();
        // The test's own runtime may be ending, so the statement gets one of its own. What stays because of a
        // failure or a kill is dropped by a later run.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            let work = async {
                if let Ok(mut connection) = PgConnection::connect_with(&admin).await {
                    drop_database(&mut connection, &name).await;
                }
            };
            runtime.block_on(async { tokio::time::timeout(DROP_LIMIT, work).await.ok() });
        });
        dropping.join().ok();
    }
}

async fn drop_database(connection: &mut PgConnection, name: &str) {
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    if let Err(error) = sqlx::query(&sql).execute(connection).await {
        tracing::debug!(%error, name, "could not drop a test database");
    }
}

/// Copies the template under the next free name of this process.
async fn copy(connection: &mut PgConnection, template: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..NAMES_MAX {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{number}", server::name_prefix(std::process::id()));
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        match sqlx::query(&sql).execute(&mut *connection).await {
            Ok(_) => return name,
            Err(error) if sqlstate_is(&error, DUPLICATE_DATABASE) => {}
            Err(error) => panic!("cannot copy {template}: {error}"),
        }
    }
    panic!("all names for test databases are taken: drop the databases test_* of the test server");
}

fn sqlstate_is(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|found| found == code)
}
