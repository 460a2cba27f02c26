//! What callers ask of the engine, and what they are answered.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::flight::FlightDetails;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{BookingId, HotelId, LetterId, StreamId};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::event_log::Position;

/// A command by somebody outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// What is asked.
    pub command: CallerCommand,
    /// Opaque name of the caller: the owner of what is created, and the name space of idempotency keys.
    pub caller: String,
    /// Same key, one effect (L13). Mandatory for [`CallerCommand::BookTrip`].
    pub idempotency: Option<IdempotencyKey>,
    /// The sequence that the stream must have, unless it is so already.
    pub expected_version: Option<u64>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// Id of the request that brought it, as answers and log lines bear it: an opaque name without personal data.
    pub request_id: Option<String>,
}

/// A caller's key and the hash of the input it came with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// 1 to 255 characters.
    pub key: String,
    /// Hash of the input without `wait`, with only brand and last four of a card: see [`crate::input_hash`].
    pub input_hash: Vec<u8>,
}

/// What callers can ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum CallerCommand {
    /// Book a trip at today's price.
    BookTrip {
        /// Who travels.
        traveller: Traveller,
        /// What is wanted; a card by its token.
        wanted: TripRequest,
    },
    /// The traveller wants it cancelled.
    CancelBooking {
        /// Which.
        booking: BookingId,
        /// The caller's words.
        reason: Option<String>,
    },
    /// An operator decides what becomes of the step that waits (L18).
    ResolveSaga {
        /// The trip whose process manager waits.
        booking: BookingId,
        /// What.
        resolution: Resolution,
        /// The reason that it is about: refused when the saga waits for another by now. Absent: whatever it waits for.
        fingerprint: Option<String>,
        /// The operator's words: why, and for what is marked the evidence.
        reason: String,
    },
    /// An operator decides what becomes of a message that was set aside in the log of whoever decides on this.
    ResolveLetter {
        /// Which.
        letter: LetterId,
        /// What.
        verb: LetterVerb,
        /// The operator's words: why.
        reason: String,
    },
    /// List a hotel or replace its details.
    UpsertHotel(HotelDetails),
    /// Set the rooms on sale for some nights.
    ChangeAllotment {
        /// Which hotel.
        hotel: HotelId,
        /// Which room type.
        room_type: String,
        /// First night.
        from: NaiveDate,
        /// The day after the last night.
        to: NaiveDate,
        /// Rooms on sale.
        rooms: Option<u32>,
        /// Close or open the sale.
        stop_sell: Option<bool>,
    },
    /// List a flight or replace its details.
    UpsertFlight(FlightDetails),
    /// List a fleet or replace its details.
    UpsertCar(CarDetails),
    /// What members, and operators of campaigns, ask: about several streams at once.
    Together(Together),
}

/// What becomes of a message that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LetterVerb {
    /// It comes again now.
    Retry,
    /// It never comes again.
    Discard,
}

impl CallerCommand {
    /// The stored name, for example `book_trip`.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::BookTrip { .. } => "book_trip",
            Self::CancelBooking { .. } => "cancel_booking",
            Self::ResolveSaga { .. } => "resolve_saga",
            Self::ResolveLetter { verb: LetterVerb::Retry, .. } => "retry_letter",
            Self::ResolveLetter { verb: LetterVerb::Discard, .. } => "discard_letter",
            Self::UpsertHotel(_) => "upsert_hotel",
            Self::ChangeAllotment { .. } => "change_allotment",
            Self::UpsertFlight(_) => "upsert_flight",
            Self::UpsertCar(_) => "upsert_car",
            Self::Together(asked) => asked.operation(),
        }
    }

    /// Whose it is to decide.
    pub const fn context(&self) -> Context {
        match self {
            // Every log has letters of its own; handed on, a verb is about those of the log that always is.
            Self::BookTrip { .. }
            | Self::CancelBooking { .. }
            | Self::ResolveSaga { .. }
            | Self::ResolveLetter { .. } => Context::Booking,
            Self::UpsertHotel(_) | Self::ChangeAllotment { .. } => Context::Hotel,
            Self::UpsertFlight(_) => Context::Flight,
            Self::UpsertCar(_) => Context::Car,
            Self::Together(_) => Context::Member,
        }
    }

    /// Whether saying it twice comes to saying it once, with the same answer, also without an idempotency key, whatever
    /// others have done in between.
    pub const fn is_naturally_idempotent(&self) -> bool {
        match self {
            Self::CancelBooking { .. } => true,
            // What somebody else has set in between would be undone; a second booking; a verb for what the saga waits for next; a member
            // who is there already; a message brought twice.
            Self::UpsertHotel(_)
            | Self::UpsertFlight(_)
            | Self::UpsertCar(_)
            | Self::ChangeAllotment { .. }
            | Self::BookTrip { .. }
            | Self::ResolveSaga { .. }
            | Self::ResolveLetter { .. }
            | Self::Together(_) => false,
        }
    }
}

/// A command that is durable, or was so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The stream that was created or changed: for a trip its booking.
    pub subject: StreamId,
    /// Read at this position to see the effect.
    pub position: Position,
    /// False when it was so already, or the idempotency key was seen before.
    pub changed: bool,
}

/// A command that left nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// Stable code.
    pub code: Code,
    /// A sentence that says what to do.
    pub message: String,
    /// Path of the field at fault below the input, for example `["hotel", "checkIn"]`; empty when no single field is.
    pub path: Vec<String>,
    /// Where the state that stood in the way can be read, if it is that of the stream itself: `VERSION_CONFLICT`.
    pub seen_at: Option<Position>,
}

impl Rejection {
    /// A rejection for which no single field is at fault.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: Vec::new(), seen_at: None }
    }

    /// The same with the field at fault.
    #[must_use]
    pub fn at(mut self, path: &[&str]) -> Self {
        self.path = path.iter().filter(|part| !part.is_empty()).map(|part| (*part).to_owned()).collect();
        self
    }
}
