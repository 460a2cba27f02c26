//! The connections of a process, when nobody answers at their other end any more.

use std::time::Duration;

use futures::future::join_all;
use sqlx::PgPool;
use traveladvisor_infra::event_log::{EventLog, KEPT_WRITERS_MAX};
use traveladvisor_infra::postgres::{
    CONNECTIONS_MAX, PROCESS_CONNECTIONS_MAX, SCHEMA, own_connection, own_connection_for_derived, pool,
};
use traveladvisor_infra::testing::{Frozen, TestDatabase};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// So long a connection must have rested to be tried before it is used again, and a little more.
const RESTED: Duration = Duration::from_millis(1_200);

/// So soon a statement is given up here.
const GIVEN_UP: Duration = Duration::from_millis(200);

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

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_were_given_up_on_a_silent_network_do_not_cost_the_pool_its_places() {
    let database = TestDatabase::create(SCHEMA).await;
    let pool = pool(database.options.clone());
    let _frozen = Frozen::these(fill(&pool).await);
    // Not of the log, which closes such connections itself.
    let given_up = (0..CONNECTIONS_MAX).map(|_| tokio::time::timeout(GIVEN_UP, sqlx::query("SELECT 1").execute(&pool)));
    assert!(join_all(given_up).await.iter().all(Result::is_err), "nobody answers");
    let answers = join_all((0..CONNECTIONS_MAX).map(|_| sqlx::query("SELECT 1").execute(&pool)));
    let answers = tokio::time::timeout(AT_LAST, answers).await.expect("every statement ends");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[test]
fn a_process_has_no_more_connections_than_operators_are_told() {
    const LEASES: u32 = 2;
    const PROJECTORS: u32 = 11;
    const REBUILD: u32 = 2;
    let kept = u32::try_from(KEPT_WRITERS_MAX).expect("few");
    assert_eq!(PROCESS_CONNECTIONS_MAX, CONNECTIONS_MAX + kept + LEASES + PROJECTORS + REBUILD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanished_is_noticed_by_the_server() {
    let database = TestDatabase::create(SCHEMA).await;
    // As seen over TCP; on a socket of this machine the server takes the settings and reads them as zero.
    let over_tcp = "SELECT inet_client_addr() IS NOT NULL";
    let pool = pool(database.options.clone());
    let over_tcp: bool = sqlx::query_scalar(over_tcp).fetch_one(&pool).await.expect("connected with these settings");
    let names = ["tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"];
    for name in names {
        let set: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&pool).await.expect("read");
        let sql = "SELECT source FROM pg_settings WHERE name = $1";
        let source: String = sqlx::query_scalar(sql).bind(name).fetch_one(&pool).await.expect("read");
        assert_eq!(source, "client", "{name}");
        assert_eq!(set != "0", over_tcp, "{name} is {set}");
    }
}

#[tokio::test]
async fn only_what_can_be_made_again_is_answered_before_it_is_on_disk() {
    let database = TestDatabase::create(SCHEMA).await;
    let pool = pool(database.options.clone());
    let shown = async |mut connection| {
        let asked = sqlx::query_scalar::<_, String>("SHOW synchronous_commit");
        asked.fetch_one(&mut connection).await.expect("asked")
    };
    assert_eq!(shown(pool.acquire().await.expect("a connection").detach()).await, "on");
    assert_eq!(shown(own_connection(&pool).await.expect("a connection")).await, "on");
    assert_eq!(shown(own_connection_for_derived(&pool).await.expect("a connection")).await, "off");
}
