//! Postgres is stopped, or dies, and is started again some seconds later.

use std::time::Duration;

use futures::FutureExt;
use traveladvisor_commands::engine::limits::STOP_DEADLINE;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{LEASE, RESEND_PAUSE_MAX};
use traveladvisor_infra::testing::Ending;

use super::ledger::judge;
use super::load::{Asked, Load, ask};
use super::world::{AT_LAST, World, log_on};

/// How long the server is away: longer than a lease lasts, so that relay and timers lose their turn.
const AWAY: Duration = LEASE.saturating_add(Duration::from_millis(500));

async fn goes_away_and_comes_back(endings: &[Ending]) {
    let world = World::begin().await;
    let load = Load::begin(&world.engine);
    for ending in endings {
        load.each_books(3).await;
        world.server.end(*ending).await;
        tokio::time::sleep(AWAY).await;
        world.server.start_again().await;
        load.each_books(3).await;
    }
    let told = load.end().await;
    judge(&world, &told).await;
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_in_order_is_found_again_and_nothing_is_lost() {
    goes_away_and_comes_back(&[Ending::InOrder]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_at_once_or_killed_is_found_again_and_nothing_is_lost() {
    goes_away_and_comes_back(&[Ending::AtOnce, Ending::Killed]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_ends_while_the_server_is_away_and_sends_nothing_afterwards() {
    let World { engine, running, server, .. } = World::begin().await;
    // Whether the caller is a member is in memory from then on.
    let before = Asked { key: "before".to_owned(), payment: PaymentPlan::None, receipt: None };
    ask(&engine, &before).await.expect("booked");
    server.end(Ending::InOrder).await;
    let asked = Asked { key: "while away".to_owned(), payment: PaymentPlan::None, receipt: None };
    let asking = tokio::spawn({
        let engine = engine.clone();
        async move { ask(&engine, &asked).await }
    });
    let stopping = async {
        // The append is under way by then, and is sent again and again.
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.stop().await;
    };
    tokio::time::timeout(STOP_DEADLINE + AT_LAST, stopping).await.expect("an end in time");
    let rejection = asking.await.expect("an answer").expect_err("nothing is known of it");
    assert!(rejection.message.contains("same idempotency key"), "{rejection}");
    let late = Asked { key: "after the end".to_owned(), payment: PaymentPlan::None, receipt: None };
    let refused = ask(&engine, &late).now_or_never().expect("at once");
    refused.expect_err("the engine has ended");

    server.start_again().await;
    let log = log_on(&server);
    let head = log.head().await.expect("the log is read");
    tokio::time::sleep(2 * RESEND_PAUSE_MAX).await;
    assert_eq!(log.head().await.expect("the log is read"), head, "what was cut off stays so");
}
