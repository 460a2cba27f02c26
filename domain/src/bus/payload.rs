//! What records say, in each version. Version 1 says instructions and answers as the log stores them; version 2 says them flat, for readers
//! that know nothing of how this program writes its events. All else is the same in both.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{Announcement, Version};
use crate::failure::Failure;
use crate::message::{Answer, Body, Direction, FailedStep, Finding, Instruction, Order, Outcome};
use crate::money::Money;
use crate::trip::{CarPart, FlightPart, HotelPart, PaymentPlan, Step, VoucherPart};

/// What a participant is asked for, in version 2: the fields of what is ordered stand beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct FlatInstruction {
    /// Do it or take it back.
    direction: Direction,
    /// Counted from 1 for each step and direction.
    attempt: u32,
    /// What, and of whom.
    #[serde(flatten)]
    order: FlatOrder,
    /// When nobody waits for the answer any more. Absent: it is awaited without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer_by: Option<DateTime<Utc>>,
}

/// The thing asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "order", rename_all = "snake_case")]
enum FlatOrder {
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
    /// The booking's approval, or its cancellation.
    Booking {
        /// What made it fail, if anything did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<FailedStep>,
    },
}

/// What came of an instruction, in version 2: a word, and beside it why, where it is no yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct FlatAnswer {
    /// The step asked for.
    step: Step,
    /// Request or undo.
    direction: Direction,
    /// The attempt that is answered.
    attempt: u32,
    /// What came of it.
    outcome: Word,
    /// Why not, or why nobody knows. Absent when it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// What came of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// Done. For an undo: given back, or barred because nothing had come.
    Done,
    /// A business no.
    Refused,
    /// A technical no: surely nothing happened.
    Faulted,
    /// Nobody can say whether it happened.
    Unknown,
}

/// The payload of a message; none of what never leaves its context.
pub(super) fn of_body(body: &Body, version: Version) -> Option<Box<RawValue>> {
    match (body, version) {
        (Body::Instruction(asked), Version::One) => to_raw_value(asked),
        (Body::Instruction(asked), Version::Two) => to_raw_value(&FlatInstruction::from(asked.clone())),
        (Body::Answer(answer), Version::One) => to_raw_value(answer),
        (Body::Answer(answer), Version::Two) => to_raw_value(&FlatAnswer::from(answer.clone())),
        (Body::Points(order), _) => to_raw_value(order),
        (Body::Earn(earning) | Body::Reverse(earning), _) => to_raw_value(earning),
        (Body::StartTrip(_) | Body::CancelTrip | Body::GatewayCall(_) | Body::LookUp(_), _) => return None,
    }
    .ok()
}

/// The payload of an announcement.
pub(super) fn of_announcement(announcement: &Announcement) -> Option<Box<RawValue>> {
    match announcement {
        Announcement::Hotel(event) => to_raw_value(event),
        Announcement::Flight(event) => to_raw_value(event),
        Announcement::Car(event) => to_raw_value(event),
        Announcement::Member(standing) => to_raw_value(standing),
        Announcement::Reward(event) => to_raw_value(event),
        Announcement::Letter(event) => to_raw_value(event),
    }
    .ok()
}

/// Reads an instruction of either version.
pub(super) fn instruction(payload: &RawValue, version: Version) -> Result<Instruction, String> {
    match version {
        Version::One => of(payload),
        Version::Two => of::<FlatInstruction>(payload).map(Instruction::from),
    }
}

/// Reads an answer of either version.
pub(super) fn answer(payload: &RawValue, version: Version) -> Result<Answer, String> {
    match version {
        Version::One => of(payload),
        Version::Two => of::<FlatAnswer>(payload)?.try_into(),
    }
}

/// Reads what is the same in all versions.
pub(super) fn of<T: DeserializeOwned>(payload: &RawValue) -> Result<T, String> {
    // The parser's own words may quote values.
    let unfit = |error: serde_json::Error| format!("its payload does not fit (column {})", error.column());
    serde_json::from_str(payload.get()).map_err(unfit)
}

impl From<Instruction> for FlatInstruction {
    fn from(Instruction { direction, attempt, order, answer_by }: Instruction) -> Self {
        let order = match order {
            Order::Voucher(part) => FlatOrder::Voucher(part),
            Order::Rooms(part) => FlatOrder::Rooms(part),
            Order::Seats(part) => FlatOrder::Seats(part),
            Order::Vehicle(part) => FlatOrder::Vehicle(part),
            Order::Payment { plan, amount, found } => FlatOrder::Payment { plan, amount, found },
            Order::Booking { failure } => FlatOrder::Booking { failure },
        };
        Self { direction, attempt, order, answer_by }
    }
}

impl From<FlatInstruction> for Instruction {
    fn from(FlatInstruction { direction, attempt, order, answer_by }: FlatInstruction) -> Self {
        let order = match order {
            FlatOrder::Voucher(part) => Order::Voucher(part),
            FlatOrder::Rooms(part) => Order::Rooms(part),
            FlatOrder::Seats(part) => Order::Seats(part),
            FlatOrder::Vehicle(part) => Order::Vehicle(part),
            FlatOrder::Payment { plan, amount, found } => Order::Payment { plan, amount, found },
            FlatOrder::Booking { failure } => Order::Booking { failure },
        };
        Self { direction, attempt, order, answer_by }
    }
}

impl From<Answer> for FlatAnswer {
    fn from(Answer { step, direction, attempt, outcome }: Answer) -> Self {
        let (outcome, failure) = match outcome {
            Outcome::Done => (Word::Done, None),
            Outcome::Refused(failure) => (Word::Refused, Some(failure)),
            Outcome::Faulted(failure) => (Word::Faulted, Some(failure)),
            Outcome::Unknown(failure) => (Word::Unknown, Some(failure)),
        };
        Self { step, direction, attempt, outcome, failure }
    }
}

impl TryFrom<FlatAnswer> for Answer {
    type Error = String;
    fn try_from(FlatAnswer { step, direction, attempt, outcome, failure }: FlatAnswer) -> Result<Self, String> {
        let outcome = match (outcome, failure) {
            (Word::Done, _) => Outcome::Done,
            (Word::Refused, Some(failure)) => Outcome::Refused(failure),
            (Word::Faulted, Some(failure)) => Outcome::Faulted(failure),
            (Word::Unknown, Some(failure)) => Outcome::Unknown(failure),
            (Word::Refused | Word::Faulted | Word::Unknown, None) => {
                return Err("it is no yes and gives no reason".to_owned());
            }
        };
        Ok(Self { step, direction, attempt, outcome })
    }
}
