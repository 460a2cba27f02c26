//! What events cause: every arrow of a trip, derived from the log by a pure function (L9).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aggregate::Event;
use crate::booking::BookingEvent;
use crate::car::CarEvent;
use crate::dead_letter::DeadLetterEvent;
use crate::failure::Failure;
use crate::flight::FlightEvent;
use crate::hotel::HotelEvent;
use crate::id::{BookingId, StreamId};
use crate::money::Money;
use crate::payment::PaymentEvent;
use crate::points::{Earning, PointsOrder};
use crate::points_account::PointsAccountEvent;
use crate::reward::RewardEvent;
use crate::trip::{CarPart, FlightPart, HotelPart, PaymentPlan, Step, TripPlan, VoucherPart};
use crate::trip_saga::TripSagaEvent;

/// Name space of message ids.
const MESSAGES: Uuid = Uuid::from_u128(0x0d5c_9b0e_27f4_5e0b_8a52_3f6d_90c1_7e44);

/// Do a step, or take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Forward.
    Request,
    /// Back.
    Undo,
}

impl Direction {
    /// The stored name, for example `undo`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Undo => "undo",
        }
    }
}

/// What the saga asks of a participant or of the booking. Carries all that is needed to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Instruction {
    /// Do it or take it back.
    pub direction: Direction,
    /// Counted from 1 for each step and direction.
    pub attempt: u32,
    /// What, and of whom.
    pub order: Order,
    /// When the saga stops waiting for the answer: it may have happened by then or not. Absent: it waits without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<DateTime<Utc>>,
}

/// The thing asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Order {
    /// A voucher.
    Voucher(VoucherPart),
    /// Rooms of a hotel.
    Rooms(HotelPart),
    /// Seats of a flight.
    Seats(FlightPart),
    /// A vehicle of a fleet.
    Vehicle(CarPart),
    /// The money. An undo gives back the same amount.
    Payment {
        /// How it is paid.
        plan: PaymentPlan,
        /// How much.
        amount: Money,
        /// What an operator has found out about the money, where the gateway cannot tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Finding>,
    },
    /// The booking's approval; undone: its cancellation, with what made it fail, if anything did.
    Booking {
        /// Absent for an approval and when the traveller cancelled.
        failure: Option<FailedStep>,
    },
}

/// What an operator has found out about money whose gateway cannot tell, with evidence outside of this program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Finding {
    /// The charge was made.
    Taken {
        /// The gateway's reference of the charge; a refund needs it.
        reference: String,
    },
    /// The charge was surely not made.
    NotTaken,
    /// The money was given back.
    GivenBack,
}

/// The step that made a trip fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailedStep {
    /// Which step.
    pub step: Step,
    /// Why.
    pub failure: Failure,
}

/// What came of an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answer {
    /// The step asked for.
    pub step: Step,
    /// Request or undo.
    pub direction: Direction,
    /// The attempt that is answered.
    pub attempt: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// Yes, a business no, or a technical no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Outcome {
    /// Done. For an undo: given back, or barred because nothing had come.
    Done,
    /// A refusal.
    Refused(Failure),
    /// A fault: surely nothing happened, and trying again may work.
    Faulted(Failure),
    /// Nobody can say whether it happened: the message could not be handled, this time. Trying again may tell.
    Unknown(Failure),
}

/// A call that the payment gateway is asked for. It is made once the event that causes it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayCall {
    /// Idempotency key of the call: the same call has the same key at every delivery.
    pub key: String,
    /// The attempt of the request or undo that this call serves.
    pub attempt: u32,
    /// The gateway's token of the card.
    pub token: String,
    /// How much.
    pub amount: Money,
    /// Charge, or refund of an earlier charge.
    pub kind: GatewayCallKind,
}

/// What is asked of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayCallKind {
    /// Take the money.
    Charge,
    /// Give it back.
    Refund {
        /// The gateway's reference of the charge.
        charge: String,
    },
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum Body {
    /// Booking to saga: begin.
    StartTrip(TripPlan),
    /// Booking to saga: the traveller wants it cancelled.
    CancelTrip,
    /// Saga to participant or booking.
    Instruction(Instruction),
    /// Participant or booking to saga; a points account to the payment.
    Answer(Answer),
    /// Payment to points account: take points or give them back.
    Points(PointsOrder),
    /// Booking to points account: a trip was approved, this is what it brings.
    Earn(Earning),
    /// Booking to points account: an approved trip was cancelled, this is what it had brought.
    Reverse(Earning),
    /// Payment to gateway: make this call.
    GatewayCall(GatewayCall),
    /// Payment to gateway: what came of this call? Only if it has not arrived may it be sent, under the same key (L16).
    LookUp(GatewayCall),
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// An aggregate.
    Stream(StreamId),
    /// The payment gateway, outside.
    Gateway,
}

/// One message that an event causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The trip it is about.
    pub booking: BookingId,
    /// Who decides on it.
    pub to: Destination,
    /// What it says.
    pub body: Body,
}

/// The stable id of the message at `place` of the event at `sequence` of `stream`: the same at every delivery (`UUIDv5`).
pub fn message_id(log: &str, stream: StreamId, sequence: u64, place: usize) -> Uuid {
    Uuid::new_v5(&MESSAGES, format!("{log}\0{stream}\0{sequence}\0{place}").as_bytes())
}

/// The messages that an event of `stream` causes, in the order of their places.
pub fn messages(stream: StreamId, event: &Event) -> Vec<Message> {
    caused(stream, event).collect()
}

/// The messages that a stored event causes, in the order of their places: those of all that it is today, one after the other. So a message
/// keeps its place and its id when the shape of its event is split, as long as the parts cause the same messages in the same order.
pub fn messages_of<'e>(stream: StreamId, events: impl IntoIterator<Item = &'e Event>) -> Vec<Message> {
    events.into_iter().flat_map(|event| caused(stream, event)).collect()
}

/// An event's own message, then what a member's points have to do with it.
fn caused(stream: StreamId, event: &Event) -> impl Iterator<Item = Message> {
    let points = if let Event::Booking(event) = event { of_points(BookingId(stream.uuid), event) } else { None };
    own(stream, event).into_iter().chain(points)
}

fn own(stream: StreamId, event: &Event) -> Option<Message> {
    match event {
        Event::Booking(event) => Some(from_booking(BookingId(stream.uuid), event)),
        Event::TripSaga(event) => from_saga(BookingId(stream.uuid), event),
        Event::Hotel(event) => from_hotel(event),
        Event::Flight(event) => from_flight(event),
        Event::Car(event) => from_car(event),
        Event::Payment(event) => from_payment(BookingId(stream.uuid), event),
        Event::DeadLetter(event) => from_dead_letter(event),
        Event::Reward(event) => from_reward(event),
        Event::PointsAccount(event) => from_points_account(event),
        Event::Member(_) | Event::EmailClaim(_) | Event::Campaign(_) | Event::Programme(_) => None,
    }
}

fn of_points(booking: BookingId, event: &BookingEvent) -> Option<Message> {
    let (earning, body) = match event {
        BookingEvent::BookingApproved { earns: Some(earns), .. } => (earns, Body::Earn(*earns)),
        BookingEvent::BookingCancelled { reverses: Some(reverses), .. } => (reverses, Body::Reverse(*reverses)),
        _ => return None,
    };
    Some(Message { booking, to: Destination::Stream(earning.member.account()), body })
}

fn from_booking(booking: BookingId, event: &BookingEvent) -> Message {
    let body = match event {
        BookingEvent::BookingRequested { plan, .. } => Body::StartTrip(plan.clone()),
        BookingEvent::CancellationRequested { .. } => Body::CancelTrip,
        BookingEvent::BookingApproved { attempt, .. } => {
            return answer(booking, Step::Approve, Direction::Request, *attempt, Outcome::Done);
        }
        BookingEvent::BookingCancelled { attempt, .. } => {
            return answer(booking, Step::Approve, Direction::Undo, *attempt, Outcome::Done);
        }
        BookingEvent::AnswerRepeated { answer } => Body::Answer(answer.clone()),
    };
    to_saga(booking, body)
}

fn from_saga(booking: BookingId, event: &TripSagaEvent) -> Option<Message> {
    let instruction = event.sends()?;
    let to = Destination::Stream(instruction.order.decided_by(booking));
    Some(Message { booking, to, body: Body::Instruction(instruction.clone()) })
}

fn from_hotel(event: &HotelEvent) -> Option<Message> {
    Some(match event {
        HotelEvent::HotelListed { .. } | HotelEvent::HotelChanged { .. } | HotelEvent::AllotmentChanged { .. } => {
            return None;
        }
        HotelEvent::RoomsReserved { booking, attempt, .. } => {
            answer(*booking, Step::Hotel, Direction::Request, *attempt, Outcome::Done)
        }
        HotelEvent::RoomsRefused { booking, attempt, failure, .. } => {
            answer(*booking, Step::Hotel, Direction::Request, *attempt, Outcome::Refused(failure.clone()))
        }
        HotelEvent::RoomsReleased { booking, attempt, .. } | HotelEvent::ReservationBarred { booking, attempt, .. } => {
            answer(*booking, Step::Hotel, Direction::Undo, *attempt, Outcome::Done)
        }
        HotelEvent::AnswerRepeated { booking, answer, .. } => to_saga(*booking, Body::Answer(answer.clone())),
    })
}

fn from_flight(event: &FlightEvent) -> Option<Message> {
    Some(match event {
        FlightEvent::FlightListed { .. } | FlightEvent::FlightChanged { .. } => return None,
        FlightEvent::SeatsReserved { booking, attempt, .. } => {
            answer(*booking, Step::Flight, Direction::Request, *attempt, Outcome::Done)
        }
        FlightEvent::SeatsRefused { booking, attempt, failure, .. } => {
            answer(*booking, Step::Flight, Direction::Request, *attempt, Outcome::Refused(failure.clone()))
        }
        FlightEvent::SeatsReleased { booking, attempt, .. }
        | FlightEvent::ReservationBarred { booking, attempt, .. } => {
            answer(*booking, Step::Flight, Direction::Undo, *attempt, Outcome::Done)
        }
        FlightEvent::AnswerRepeated { booking, answer, .. } => to_saga(*booking, Body::Answer(answer.clone())),
    })
}

fn from_car(event: &CarEvent) -> Option<Message> {
    Some(match event {
        CarEvent::CarListed { .. } | CarEvent::CarChanged { .. } => return None,
        CarEvent::VehicleReserved { booking, attempt, .. } => {
            answer(*booking, Step::Car, Direction::Request, *attempt, Outcome::Done)
        }
        CarEvent::VehicleRefused { booking, attempt, failure, .. } => {
            answer(*booking, Step::Car, Direction::Request, *attempt, Outcome::Refused(failure.clone()))
        }
        CarEvent::VehicleReleased { booking, attempt, .. } | CarEvent::ReservationBarred { booking, attempt, .. } => {
            answer(*booking, Step::Car, Direction::Undo, *attempt, Outcome::Done)
        }
        CarEvent::AnswerRepeated { booking, answer, .. } => to_saga(*booking, Body::Answer(answer.clone())),
    })
}

fn from_payment(booking: BookingId, event: &PaymentEvent) -> Option<Message> {
    let (direction, attempt, outcome) = match event {
        PaymentEvent::PaymentRequested { attempt, plan: PaymentPlan::Redeem(points), amount, call: None } => {
            let (direction, attempt) = (Direction::Request, *attempt);
            return Some(to_account(booking, PointsOrder { direction, attempt, points: *points, value: *amount }));
        }
        PaymentEvent::PointsAsked { order, .. } => return Some(to_account(booking, *order)),
        PaymentEvent::PaymentRequested { call, .. } => {
            let call = call.clone()?;
            return Some(Message { booking, to: Destination::Gateway, body: Body::GatewayCall(call) });
        }
        PaymentEvent::RefundRequested { call } => {
            return Some(Message { booking, to: Destination::Gateway, body: Body::GatewayCall(call.clone()) });
        }
        PaymentEvent::OutcomeAsked { call, .. } => {
            return Some(Message { booking, to: Destination::Gateway, body: Body::LookUp(call.clone()) });
        }
        PaymentEvent::OutcomeUnknown { direction, attempt, failure } => {
            (*direction, attempt, Outcome::Unknown(failure.clone()))
        }
        PaymentEvent::UndoAwaited { .. } => return None,
        PaymentEvent::AnswerRepeated { answer } => return Some(to_saga(booking, Body::Answer(answer.clone()))),
        PaymentEvent::PaymentCompleted { attempt, .. } => (Direction::Request, attempt, Outcome::Done),
        PaymentEvent::PaymentFailed { attempt, failure, .. } => {
            (Direction::Request, attempt, Outcome::Refused(failure.clone()))
        }
        PaymentEvent::PaymentFaulted { attempt, failure, .. } => {
            (Direction::Request, attempt, Outcome::Faulted(failure.clone()))
        }
        PaymentEvent::PaymentCancelled { attempt, .. } | PaymentEvent::PaymentBarred { attempt, .. } => {
            (Direction::Undo, attempt, Outcome::Done)
        }
        PaymentEvent::RefundFaulted { attempt, failure, .. } => {
            (Direction::Undo, attempt, Outcome::Faulted(failure.clone()))
        }
    };
    Some(answer(booking, Step::Payment, direction, *attempt, outcome))
}

fn to_account(booking: BookingId, order: PointsOrder) -> Message {
    Message { booking, to: Destination::Stream(order.points.member.account()), body: Body::Points(order) }
}

fn from_points_account(event: &PointsAccountEvent) -> Option<Message> {
    let (booking, direction, attempt, outcome) = match event {
        PointsAccountEvent::PointsRedeemed { booking, attempt, .. } => {
            (booking, Direction::Request, attempt, Outcome::Done)
        }
        PointsAccountEvent::RedemptionRefused { booking, attempt, failure, .. } => {
            (booking, Direction::Request, attempt, Outcome::Refused(failure.clone()))
        }
        PointsAccountEvent::PointsRestored { booking, attempt, .. }
        | PointsAccountEvent::RedemptionBarred { booking, attempt, .. } => {
            (booking, Direction::Undo, attempt, Outcome::Done)
        }
        PointsAccountEvent::AnswerRepeated { booking, answer, .. } => {
            return Some(to_payment(*booking, answer.clone()));
        }
        PointsAccountEvent::PointsEarned { .. }
        | PointsAccountEvent::PointsReversed { .. }
        | PointsAccountEvent::EarningBarred { .. }
        | PointsAccountEvent::AccountClosed { .. } => return None,
    };
    Some(to_payment(*booking, Answer { step: Step::Payment, direction, attempt: *attempt, outcome }))
}

fn to_payment(booking: BookingId, answer: Answer) -> Message {
    Message { booking, to: Destination::Stream(booking.payment()), body: Body::Answer(answer) }
}

fn from_reward(event: &RewardEvent) -> Option<Message> {
    Some(match event {
        RewardEvent::RewardGranted { .. } => return None,
        RewardEvent::VoucherRedeemed { booking, attempt, .. } => {
            answer(*booking, Step::Voucher, Direction::Request, *attempt, Outcome::Done)
        }
        RewardEvent::VoucherRefused { booking, attempt, failure } => {
            answer(*booking, Step::Voucher, Direction::Request, *attempt, Outcome::Refused(failure.clone()))
        }
        RewardEvent::VoucherReturned { booking, attempt, .. } | RewardEvent::RedemptionBarred { booking, attempt } => {
            answer(*booking, Step::Voucher, Direction::Undo, *attempt, Outcome::Done)
        }
        RewardEvent::AnswerRepeated { booking, answer } => to_saga(*booking, Body::Answer(answer.clone())),
    })
}

/// A dead letter that was a saga's instruction is answered, so that the saga goes on. An earlier delivery may have been handled.
fn from_dead_letter(event: &DeadLetterEvent) -> Option<Message> {
    let (booking, instruction, failure) = match event {
        DeadLetterEvent::MessageDeadLettered { booking, instruction, failure, .. }
        | DeadLetterEvent::RecordDeadLettered { booking, instruction, failure, .. } => {
            ((*booking)?, instruction, failure)
        }
        DeadLetterEvent::LetterRetried { .. } | DeadLetterEvent::LetterDiscarded { .. } => return None,
    };
    let asked = instruction.as_ref()?;
    Some(answer(booking, asked.step, asked.direction, asked.attempt, Outcome::Unknown(failure.clone())))
}

fn answer(booking: BookingId, step: Step, direction: Direction, attempt: u32, outcome: Outcome) -> Message {
    to_saga(booking, Body::Answer(Answer { step, direction, attempt, outcome }))
}

fn to_saga(booking: BookingId, body: Body) -> Message {
    Message { booking, to: Destination::Stream(booking.saga()), body }
}

impl Order {
    /// The step that this order belongs to.
    pub const fn step(&self) -> Step {
        match self {
            Self::Voucher(_) => Step::Voucher,
            Self::Rooms(_) => Step::Hotel,
            Self::Seats(_) => Step::Flight,
            Self::Vehicle(_) => Step::Car,
            Self::Payment { .. } => Step::Payment,
            Self::Booking { .. } => Step::Approve,
        }
    }

    /// The stream that decides on it.
    pub const fn decided_by(&self, booking: BookingId) -> StreamId {
        match self {
            Self::Voucher(part) => part.voucher.stream(),
            Self::Rooms(part) => part.hotel.stream(),
            Self::Seats(part) => part.flight.stream(),
            Self::Vehicle(part) => part.car.stream(),
            Self::Payment { .. } => booking.payment(),
            Self::Booking { .. } => booking.stream(),
        }
    }
}
