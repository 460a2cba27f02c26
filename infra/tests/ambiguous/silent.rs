//! Connections that say nothing any more: given up in time, and not missed.

use std::io::Write;

use sqlx::postgres::PgPoolOptions;

use super::*;

/// A log with one connection only, through a proxy.
async fn narrow(options: &PgConnectOptions) -> Lab {
    let proxy = FaultProxy::start(options, APPENDS);
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(AT_LAST / 10);
    let log = EventLog::new("public", pool.connect_lazy_with(proxy.options()));
    let direct = EventLog::new("public", super::pool(options.clone()));
    log.append(&Append::default()).await.expect("checked");
    Lab { proxy, log, direct }
}

/// The first Postgres that can be told how long a transaction may last.
const TRANSACTION_TIMEOUT_SINCE: u32 = 170_000;

/// Appends while the connection falls silent at this step; it stands once all the same.
async fn silenced(options: &PgConnectOptions, number: u128, step: Step) -> Lab {
    let lab = narrow(options).await;
    let wanted = busy(number);
    let mut struck = lab.proxy.arm(Fault::new(step, Fate::Silent));
    let first = first_of(&answered(lab.log.append(&wanted)).await);
    assert!(struck.has_struck(), "{step:?}");
    lab.assert_once(&wanted, first).await;
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_on_a_silent_connection_is_asked_for_on_another_and_stands_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let other_steps = steps().filter(|(_, step)| *step != Step::RequestUnfinished);
    let other_steps = other_steps.map(|(number, step)| silenced(&database.options, number, step));
    let (_, ()) = tokio::join!(futures::future::join_all(other_steps), last_bytes_never_arrive());
}

/// The server has executed the append and holds the order lock, but is never told to commit.
async fn last_bytes_never_arrive() {
    let database = TestDatabase::create(SCHEMA).await;
    let version = sqlx::query_scalar("SELECT current_setting('server_version_num')::integer").fetch_one(&database.pool);
    let version: i32 = version.await.expect("a number");
    if version.unsigned_abs() < TRANSACTION_TIMEOUT_SINCE {
        // Here the line is silent but not dead, so that keepalives are answered.
        writeln!(std::io::stderr(), "NOT RUN: an unfinished request on a silent line needs Postgres 17").ok();
        return;
    }
    silenced(&database.options, 1, Step::RequestUnfinished).await;
}
