//! The connections of a process, when nobody answers at their other end any more.

use std::time::Duration;

use futures::future::join_all;
use sqlx::PgPool;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres::{CONNECTIONS_MAX, SCHEMA, pool};
use traveladvisor_infra::testing::{Frozen, TestDatabase};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(1);
/// So long a connection must have rested to be tried before it is used again, and a little more.
const RESTED: Duration = Duration::from_millis(1_200);

/// Opens as many connections as the pool may have. Gives the server's processes behind them.
async fn fill(pool: &PgPool) -> Vec<i32> {
    let mut connections = Vec::new();
    let mut processes = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut connection = pool.acquire().await.expect("a connection");
        processes.push(sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await.expect("asked"));
        connections.push(connection);
    }
    drop(connections);
    let all_back = async {
        while pool.num_idle() < CONNECTIONS_MAX as usize {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, all_back).await.expect("all are back in the pool");
    processes
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_went_silent_are_replaced_before_a_statement_is_lost_on_them() {
    let database = TestDatabase::create(SCHEMA).await;
    let log = EventLog::new("public", pool(database.options.clone()));
    let processes = fill(log.pool()).await;
    // As behind a network that has forgotten them; the server takes new connections.
    let _frozen = Frozen::these(processes);
    tokio::time::sleep(RESTED).await;
    let reads = join_all((0..CONNECTIONS_MAX).map(|_| log.head()));
    let answers = tokio::time::timeout(AT_LAST, reads).await.expect("every read ends");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
