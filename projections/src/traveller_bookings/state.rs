//! What the fold knows of a trip: as much as a list shows, and what its public states follow from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{Step, TripPlan};
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::Verb;

use crate::booking::{Standing, after_cancellation, public_status, saga_status};
use crate::views::{BookingStatus, SagaStatus};

/// A trip as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TripState {
    pub(super) owner: String,
    pub(super) total: Money,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) stay: Option<Stay>,
    pub(super) parts: Vec<Step>,
    pub(super) way: Way,
}

/// How far a trip has come, there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    standing: Standing,
    undoing: bool,
    last_booked: Option<Step>,
    last_undone: Option<Step>,
    saga: SagaStatus,
}

impl TripState {
    pub(super) fn requested(owner: String, plan: &TripPlan) -> Self {
        let parts = [
            (Step::Hotel, plan.hotel.is_some()),
            (Step::Flight, plan.flight.is_some()),
            (Step::Car, plan.car.is_some()),
        ];
        Self {
            owner,
            total: plan.total,
            starts_at: plan.starts_at,
            stay: plan.hotel.as_ref().map(|hotel| hotel.stay),
            parts: parts.into_iter().filter(|(_, is_there)| *is_there).map(|(part, _)| part).collect(),
            way: Way::begun(),
        }
    }
}

impl Way {
    const fn begun() -> Self {
        Self {
            standing: Standing::Requested,
            undoing: false,
            last_booked: None,
            last_undone: None,
            saga: SagaStatus::Started,
        }
    }

    pub(super) const fn status(self) -> BookingStatus {
        public_status(self.standing, self.undoing, self.last_booked, self.last_undone)
    }

    pub(super) const fn saga_status(self) -> SagaStatus {
        self.saga
    }

    /// How far it has come after an event of its booking or its saga.
    pub(super) fn after(mut self, event: &Event) -> Self {
        match event {
            Event::Booking(event) => self.take_booking(event),
            Event::TripSaga(event) => self.take_saga(event),
            _ => {}
        }
        self
    }

    fn take_booking(&mut self, event: &BookingEvent) {
        match event {
            BookingEvent::CancellationRequested { .. } => {
                self.standing = Standing::CancelRequested;
                self.saga = after_cancellation(self.saga);
            }
            BookingEvent::BookingApproved { .. } if self.standing == Standing::Requested => {
                self.standing = Standing::Approved;
            }
            BookingEvent::BookingCancelled { .. } => self.standing = Standing::Cancelled,
            BookingEvent::BookingRequested { .. }
            | BookingEvent::BookingApproved { .. }
            | BookingEvent::AnswerRepeated { .. } => {}
        }
    }

    fn take_saga(&mut self, event: &TripSagaEvent) {
        match event {
            TripSagaEvent::StepSucceeded { step, .. } => self.booked(*step),
            TripSagaEvent::UndoSucceeded { step, .. } => self.given_back(*step),
            TripSagaEvent::Resolved { verb: Verb::MarkUndone, step, direction: Direction::Undo, .. } => {
                self.given_back(*step);
            }
            _ => {}
        }
        self.undoing |= event.sends().is_some_and(|sends| sends.direction == Direction::Undo);
        self.saga = saga_status(event, self.saga, self.undoing, self.standing);
    }

    const fn booked(&mut self, step: Step) {
        if matches!(step, Step::Hotel | Step::Flight | Step::Car) {
            self.last_booked = Some(step);
        }
    }

    const fn given_back(&mut self, step: Step) {
        if matches!(step, Step::Hotel | Step::Flight | Step::Car) {
            self.last_undone = Some(step);
        }
    }
}
