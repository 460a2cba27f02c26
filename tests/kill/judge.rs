//! What the log says of every trip.

use std::collections::BTreeMap;

use serde_json::Value;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::{Step, TripPlan};
use traveladvisor_domain::trip_saga::TripSagaEvent;

use crate::ledger::Ledger;

/// What came of it all.
#[derive(Default)]
pub(super) struct Verdict {
    /// Bookings in the log.
    pub(super) bookings: usize,
    /// Those that stand.
    pub(super) approved: usize,
    /// Those that do not.
    pub(super) cancelled: usize,
    /// Payments by card that were completed, whatever became of them later.
    pub(super) paid: usize,
    /// Bookings whose saga has not ended.
    pub(super) pending: Vec<String>,
    /// Sentences about what must never happen.
    pub(super) faults: Vec<String>,
}

#[derive(Default)]
struct Trip {
    plan: Option<TripPlan>,
    done: Vec<Step>,
    undone: Vec<Step>,
    approved: bool,
    cancelled: bool,
    /// How often the traveller asked to cancel; once at most has an effect.
    cancellations: usize,
    /// Its saga has not ended: a traveller's cancellation begins a second way.
    open: bool,
    charged: usize,
}

/// Reads the whole log.
pub(super) fn judge(events: &[Value]) -> Verdict {
    let mut ledger = Ledger::default();
    let mut trips: BTreeMap<BookingId, Trip> = BTreeMap::new();
    let mut verdict = Verdict::default();
    for record in events {
        let stream: StreamId = record["stream"].as_str().expect("a stream").parse().expect("an id");
        let event = decode(stream.kind, &record["payload"]);
        ledger.tell(stream, &event);
        if let Event::DeadLetter(letter) = &event {
            verdict.faults.push(format!("a dead letter: {letter:?}"));
        }
        if matches!(stream.kind, StreamKind::Booking | StreamKind::TripSaga | StreamKind::Payment) {
            trips.entry(BookingId(stream.uuid)).or_default().tell(&event);
        }
    }
    verdict.bookings = trips.len();
    for (id, trip) in &trips {
        verdict.paid += trip.charged;
        verdict.approved += usize::from(trip.stands());
        verdict.cancelled += usize::from(trip.cancelled);
        if trip.open || trip.stands() == trip.cancelled {
            verdict.pending.push(id.to_string());
        } else {
            verdict.faults.extend(trip.fault(&ledger.held(*id)).map(|fault| format!("{id}: {fault}")));
        }
    }
    verdict.faults.append(&mut ledger.faults);
    verdict
}

impl Trip {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::Booking(BookingEvent::BookingRequested { plan, .. }) => {
                self.plan = Some(plan.clone());
                self.open = true;
            }
            Event::Booking(BookingEvent::CancellationRequested { .. }) => {
                self.cancellations += 1;
                self.open = true;
            }
            Event::Booking(BookingEvent::BookingApproved { .. }) => self.approved = true,
            Event::Booking(BookingEvent::BookingCancelled { .. }) => self.cancelled = true,
            Event::TripSaga(TripSagaEvent::StepSucceeded { step, .. }) => self.done.push(*step),
            Event::TripSaga(TripSagaEvent::UndoSucceeded { step, .. }) => self.undone.push(*step),
            Event::TripSaga(TripSagaEvent::SagaSucceeded) => self.open = self.cancellations > 0,
            Event::TripSaga(TripSagaEvent::SagaCompensated { .. }) => self.open = false,
            Event::Payment(PaymentEvent::PaymentCompleted { charge: Some(_), .. }) => self.charged += 1,
            _ => {}
        }
    }

    fn stands(&self) -> bool {
        self.approved && !self.cancelled
    }

    fn fault(&self, held: &[&str]) -> Option<String> {
        let Some(plan) = &self.plan else { return Some("it was never asked for".to_owned()) };
        let parts = [(plan.hotel.is_some(), "hotel"), (plan.flight.is_some(), "flight"), (plan.car.is_some(), "car")];
        let wanted: Vec<&str> = parts.iter().filter(|(is, _)| *is && self.stands()).map(|(_, name)| *name).collect();
        if held != wanted {
            return Some(format!("half booked: {held:?} instead of {wanted:?}"));
        }
        if self.charged > 1 {
            return Some(format!("charged {} times", self.charged));
        }
        // Parts in exact reverse, then the money if it had been taken.
        let parts = self.done.iter().rev().filter(|step| **step < Step::Payment);
        let money = self.done.iter().filter(|step| **step == Step::Payment);
        let expected: Vec<Step> = if self.cancelled { parts.chain(money).copied().collect() } else { Vec::new() };
        (self.undone != expected).then(|| format!("undone {:?} instead of {expected:?}", self.undone))
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
        })
    };
    read().expect("an event of today's shape")
}
