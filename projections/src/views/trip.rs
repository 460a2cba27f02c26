//! Trips, their payments, timelines and sagas.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::discount::Discount;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart, Step};
use traveladvisor_infra::event_log::Position;

use super::{BookingStatus, PartStatus, PaymentMethod, PaymentStatus, SagaStatus, StepState};

/// Where the saga of a trip stands that has ended.
pub(crate) const SETTLED_SAGA: [SagaStatus; 3] = [SagaStatus::Succeeded, SagaStatus::Compensated, SagaStatus::Failed];
/// Where a trip stands that has ended.
pub(crate) const SETTLED_BOOKING: [BookingStatus; 2] = [BookingStatus::Approved, BookingStatus::Cancelled];

/// A trip as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct BookingView {
    /// Which trip.
    pub id: BookingId,
    /// Where it stands.
    pub status: BookingStatus,
    /// Where its saga stands.
    pub saga_status: SagaStatus,
    /// Sequence of the booking's own stream; for `expectedVersion`.
    pub version: u64,
    /// Who may see it: the opaque name of the caller who asked for it.
    pub owner: String,
    /// Who travels.
    pub traveller: TravellerView,
    /// The hotel, if any.
    pub hotel: Option<PartView<HotelPart>>,
    /// The flight, if any.
    pub flight: Option<PartView<FlightPart>>,
    /// The car, if any.
    pub car: Option<PartView<CarPart>>,
    /// The payment.
    pub payment: PaymentView,
    /// What a voucher takes off the sum of the parts, and the share of each. A part's price stays its own.
    pub discount: Option<Discount>,
    /// What is quoted, paid and refunded: the sum of the parts without the discount.
    pub total: Money,
    /// What made it fail; absent when nothing did, also when the traveller cancelled.
    pub failure: Option<FailureView>,
    /// What concerned it, oldest first, within the bounds of a read.
    pub timeline: Vec<TimelineEntry>,
    /// When it was asked for, by the program's clock.
    pub created_at: DateTime<Utc>,
    /// When something last happened to it, by the program's clock.
    pub updated_at: DateTime<Utc>,
    /// The position of what last happened to it.
    pub position: Position,
}

impl BookingView {
    /// Nothing more happens to it unless somebody asks.
    pub fn is_settled(&self) -> bool {
        SETTLED_SAGA.contains(&self.saga_status) && SETTLED_BOOKING.contains(&self.status)
    }
}

/// The person who travels. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct TravellerView {
    /// E-mail address, as given.
    pub email: String,
    /// Full name, as given.
    pub name: String,
    /// Telephone number, as given.
    pub phone: Option<String>,
}

impl std::fmt::Debug for TravellerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TravellerView(..)")
    }
}

/// A part of a trip as quoted, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartView<T> {
    /// What was asked for, at the quoted price.
    pub part: T,
    /// Where it stands.
    pub status: PartStatus,
}

/// A trip's payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// How it is paid.
    pub method: PaymentMethod,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The card's brand, for example `visa`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// The last four digits of the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_four: Option<String>,
    /// How many points pay it; absent where it is not paid with a member's points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u64>,
    /// Why it was refused, or the last fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<Code>,
    /// What was given back; zero when nothing was. Of points what they had paid.
    pub refunded: Money,
}

/// What made a trip fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    /// Which step.
    pub step: Step,
    /// Stable code.
    pub code: Code,
    /// A sentence that says what to do.
    pub message: String,
}

/// One thing that happened to a trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Its place in the log.
    pub position: Position,
    /// When, by the program's clock.
    pub at: DateTime<Utc>,
    /// In which stream.
    pub stream: StreamKind,
    /// The event's name, for example `RoomsReserved`.
    pub event_type: String,
    /// One sentence for a traveller or an operator; no personal values.
    pub summary: String,
    /// What only operators read beside it: what they can do, how the gateway knows a call; who decided, and why, in their own words.
    pub signed: Option<String>,
    /// Where the booking stood after it.
    pub status: BookingStatus,
    /// Where the saga stood after it.
    pub saga_status: SagaStatus,
}

impl TimelineEntry {
    /// What operators read: the sentence, and what is for them alone.
    pub fn for_operators(&self) -> String {
        match &self.signed {
            Some(signed) => format!("{} {signed}", self.summary),
            None => self.summary.clone(),
        }
    }
}

/// What happened to a trip: its beginning, how many lines were left out behind that, and the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Its beginning, oldest first.
    pub first: Vec<TimelineEntry>,
    /// How many lines stand between the two.
    pub left_out: u64,
    /// The newest, oldest first.
    pub newest: Vec<TimelineEntry>,
}

impl Story {
    /// All lines that were read.
    pub fn entries(&self) -> impl Iterator<Item = &TimelineEntry> {
        self.first.iter().chain(&self.newest)
    }
}

/// A trip's process manager as an operator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct SagaView {
    /// Which trip.
    pub booking: BookingId,
    /// Who may see the trip.
    pub owner: String,
    /// Where it stands.
    pub status: SagaStatus,
    /// Name and version of its definition, for example `trip 1`.
    pub definition: String,
    /// Its steps, in the order in which they are done.
    pub steps: Vec<SagaStepView>,
    /// What it waits for; absent once it has ended.
    pub waiting: Option<WaitView>,
    /// For what an operator is needed, if one is.
    pub attention: Option<AttentionView>,
    /// Why it waits: the last fault, while one is being tried again.
    pub reason: Option<String>,
    /// When it is woken next: to try again, or because an answer is overdue.
    pub next_wake_up: Option<DateTime<Utc>>,
    /// When the trip was asked for.
    pub created_at: DateTime<Utc>,
    /// The events of its own stream, oldest first, within the bounds of a read.
    pub history: Vec<TimelineEntry>,
}

impl SagaView {
    /// Whether an operator must act.
    pub const fn needs_attention(&self) -> bool {
        self.attention.is_some()
    }
}

/// What a saga waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitView {
    /// Which step.
    pub step: Step,
    /// Its request or its undo.
    pub direction: Direction,
    /// The present try.
    pub attempt: u32,
    /// When the first of these tries began.
    pub since: DateTime<Utc>,
    /// The answer to the present try is awaited; otherwise the moment of the next one.
    pub for_answer: bool,
}

/// A work item: what an operator must decide. Its reason and tries are those of what the saga waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionView {
    /// Which step.
    pub step: Step,
    /// Its request or its undo.
    pub direction: Direction,
    /// The same for all that wait for the same reason.
    pub fingerprint: String,
    /// When an operator was first called.
    pub since: DateTime<Utc>,
}

/// One step of a saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaStepView {
    /// Which step.
    pub step: Step,
    /// Where it stands.
    pub state: StepState,
    /// Tries so far, of the request or, on the way back, of the undo.
    pub attempts: u32,
    /// The last refusal or fault: code and sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was first asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was last settled: done, refused or taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Who left it as it is, and why, in the operator's own words, for operators only. Rows of earlier programs do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
}
