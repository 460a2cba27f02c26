//! What callers ask of the engine, and what they are answered.

use chrono::NaiveDate;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::flight::FlightDetails;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{BookingId, HotelId, StreamId};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::event_log::Position;

/// A command by somebody outside.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 characters.
    pub key: String,
    /// Hash of the input without `wait`, with only brand and last four of a card: see [`crate::input_hash`].
    pub input_hash: Vec<u8>,
}

/// What callers can ask.
#[derive(Debug, Clone)]
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
}

impl CallerCommand {
    /// The stored name, for example `book_trip`.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::BookTrip { .. } => "book_trip",
            Self::CancelBooking { .. } => "cancel_booking",
            Self::ResolveSaga { .. } => "resolve_saga",
            Self::UpsertHotel(_) => "upsert_hotel",
            Self::ChangeAllotment { .. } => "change_allotment",
            Self::UpsertFlight(_) => "upsert_flight",
            Self::UpsertCar(_) => "upsert_car",
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
