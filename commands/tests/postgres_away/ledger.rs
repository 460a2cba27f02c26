//! What callers were told, judged by the log as another process reads it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt;
use traveladvisor_commands::Receipt;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{EventLog, Position, RELAY, StoredEvent};

use super::load::{Asked, Told, ask};
use super::world::{AT_LAST, World};
use crate::support::{count, metadata};

/// Keys asked again at once.
const AT_ONCE: usize = 16;
/// Events read at once.
const PAGE: usize = 1_000;
/// Tries with a key after the fault is over: contention may still refuse some.
const TRIES_MAX: usize = 5;

/// Nothing acknowledged is missing, nothing happened twice, nothing is stuck.
pub(super) async fn judge(world: &World, told: &Told) {
    let receipts: Vec<Receipt> =
        futures::stream::iter(&told.asked).map(|asked| ask_again(world, asked)).buffered(AT_ONCE).collect().await;
    let bookings: HashSet<StreamId> = receipts.iter().map(|receipt| receipt.subject).collect();
    assert_eq!(bookings.len(), told.asked.len(), "every key has a booking of its own");

    let log = world.seen_by_another();
    tokio::time::timeout(AT_LAST, all_has_ended(&log, told.asked.len())).await.expect("nothing is stuck");
    let events = all_events(&log).await;
    assert_log_is_sound(&events);
    assert_eq!(count(&events, StreamKind::Booking, "BookingRequested"), told.asked.len(), "no trip was booked twice");
    assert!(events.iter().all(|event| event.stream.kind != StreamKind::DeadLetter), "an absence is nobody's guilt");
    let by_position: HashMap<Position, &StoredEvent> = events.iter().map(|event| (event.position, event)).collect();
    for receipt in told.asked.iter().filter_map(|asked| asked.receipt.as_ref()).chain(&receipts) {
        let event = by_position.get(&receipt.position).expect("what was acknowledged is in the log");
        assert_eq!(metadata(event).correlation, receipt.subject.to_string());
    }

    let paid = |token: &str| told.asked.iter().filter(|asked| token_of(asked) == Some(token)).count();
    let given_back = paid("tok_sandbox_declines") + paid("tok_sandbox_processing_error");
    assert_eq!(count(&events, StreamKind::TripSaga, "SagaCompensated"), given_back);
    let charged: i64 = sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls WHERE outcome = 'done'")
        .fetch_one(log.pool())
        .await
        .expect("the gateway's ledger");
    assert_eq!(charged, paid("tok_sandbox_approves") as i64, "every good card is charged once, nothing is paid back");
}

/// The same key gives the same booking, whatever has happened since.
async fn ask_again(world: &World, asked: &Asked) -> Receipt {
    for _ in 0..TRIES_MAX {
        let Ok(receipt) = ask(&world.engine, asked).await else { continue };
        if let Some(first) = &asked.receipt {
            assert_eq!((receipt.subject, receipt.changed), (first.subject, false), "{}", asked.key);
        }
        return receipt;
    }
    panic!("{}: still rejected", asked.key)
}

/// Every saga has come to its end, no timer is left, and the relay has handled the whole log.
async fn all_has_ended(log: &EventLog, trips: usize) {
    let ended = "SELECT count(*) FROM events WHERE aggregate_type = 'trip_saga' \
                    AND event_type IN ('SagaSucceeded', 'SagaCompensated')";
    loop {
        let ended: i64 = sqlx::query_scalar(ended).fetch_one(log.pool()).await.expect("the log is read");
        let timer = log.next_wakeup().await.expect("the timers are read");
        let head = log.head().await.expect("the log is read");
        let handled = log.consumed_offset(RELAY).await.expect("the checkpoint is read");
        if ended == trips as i64 && timer.is_none() && handled == head.0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn all_events(log: &EventLog) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let after = events.last().map_or(Position::START, |event| event.position);
        let page = log.read_after(after, PAGE).await.expect("the log is read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// No stream has a hole.
fn assert_log_is_sound(events: &[StoredEvent]) {
    let mut last: HashMap<StreamId, u64> = HashMap::new();
    for event in events {
        let last = last.entry(event.stream).or_default();
        assert_eq!(event.sequence, *last + 1, "{}", event.stream);
        *last = event.sequence;
    }
}

fn token_of(asked: &Asked) -> Option<&str> {
    match &asked.payment {
        PaymentPlan::Card(card) => Some(&card.token),
        _ => None,
    }
}
