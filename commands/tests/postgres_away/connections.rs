//! Others have all connections that Postgres gives, or an operator ends ours again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::LogError;
use traveladvisor_infra::postgres::ACQUIRE_TIMEOUT;

use super::ledger::judge;
use super::load::Load;
use super::world::{AT_LAST, World};

/// Ends all sessions of the program under test.
const END_OURS: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'traveladvisor'";
/// SQLSTATE of a server that gives no more connections.
const TOO_MANY_CONNECTIONS: &str = "53300";
/// Pause between two tries to take one more connection.
const GREED_PAUSE: Duration = Duration::from_millis(5);
/// Pause between two times that all sessions are ended.
const BETWEEN_ENDS: Duration = Duration::from_millis(40);
/// How often all sessions are ended.
const ENDS: usize = 100;
/// So many sessions at least have met their end by then.
const ENDED_MIN: i64 = 20;

/// Somebody who takes every connection that is free, and each that becomes free.
struct Greedy {
    end: Arc<AtomicBool>,
    taking: JoinHandle<Vec<PgConnection>>,
}

impl Greedy {
    /// Returns once there is none left.
    async fn begin(options: PgConnectOptions) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (told, mut sated) = tokio::sync::watch::channel(false);
        let ended = end.clone();
        let taking = tokio::spawn(async move {
            let mut taken = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                match PgConnection::connect_with(&options).await {
                    Ok(connection) => taken.push(connection),
                    Err(error) => {
                        let code = error.as_database_error().and_then(DatabaseError::code);
                        assert_eq!(code.as_deref(), Some(TOO_MANY_CONNECTIONS), "{error}");
                        told.send_replace(true);
                        tokio::time::sleep(GREED_PAUSE).await;
                    }
                }
            }
            taken
        });
        tokio::time::timeout(AT_LAST, sated.wait_for(|sated| *sated)).await.expect("an end").expect("it goes on");
        Self { end, taking }
    }

    /// Lets all go.
    async fn end(self) {
        self.end.store(true, Ordering::Relaxed);
        for connection in self.taking.await.expect("it only met a full server") {
            connection.close().await.ok();
        }
    }
}

async fn administrator(world: &World) -> PgConnection {
    PgConnection::connect_with(&world.server.connect_options()).await.expect("a session of the operator's")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_connections_serves_those_it_has_and_again_those_it_had_lost() {
    let world = World::begin().await;
    let mut administrator = administrator(&world).await;
    let load = Load::begin(&world.engine);
    load.each_books(5).await;

    let greedy = Greedy::begin(world.server.connect_options()).await;
    // Whoever has connections goes on with these.
    load.each_books(3).await;
    let another = world.another_engine(2).await.map(|_| ()).expect_err("no connection for another process");
    assert!(matches!(another, LogError::Unavailable(_)), "{another}");

    // Whoever must open new ones waits, and goes on by itself as soon as there are some.
    sqlx::query(END_OURS).execute(&mut administrator).await.expect("ended");
    tokio::time::sleep(ACQUIRE_TIMEOUT + Duration::from_secs(1)).await;
    greedy.end().await;
    load.each_books(3).await;
    let told = load.end().await;
    judge(&world, &told).await;
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_an_operator_ends_again_and_again_cost_no_booking() {
    let world = World::begin().await;
    let mut administrator = administrator(&world).await;
    let load = Load::begin(&world.engine);
    load.each_books(3).await;
    let mut ended = 0;
    for _ in 0..ENDS {
        ended += sqlx::query_scalar::<_, i64>(END_OURS).fetch_one(&mut administrator).await.expect("ended");
        tokio::time::sleep(BETWEEN_ENDS).await;
    }
    assert!(ended >= ENDED_MIN, "there were connections to end: {ended}");
    load.each_books(3).await;
    let told = load.end().await;
    judge(&world, &told).await;
    world.running.stop().await;
}
