//! The database of one role goes away and comes back, while those of the others stay.

use traveladvisor_domain::context::Context;
use traveladvisor_infra::postgres::{SCHEMA, pool};
use traveladvisor_infra::testing::{Ending, OwnServer, broker, chaos};

use crate::bus::Cluster;

/// Trips of each part of a test.
const TRIPS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn trips_wait_for_the_database_of_one_role_and_finish_once_it_is_back() {
    let server = OwnServer::start().await;
    let own = pool(server.connect_options());
    sqlx::raw_sql(SCHEMA).execute(&own).await.expect("the schema");
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    cluster.put_log(Context::Flight, server.connect_options(), own);
    let mut cluster = cluster.with_plenty().await;
    let mut booked = 0;
    for round in 0..chaos() {
        for ending in [Ending::Killed, Ending::InOrder] {
            cluster.book_some(&format!("before {ending:?} {round}"), TRIPS).await;
            server.end(ending).await;
            cluster.book_some(&format!("away {ending:?} {round}"), TRIPS).await;
            assert!(cluster.ended().await < booked + 2 * TRIPS, "no trip does without its flight");
            server.start_again().await;
            cluster.book_some(&format!("back {ending:?} {round}"), TRIPS).await;
            booked += 3 * TRIPS;
            cluster.until_ended(booked).await;
        }
    }
    cluster.judged(booked).await;
    cluster.no_letters().await;
    cluster.stop().await;
}
