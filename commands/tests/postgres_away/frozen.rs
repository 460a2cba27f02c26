//! Postgres is frozen for longer than anybody waits: it takes connections and statements, and answers nothing.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use traveladvisor_commands::engine::limits::{BATCH_JOBS_MAX, CALLER_DEADLINE, CALLER_LANE_MAX, STOP_DEADLINE};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::event_log::STATEMENT_PATIENCE;

use super::ledger::{all_events, judge};
use super::load::{Load, assert_retryable};
use super::world::{AT_LAST, World};
use crate::support::{count, hotel_id, request};

/// More callers than all places together, where they may wait.
const CROWD: u32 = (CALLER_LANE_MAX + 3 * BATCH_JOBS_MAX) as u32;
/// So much later than the freeze the crowd comes: the engine's appends and loads are stuck by then.
const A_MOMENT: Duration = Duration::from_secs(1);

type Waiting<'e> = BoxFuture<'e, Result<Receipt, Rejection>>;

/// Callers whose commands leave one event each. Gives those that were not turned away at once, and how many were.
fn crowd(engine: &Engine) -> (Vec<Waiting<'_>>, usize) {
    let mut waiting = Vec::new();
    let mut turned_away = 0;
    for number in 0..CROWD {
        let mut asking: Waiting<'_> = Box::pin(engine.submit(request(close_a_night(number), None)));
        match asking.as_mut().now_or_never() {
            None => waiting.push(asking),
            Some(Err(rejection)) if rejection.code == Code::Overloaded => turned_away += 1,
            Some(other) => panic!("answered while nothing can be checked: {other:?}"),
        }
    }
    (waiting, turned_away)
}

/// One night far away, a different one for each number, so that none is so already.
fn close_a_night(number: u32) -> CallerCommand {
    let from = "2025-03-01".parse::<chrono::NaiveDate>().expect("a date");
    let from = from + chrono::Days::new(u64::from(number % 300));
    CallerCommand::ChangeAllotment {
        hotel: hotel_id(),
        room_type: "DBL".into(),
        from,
        to: from + chrono::Days::new(1),
        rooms: Some(1 + number / 300),
        stop_sell: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_keeps_nobody_waiting_beyond_the_deadline_and_loses_nothing() {
    assert!(CALLER_DEADLINE > STATEMENT_PATIENCE, "whoever is told that the outcome is unknown has had it asked for");
    let world = World::begin().await;
    let (other, other_running) = world.another_engine(2).await.expect("a second process");
    other.submit(request(close_a_night(CROWD), None)).await.expect("it knows the hotel");
    let load = Load::begin(&world.engine);
    load.each_books(3).await;

    let frozen = world.server.freeze();
    tokio::time::sleep(A_MOMENT).await;
    let (waiting, turned_away) = crowd(&world.engine);
    assert!(turned_away > 0, "the places where callers wait are bounded");
    let cut_off = async {
        let asking = other.submit(request(close_a_night(CROWD + 1), None));
        let (answer, ()) = tokio::join!(asking, async {
            tokio::time::sleep(A_MOMENT).await;
            tokio::time::timeout(STOP_DEADLINE + AT_LAST, other_running.stop()).await.expect("an end in time");
        });
        assert_retryable(&answer.expect_err("cut off"));
    };
    let answers = tokio::time::timeout(CALLER_DEADLINE + AT_LAST, join_all(waiting));
    let (answers, ()) = tokio::join!(answers, cut_off);
    for answer in answers.expect("everybody is answered while it is frozen") {
        assert_eq!(answer.expect_err("nothing could be checked").code, Code::Unavailable);
    }
    drop(frozen);

    load.each_books(3).await;
    let told = load.end().await;
    assert!(told.rejections > 0, "the freeze was longer than callers wait");
    judge(&world, &told).await;
    let closed = count(&all_events(&world.seen_by_another()).await, StreamKind::Hotel, "AllotmentChanged");
    // What was in a batch already may still come; those who waited for a place in one have gone.
    assert!(closed <= 2 * BATCH_JOBS_MAX + 2, "{closed} commands of callers who had gone were carried out");
    world.running.stop().await;
}
