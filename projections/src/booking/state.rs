//! What the fold knows of a trip, and the public states that follow from it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart, PaymentPlan, Step, TripPlan};
use traveladvisor_infra::event_log::Position;

use super::saga::SagaState;
use crate::runtime::Recorded;
use crate::views::{
    BookingStatus, FailureView, PartStatus, PartView, PaymentMethod, PaymentStatus, PaymentView, SagaStatus,
};

/// One row of the read model. The card's token stays in the log: nobody reads it here.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BookingState {
    pub(super) owner: String,
    pub(super) traveller: Traveller,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hotel: Option<PartView<HotelPart>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flight: Option<PartView<FlightPart>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) car: Option<PartView<CarPart>>,
    pub(super) payment: PaymentView,
    pub(super) total: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<FailureView>,
    pub(super) version: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) position: Position,
    pub(super) course: Course,
    pub(super) saga: SagaState,
}

/// How far a trip has come, there and back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) standing: Standing,
    /// The saga takes back.
    pub(super) undoing: bool,
    /// The part that was reserved last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_booked: Option<Step>,
    /// The part that was given back last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_undone: Option<Step>,
    /// The parts that are reserved; absent until one was, and in rows of earlier programs: see [`BookingState::reserved`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reserved: Option<Vec<Step>>,
    /// What an operator has left as it is. Rows of earlier programs do not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) given_up: Vec<Step>,
    /// The last word on the payment was a fault.
    pub(super) payment_faulted: bool,
}

/// What the booking's own stream says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    #[default]
    Requested,
    Approved,
    /// The traveller has cancelled; an approval in between changes nothing (L17).
    CancelRequested,
    Cancelled,
}

impl BookingState {
    pub(super) fn requested(owner: String, traveller: Traveller, plan: TripPlan, recorded: &Recorded) -> Self {
        Self {
            owner,
            traveller,
            payment: payment_of(plan.payment, Money::zero(plan.total.currency)),
            hotel: plan.hotel.map(pending),
            flight: plan.flight.map(pending),
            car: plan.car.map(pending),
            total: plan.total,
            failure: None,
            version: recorded.sequence,
            created_at: recorded.told.occurred_at,
            updated_at: recorded.told.occurred_at,
            position: recorded.position,
            course: Course::default(),
            saga: SagaState::default(),
        }
    }

    pub(super) const fn status(&self) -> BookingStatus {
        public_status(self.course.standing, self.course.undoing, self.course.last_booked, self.course.last_undone)
    }

    pub(super) const fn saga_status(&self) -> SagaStatus {
        self.saga.status
    }

    /// When it was asked for, as long as its saga has not ended well.
    pub(super) const fn open_since(&self) -> Option<DateTime<Utc>> {
        match self.saga.status {
            SagaStatus::Succeeded | SagaStatus::Compensated => None,
            _ => Some(self.created_at),
        }
    }

    /// A part is reserved. What is being or was given back stays so.
    pub(super) fn booked(&mut self, step: Step) {
        self.course.last_booked = Some(step);
        if !self.reserved().contains(&step) {
            self.reserved().push(step);
        }
        self.change_part(step, |status| {
            if *status == PartStatus::Pending {
                *status = PartStatus::Booked;
            }
        });
    }

    pub(super) fn refused(&mut self, step: Step) {
        self.change_part(step, |status| {
            if *status == PartStatus::Pending {
                *status = PartStatus::Refused;
            }
        });
    }

    pub(super) fn giving_back(&mut self, step: Step) {
        self.reserved();
        self.change_part(step, |status| {
            if *status != PartStatus::Cancelled {
                *status = PartStatus::Cancelling;
            }
        });
    }

    pub(super) fn given_back(&mut self, step: Step) {
        if matches!(step, Step::Hotel | Step::Flight | Step::Car) {
            self.course.last_undone = Some(step);
        }
        self.reserved().retain(|reserved| *reserved != step);
        self.change_part(step, |status| *status = PartStatus::Cancelled);
    }

    /// An operator leaves a step as it is: a part as it was before its undo began, not answered if nobody knows.
    pub(super) fn given_up(&mut self, step: Step) {
        self.course.given_up.push(step);
        let before = if self.reserved().contains(&step) { PartStatus::Booked } else { PartStatus::Pending };
        self.change_part(step, |status| *status = before);
    }

    /// Nothing stands but what was given up: what was never asked for is cancelled as well, and the payment is settled.
    pub(super) fn closed(&mut self) {
        self.course.standing = Standing::Cancelled;
        let settles = |step: &Step| !self.course.given_up.contains(step);
        let payment_settles = settles(&Step::Payment);
        let parts: Vec<Step> = [Step::Hotel, Step::Flight, Step::Car].into_iter().filter(settles).collect();
        for step in parts {
            self.change_part(step, |status| {
                if *status == PartStatus::Pending {
                    *status = PartStatus::Cancelled;
                }
            });
        }
        if payment_settles && self.payment.status == PaymentStatus::Pending {
            self.payment.status =
                if self.course.payment_faulted { PaymentStatus::Failed } else { PaymentStatus::Cancelled };
        }
    }

    /// The parts that are reserved. Programs that did not write them down only took back what was reserved, so the parts tell.
    fn reserved(&mut self) -> &mut Vec<Step> {
        let parts = [
            (Step::Hotel, self.hotel.as_ref().map(|part| part.status)),
            (Step::Flight, self.flight.as_ref().map(|part| part.status)),
            (Step::Car, self.car.as_ref().map(|part| part.status)),
        ];
        let stands = |status: PartStatus| matches!(status, PartStatus::Booked | PartStatus::Cancelling);
        let told = || parts.into_iter().filter(|(_, part)| part.is_some_and(stands)).map(|(step, _)| step).collect();
        self.course.reserved.get_or_insert_with(told)
    }

    fn change_part(&mut self, step: Step, change: impl Fn(&mut PartStatus)) {
        let status = match step {
            Step::Hotel => self.hotel.as_mut().map(|part| &mut part.status),
            Step::Flight => self.flight.as_mut().map(|part| &mut part.status),
            Step::Car => self.car.as_mut().map(|part| &mut part.status),
            Step::Payment | Step::Approve => None,
        };
        if let Some(status) = status {
            change(status);
        }
    }
}

/// A booking's public state, by the table of public states: what its stream says, whether its saga takes back, which part was reserved
/// last, which given back.
pub(crate) const fn public_status(
    standing: Standing,
    undoing: bool,
    last_booked: Option<Step>,
    last_undone: Option<Step>,
) -> BookingStatus {
    match standing {
        Standing::Cancelled => BookingStatus::Cancelled,
        Standing::Approved if !undoing => BookingStatus::Approved,
        Standing::Requested if !undoing => match last_booked {
            Some(Step::Hotel) => BookingStatus::HotelBooked,
            Some(Step::Flight) => BookingStatus::FlightBooked,
            Some(Step::Car) => BookingStatus::CarBooked,
            _ => BookingStatus::Pending,
        },
        _ => match last_undone {
            Some(Step::Hotel) => BookingStatus::HotelCancelled,
            Some(Step::Flight) => BookingStatus::FlightCancelled,
            Some(Step::Car) => BookingStatus::CarCancelled,
            _ => BookingStatus::Cancelling,
        },
    }
}

const fn pending<T>(part: T) -> PartView<T> {
    PartView { part, status: PartStatus::Pending }
}

fn payment_of(plan: PaymentPlan, nothing: Money) -> PaymentView {
    let (method, card) = match plan {
        PaymentPlan::Card(card) => (PaymentMethod::Card, Some(card)),
        PaymentPlan::Points => (PaymentMethod::Points, None),
        PaymentPlan::None => (PaymentMethod::None, None),
    };
    let (brand, last_four) = card.map(|card| (card.brand, card.last_four)).unzip();
    PaymentView { method, status: PaymentStatus::Pending, brand, last_four, failure_code: None, refunded: nothing }
}
