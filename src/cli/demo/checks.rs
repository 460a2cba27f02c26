//! Judges the demo by the log.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_infra::event_log::{EventFilter, EventLog, LogError, StoredEvent};

use super::ledger::Ledger;
use super::points::came_back;
use super::trips::{Booked, Trip};
use crate::cli::failure::Failure;

/// Most events of one trip: far above any.
const TRIP_EVENTS_MAX: usize = 1_000;
/// Most timers that are looked through.
const TIMERS_MAX: usize = 10_000;
/// After every timer; within what Postgres can store.
const FAR: DateTime<Utc> = match DateTime::from_timestamp(32_503_680_000, 0) {
    Some(instant) => instant,
    None => DateTime::UNIX_EPOCH,
};
/// Events of a full trip that is approved.
const APPROVED_EVENTS: usize = 13;

/// Something that must hold, and whether it does.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    /// What was found, for people.
    #[serde(skip)]
    pub(super) found: String,
}

/// How a trip must end.
struct Expected {
    name: &'static str,
    status: &'static str,
    saga: &'static str,
    failure: Option<&'static str>,
    undone: &'static [Step],
}

const EXPECTED: [Expected; 5] = [
    Expected { name: "approved", status: "APPROVED", saga: "SUCCEEDED", failure: None, undone: &[] },
    Expected {
        name: "car_sold_out",
        status: "CANCELLED",
        saga: "COMPENSATED",
        failure: Some("SOLD_OUT"),
        undone: &[Step::Flight, Step::Hotel],
    },
    Expected {
        name: "card_declined",
        status: "CANCELLED",
        saga: "COMPENSATED",
        failure: Some("PAYMENT_DECLINED"),
        undone: &[Step::Car, Step::Flight, Step::Hotel],
    },
    Expected {
        name: "cancelled_by_traveller",
        status: "CANCELLED",
        saga: "COMPENSATED",
        failure: None,
        undone: &[Step::Car, Step::Flight, Step::Hotel, Step::Payment],
    },
    Expected {
        name: "paid_with_points",
        status: "CANCELLED",
        saga: "COMPENSATED",
        failure: None,
        undone: &[Step::Car, Step::Flight, Step::Hotel, Step::Payment],
    },
];

/// All checks, in the order in which they are told.
pub(super) async fn judge(log: &EventLog, booked: &Booked) -> Result<Vec<Check>, Failure> {
    let mut histories = Vec::new();
    for trip in &booked.trips {
        histories.push(history(log, trip.booking_id).await?);
    }
    let mut others = Vec::new();
    for other in &booked.others {
        others.extend(history(log, *other).await?);
    }
    let touched = histories.iter().flatten().chain(&others).map(|event| event.stream);
    let ledger = ledger(log, touched.collect()).await?;
    Ok(vec![
        ended_as_said(&booked.trips),
        undone_in_order(&histories)?,
        held(&booked.trips, &ledger),
        oversold(&ledger),
        refunded(&booked.trips),
        came_back(log, booked).await?,
        thirteen_events(&histories),
        nothing_pending(log, &booked.trips, &histories).await?,
    ])
}

async fn history(log: &EventLog, booking: BookingId) -> Result<Vec<StoredEvent>, Failure> {
    let filter = EventFilter { correlation: Some(booking.to_string()), ..EventFilter::default() };
    Ok(log.search(&filter, TRIP_EVENTS_MAX).await?)
}

/// The books of every hotel, flight and fleet that the trips touched, from their first event on.
async fn ledger(log: &EventLog, streams: BTreeSet<StreamId>) -> Result<Ledger, Failure> {
    let mut ledger = Ledger::default();
    for stream in streams {
        for event in log.read_stream(stream, 0).await? {
            for told in &event.decode().map_err(LogError::from)? {
                ledger.tell(stream, told);
            }
        }
    }
    Ok(ledger)
}

fn ended_as_said(trips: &[Trip]) -> Check {
    let wrong: Vec<&str> = EXPECTED
        .iter()
        .zip(trips)
        .filter(|(expected, trip)| {
            expected.name != trip.name
                || expected.status != trip.status
                || expected.saga != trip.saga_status
                || expected.failure != trip.answer["failure"]["code"].as_str()
        })
        .map(|(expected, _)| expected.name)
        .collect();
    let ok = wrong.is_empty() && trips.len() == EXPECTED.len();
    let found = if ok { "all five".to_owned() } else { format!("otherwise: {}", wrong.join(", ")) };
    Check { name: "every trip ended as it should", ok, found }
}

fn undone_in_order(histories: &[Vec<StoredEvent>]) -> Result<Check, Failure> {
    let mut told = Vec::new();
    let mut ok = histories.len() == EXPECTED.len();
    for (expected, history) in EXPECTED.iter().zip(histories) {
        let mut undone = Vec::new();
        for event in history {
            for told in event.decode().map_err(LogError::from)? {
                if let Event::TripSaga(TripSagaEvent::UndoSucceeded { step, .. }) = told {
                    undone.push(step);
                }
            }
        }
        ok &= undone == expected.undone;
        let names: Vec<&str> = undone.iter().map(|step| step.as_str()).collect();
        if !names.is_empty() {
            told.push(names.join(" → "));
        }
    }
    Ok(Check { name: "every undone step was undone once and in order", ok, found: told.join("; ") })
}

fn held(trips: &[Trip], ledger: &Ledger) -> Check {
    let wrong = trips.iter().filter(|trip| {
        let wanted: &[&str] = if trip.status == "APPROVED" { &["hotel", "flight", "car"] } else { &[] };
        ledger.held(trip.booking_id) != wanted
    });
    let wrong: Vec<&str> = wrong.map(|trip| trip.name).collect();
    let found = if wrong.is_empty() { "no trip is half booked".to_owned() } else { wrong.join(", ") };
    Check { name: "an approved trip holds all its parts, the others none", ok: wrong.is_empty(), found }
}

fn oversold(ledger: &Ledger) -> Check {
    let ok = ledger.faults.is_empty();
    let found =
        if ok { "rooms, seats and vehicles counted from their events".to_owned() } else { ledger.faults.join("; ") };
    Check { name: "nothing was oversold or given back twice", ok, found }
}

fn refunded(trips: &[Trip]) -> Check {
    let cancelled = trips.iter().find(|trip| trip.name == "cancelled_by_traveller").map(|trip| &trip.answer);
    let total = cancelled.and_then(|answer| answer["total"]["minorUnits"].as_str());
    let back = cancelled.and_then(|answer| answer["payment"]["refunded"]["minorUnits"].as_str());
    let amount = cancelled.map(|answer| format!("{} {}", answer["total"]["amount"], answer["total"]["currency"]));
    let found = amount.unwrap_or_default().replace('"', "");
    Check { name: "the cancelled trip was refunded in full", ok: total.is_some() && total == back, found }
}

fn thirteen_events(histories: &[Vec<StoredEvent>]) -> Check {
    let history = histories.first().map_or(&[][..], Vec::as_slice);
    let batches = history.iter().filter_map(|event| event.decode_metadata().ok()).map(|metadata| metadata.batch);
    let commits = batches.collect::<BTreeSet<_>>().len();
    Check {
        name: "the approved trip took thirteen events",
        ok: history.len() == APPROVED_EVENTS,
        found: format!("{} events in {commits} commits", history.len()),
    }
}

async fn nothing_pending(log: &EventLog, trips: &[Trip], histories: &[Vec<StoredEvent>]) -> Result<Check, Failure> {
    let ends = |event: &&StoredEvent| matches!(&*event.event_type, "SagaSucceeded" | "SagaCompensated");
    let ended = histories.iter().filter(|history| history.iter().any(|event| ends(&event))).count();
    let letters = histories.iter().flatten().filter(|event| event.stream.kind == StreamKind::DeadLetter).count();
    let sagas: BTreeSet<StreamId> = histories.iter().flatten().map(|event| event.stream).collect();
    let timers = log.due_wakeups(FAR, TIMERS_MAX).await?;
    let timers = timers.iter().filter(|timer| sagas.contains(&timer.stream)).count();
    let found = format!("{ended} of {} sagas ended, {letters} dead letters, {timers} timers set", trips.len());
    Ok(Check { name: "nothing is pending", ok: ended == trips.len() && letters == 0 && timers == 0, found })
}
