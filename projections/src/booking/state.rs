//! What the fold knows of a trip, and the public states that follow from it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::discount::Discount;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart, PaymentPlan, Step, TripPlan};
use traveladvisor_infra::event_log::Position;

use super::facts::{Answered, Facts, Paid};
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) discount: Option<Discount>,
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
    /// The part that was reserved last, as the saga tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_booked: Option<Step>,
    /// The part that was given back last, as the saga tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_undone: Option<Step>,
    #[serde(default, skip_serializing_if = "Facts::is_none")]
    pub(super) hotel: Facts,
    #[serde(default, skip_serializing_if = "Facts::is_none")]
    pub(super) flight: Facts,
    #[serde(default, skip_serializing_if = "Facts::is_none")]
    pub(super) car: Facts,
    #[serde(default, skip_serializing_if = "Paid::is_none")]
    pub(super) paid: Paid,
    /// What an operator has left as it is. Rows of earlier programs do not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) given_up: Vec<Step>,
    /// The saga met a fault of the payment.
    pub(super) payment_faulted: bool,
}

impl Course {
    /// The facts of each part.
    pub(super) const fn parts(&self) -> [(Step, &Facts); 3] {
        [(Step::Hotel, &self.hotel), (Step::Flight, &self.flight), (Step::Car, &self.car)]
    }

    /// The facts of a part, to be changed.
    pub(super) const fn part(&mut self, step: Step) -> Option<&mut Facts> {
        match step {
            Step::Hotel => Some(&mut self.hotel),
            Step::Flight => Some(&mut self.flight),
            Step::Car => Some(&mut self.car),
            Step::Voucher | Step::Payment | Step::Approve => None,
        }
    }

    /// Nothing stands but what was given up.
    pub(super) fn is_closed(&self) -> bool {
        self.standing == Standing::Cancelled
    }

    /// The last part that was reserved and the last that was given back, whoever tells. Parts are reserved in the order of steps and given back
    /// in the reverse one, so the last of them is known without knowing in which order it was told.
    fn farthest(&self) -> (Option<Step>, Option<Step>) {
        let told = |what: Answered| {
            self.parts().into_iter().filter(move |(_, facts)| facts.told == Some(what)).map(|(step, _)| step)
        };
        let booked = self.last_booked.into_iter().chain(told(Answered::Reserved)).max();
        let undone = self.last_undone.into_iter().chain(told(Answered::Released)).min();
        (booked, undone)
    }
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
            discount: plan.discount,
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

    pub(super) fn status(&self) -> BookingStatus {
        let Course { standing, undoing, .. } = self.course;
        let (last_booked, last_undone) = self.course.farthest();
        public_status(standing, undoing, last_booked, last_undone)
    }

    pub(super) fn saga_status(&self) -> SagaStatus {
        let is_answered = self.course.parts().into_iter().any(|(_, facts)| facts.told == Some(Answered::Reserved));
        match self.saga.status {
            SagaStatus::Started if is_answered => SagaStatus::Processing,
            status => status,
        }
    }

    /// Where booking and saga stand as these two tell, whatever was heard of the others.
    pub(super) const fn as_its_own_streams_tell(&self) -> (BookingStatus, SagaStatus) {
        let Course { standing, undoing, last_booked, last_undone, .. } = &self.course;
        (public_status(*standing, *undoing, *last_booked, *last_undone), self.saga.status)
    }

    /// When it was asked for, as long as its saga has not ended well.
    pub(super) const fn open_since(&self) -> Option<DateTime<Utc>> {
        match self.saga.status {
            SagaStatus::Succeeded | SagaStatus::Compensated => None,
            _ => Some(self.created_at),
        }
    }

    /// What people see of parts and payment follows from what each stream has told, in whichever order that came together.
    pub(super) fn show(&mut self) {
        let course = &self.course;
        let shown = |step: Step, facts: &Facts| facts.status(course.is_closed(), course.given_up.contains(&step));
        if let Some(hotel) = &mut self.hotel {
            hotel.status = shown(Step::Hotel, &course.hotel);
        }
        if let Some(flight) = &mut self.flight {
            flight.status = shown(Step::Flight, &course.flight);
        }
        if let Some(car) = &mut self.car {
            car.status = shown(Step::Car, &course.car);
        }
        let settles = course.is_closed() && !course.given_up.contains(&Step::Payment);
        self.payment.status = course.paid.status(settles, course.payment_faulted);
        self.payment.failure_code = course.paid.failure_code(course.payment_faulted);
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
    let (method, card, points) = match plan {
        PaymentPlan::Card(card) => (PaymentMethod::Card, Some(card), None),
        PaymentPlan::Points => (PaymentMethod::Points, None, None),
        PaymentPlan::Redeem(asked) => (PaymentMethod::Points, None, Some(asked.points)),
        PaymentPlan::None => (PaymentMethod::None, None, None),
    };
    let (brand, last_four) = card.map(|card| (card.brand, card.last_four)).unzip();
    let status = PaymentStatus::Pending;
    PaymentView { method, status, brand, last_four, points, failure_code: None, refunded: nothing }
}
