//! What the log says of all trips.

pub(crate) mod money;
mod points;
mod trip;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};

use self::points::Points;
use self::trip::Trip;
use crate::ledger::Ledger;

/// What came of it all.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Bookings in the log.
    pub(crate) bookings: usize,
    /// Those that stand.
    pub(crate) approved: usize,
    /// Those that do not.
    pub(crate) cancelled: usize,
    /// Payments by card that were completed, whatever became of them later.
    pub(crate) paid: usize,
    /// Bookings whose saga has not ended, and what it waits for.
    pub(crate) pending: Vec<String>,
    /// Those of them that have called an operator.
    pub(crate) needs_attention: Vec<String>,
    /// Sentences about what must never happen.
    pub(crate) faults: Vec<String>,
    /// Rewards in the log.
    pub(crate) rewards: usize,
    /// What must be kept of the money for each booking, in minor units.
    pub(crate) owed: BTreeMap<BookingId, i64>,
}

/// Reads the whole log.
pub(crate) fn judge(events: &[Value]) -> Verdict {
    let (mut ledger, mut points) = (Ledger::default(), Points::default());
    let mut trips: BTreeMap<BookingId, Trip> = BTreeMap::new();
    let mut verdict = Verdict::default();
    for record in events {
        let stream: StreamId = record["stream"].as_str().expect("a stream").parse().expect("an id");
        let event = decode(stream.kind, &record["payload"]);
        ledger.tell(stream, &event);
        points.tell(stream, &event);
        if let Event::DeadLetter(letter) = &event {
            verdict.faults.push(format!("a dead letter: {letter:?}"));
        }
        if matches!(stream.kind, StreamKind::Booking | StreamKind::TripSaga | StreamKind::Payment) {
            trips.entry(BookingId(stream.uuid)).or_default().tell(&event);
        }
    }
    verdict.bookings = trips.len();
    for (id, trip) in &trips {
        verdict.paid += trip.charged();
        verdict.approved += usize::from(trip.stands());
        verdict.cancelled += usize::from(trip.is_cancelled());
        verdict.owed.insert(*id, trip.owed());
        if trip.needs_attention() {
            verdict.needs_attention.push(id.to_string());
        }
        let plan = trip.plan();
        let waits_for = trip.waits_for().or_else(|| points.waits_for(*id, plan?, trip.stands()));
        if let Some(reason) = waits_for {
            verdict.pending.push(format!("{id}: {reason}"));
            continue;
        }
        let of_points = plan.and_then(|plan| points.fault(*id, plan, trip.stands()));
        let faults = trip.fault(&ledger.held(*id)).into_iter().chain(of_points);
        verdict.faults.extend(faults.map(|fault| format!("{id}: {fault}")));
    }
    let (of_points, rewards) = points.end();
    verdict.rewards = rewards;
    verdict.faults.extend(of_points);
    verdict.faults.append(&mut ledger.faults);
    verdict
}

/// What the log says of a trip, for people: streams of a trip share their ids but for the prefix.
pub(crate) fn story(events: &[Value], booking: &str) -> String {
    let id = booking.split(['_', ':']).nth(1).unwrap_or(booking);
    let is_of_it = |event: &&Value| event["stream"].as_str().is_some_and(|stream| stream.ends_with(id));
    let told = |event: &Value| format!("{} {} {}", event["at"], event["stream"], event["payload"]);
    events.iter().filter(is_of_it).map(told).collect::<Vec<_>>().join("\n")
}

/// The whole log as `events list --json` prints it, as far as the judge reads it.
pub(crate) async fn events(pool: &PgPool) -> Vec<Value> {
    let rows =
        sqlx::query("SELECT aggregate_id, event_type, payload, recorded_at::text AS at FROM events ORDER BY position")
            .fetch_all(pool)
            .await;
    let record = |row: &sqlx::postgres::PgRow| {
        let (stream, name): (String, String) = (row.get("aggregate_id"), row.get("event_type"));
        let (payload, at): (Value, String) = (row.get("payload"), row.get("at"));
        json!({ "stream": stream, "type": name, "payload": payload, "at": at })
    };
    rows.expect("the log").iter().map(record).collect()
}

/// The judge must find what it is there for: the same log with something wrong in it. At least one trip of it must have given back a seat.
pub(crate) fn is_no_friend(events: &[Value]) {
    let without = |name: &str| events.iter().filter(|event| event["type"] != name).cloned().collect::<Vec<_>>();
    assert!(!judge(&without("SeatsReleased")).faults.is_empty(), "trips that gave nothing back");
    assert!(!judge(&without("UndoSucceeded")).faults.is_empty(), "undone in another order");
    assert!(!judge(&without("SagaCompensated")).pending.is_empty(), "sagas without an end");
    for name in
        ["PointsRedeemed", "PointsRestored", "PointsEarned", "VoucherRedeemed", "VoucherReturned", "RewardGranted"]
    {
        let Some(first) = events.iter().find(|event| event["type"] == name).cloned() else { continue };
        for spoilt in [without(name), events.iter().cloned().chain([first]).collect()] {
            let verdict = judge(&spoilt);
            let is_seen =
                !verdict.faults.is_empty() || !verdict.pending.is_empty() || verdict.rewards != judge(events).rewards;
            assert!(is_seen, "{name} never or twice");
        }
    }
    for name in ["BookingRequested", "BookingApproved", "BookingCancelled", "StepSucceeded", "SeatsReserved"] {
        let again = events.iter().find(|event| event["type"] == name).cloned();
        let twice = judge(&events.iter().cloned().chain(again).collect::<Vec<_>>());
        assert!(!twice.faults.is_empty() || !twice.pending.is_empty(), "{name} twice");
    }
}

fn decode(kind: StreamKind, payload: &Value) -> Event {
    let text = payload.to_string();
    let read = || -> serde_json::Result<Event> {
        Ok(match kind {
            StreamKind::Booking => Event::Booking(serde_json::from_str(&text)?),
            StreamKind::TripSaga => Event::TripSaga(serde_json::from_str(&text)?),
            StreamKind::Hotel => Event::Hotel(serde_json::from_str(&text)?),
            StreamKind::Flight => Event::Flight(serde_json::from_str(&text)?),
            StreamKind::Car => Event::Car(serde_json::from_str(&text)?),
            StreamKind::Payment => Event::Payment(serde_json::from_str(&text)?),
            StreamKind::DeadLetter => Event::DeadLetter(serde_json::from_str(&text)?),
            StreamKind::Member => Event::Member(serde_json::from_str(&text)?),
            StreamKind::EmailClaim => Event::EmailClaim(serde_json::from_str(&text)?),
            StreamKind::PointsAccount => Event::PointsAccount(serde_json::from_str(&text)?),
            StreamKind::Campaign => Event::Campaign(serde_json::from_str(&text)?),
            StreamKind::Reward => Event::Reward(serde_json::from_str(&text)?),
            StreamKind::Programme => Event::Programme(serde_json::from_str(&text)?),
        })
    };
    read().expect("an event of today's shape")
}
