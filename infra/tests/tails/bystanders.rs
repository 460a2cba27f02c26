//! Transactions that have nothing to do with the log and are open all the time.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::StoredEvent;
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

use super::LOOK_AGAIN;

/// One that has written, holds a snapshot and idles in the log's own database, and a writer in another database of the same server.
pub(super) struct Bystanders {
    idle: PgConnection,
    elsewhere: WriterElsewhere,
    look: PgConnectOptions,
    pids: [i32; 2],
}

/// Writes on and on in one transaction.
pub(super) struct WriterElsewhere {
    _database: TestDatabase,
    pub(super) pid: i32,
    writing: JoinHandle<()>,
}

impl WriterElsewhere {
    pub(super) async fn end(self) {
        self.writing.abort();
        // Cut off, its connection closes, and its transaction ends.
        self.writing.await.ok();
    }
}

impl Bystanders {
    pub(super) async fn begin(options: &PgConnectOptions) -> Self {
        let mut idle = PgConnection::connect_with(options).await.expect("a connection");
        for sql in [
            "CREATE TABLE bystander (n integer)",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "INSERT INTO bystander VALUES (1)",
            "SELECT count(*) FROM events",
        ] {
            idle.execute(sql).await.expect(sql);
        }
        let database = TestDatabase::create(SCHEMA).await;
        let mut writer = PgConnection::connect_with(&database.options).await.expect("a connection");
        for sql in ["CREATE TABLE bystander (n integer)", "BEGIN", "INSERT INTO bystander VALUES (1)"] {
            writer.execute(sql).await.expect(sql);
        }
        let writers_pid = pid(&mut writer).await;
        let pids = [pid(&mut idle).await, writers_pid];
        let writing = tokio::spawn(async move {
            loop {
                writer.execute("INSERT INTO bystander SELECT generate_series(1, 10)").await.expect("written");
                tokio::time::sleep(LOOK_AGAIN * 10).await;
            }
        });
        let elsewhere = WriterElsewhere { _database: database, pid: writers_pid, writing };
        Self { idle, elsewhere, look: options.clone(), pids }
    }

    pub(super) async fn end_idle(self) -> WriterElsewhere {
        self.idle.close().await.expect("closed");
        self.elsewhere
    }

    /// Both transactions are open, have written, and began before the first event was appended.
    pub(super) async fn assert_open_since(&self, table: &[StoredEvent]) {
        let first = table.first().expect("events").recorded_at;
        let mut look = PgConnection::connect_with(&self.look).await.expect("a connection");
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1) AND backend_xid IS NOT NULL AND xact_start < $2",
        )
        .bind(self.pids)
        .bind(first)
        .fetch_one(&mut look)
        .await
        .expect("asked");
        assert_eq!(open, 2, "both have been open all the time");
    }
}

async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.expect("a number")
}
