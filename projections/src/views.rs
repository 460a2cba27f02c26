//! What readers get: plain rows, with the domain's own value types and the public words for states.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId, StreamKind};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart, Step};
use traveladvisor_infra::event_log::Position;

/// An enum of public words: each variant has the word that the API writes and the database stores.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in the order of the API's list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as the API writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words!(
    /// Where a booking stands, in the reference system's words.
    BookingStatus {
        /// Requested; nothing is reserved yet.
        Pending => "PENDING",
        /// Rooms are reserved.
        HotelBooked => "HOTEL_BOOKED",
        /// Seats are reserved.
        FlightBooked => "FLIGHT_BOOKED",
        /// A vehicle is reserved.
        CarBooked => "CAR_BOOKED",
        /// On the way back: the rooms are given back.
        HotelCancelled => "HOTEL_CANCELLED",
        /// On the way back: the seats are given back.
        FlightCancelled => "FLIGHT_CANCELLED",
        /// On the way back: the vehicle is given back.
        CarCancelled => "CAR_CANCELLED",
        /// Everything stands.
        Approved => "APPROVED",
        /// On the way back.
        Cancelling => "CANCELLING",
        /// Nothing stands.
        Cancelled => "CANCELLED",
    }
);
words!(
    /// Where a trip's process manager stands.
    SagaStatus {
        /// Nobody has answered yet.
        Started => "STARTED",
        /// On its way forward.
        Processing => "PROCESSING",
        /// On its way back.
        Compensating => "COMPENSATING",
        /// Everything stands.
        Succeeded => "SUCCEEDED",
        /// Everything is taken back.
        Compensated => "COMPENSATED",
        /// Given up by an operator.
        Failed => "FAILED",
    }
);
words!(
    /// Where a payment stands.
    PaymentStatus {
        /// Not settled.
        Pending => "PENDING",
        /// The money is ours, or will be paid at the counter.
        Completed => "COMPLETED",
        /// Nothing is kept.
        Cancelled => "CANCELLED",
        /// Refused, or no gateway answered.
        Failed => "FAILED",
    }
);
words!(
    /// Where one part of a trip stands.
    PartStatus {
        /// Not answered.
        Pending => "PENDING",
        /// Reserved.
        Booked => "BOOKED",
        /// Refused.
        Refused => "REFUSED",
        /// Being given back.
        Cancelling => "CANCELLING",
        /// Given back, or never asked for because the trip was cancelled before.
        Cancelled => "CANCELLED",
    }
);
words!(
    /// How a trip is paid.
    PaymentMethod {
        /// By card.
        Card => "CARD",
        /// With points.
        Points => "POINTS",
        /// At the counter.
        None => "NONE",
    }
);
words!(
    /// Where one step of a saga stands.
    StepState {
        /// Its turn has not come.
        Pending => "PENDING",
        /// Asked for, no answer yet.
        Requested => "REQUESTED",
        /// A fault; it is asked for again later.
        Retrying => "RETRYING",
        /// Done.
        Done => "DONE",
        /// Refused, or its tries are used up.
        Refused => "REFUSED",
        /// Being taken back.
        Undoing => "UNDOING",
        /// A fault while it is taken back; tried again later.
        UndoRetrying => "UNDO_RETRYING",
        /// Taken back.
        Undone => "UNDONE",
    }
);

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
    /// The sum of the parts.
    pub total: Money,
    /// What made it fail; absent when nothing did, also when the traveller cancelled.
    pub failure: Option<FailureView>,
    /// Everything that concerned it, oldest first.
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
    pub const fn is_settled(&self) -> bool {
        matches!(self.saga_status, SagaStatus::Succeeded | SagaStatus::Compensated | SagaStatus::Failed)
            && matches!(self.status, BookingStatus::Approved | BookingStatus::Cancelled)
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
    pub brand: Option<String>,
    /// The last four digits of the card.
    pub last_four: Option<String>,
    /// Why it was refused, or the last fault.
    pub failure_code: Option<Code>,
    /// What was given back; zero when nothing was.
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
    /// Where the booking stood after it.
    pub status: BookingStatus,
    /// Where the saga stood after it.
    pub saga_status: SagaStatus,
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
    /// Whether an operator must act. Always false until undos can become work items.
    pub needs_attention: bool,
    /// Why it waits: the last fault, while one is being tried again.
    pub reason: Option<String>,
    /// When it tries again.
    pub next_wake_up: Option<DateTime<Utc>>,
    /// The events of its own stream, oldest first.
    pub history: Vec<TimelineEntry>,
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
    pub last_error: Option<String>,
    /// When it was first asked for.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was last settled: done, refused or taken back.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A property and what it sells.
#[derive(Debug, Clone, PartialEq)]
pub struct HotelView {
    /// Which property.
    pub id: HotelId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The property's zone.
    pub time_zone: Tz,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// What is on sale, in the supplier's order.
    pub room_types: Vec<RoomTypeView>,
}

/// A kind of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTypeView {
    /// The property's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Rooms on sale for each night by default.
    pub rooms: u32,
    /// Price of one room for one night.
    pub nightly_price: Money,
    /// The fewest rooms left in any night of the stay that was searched for; absent without one.
    pub rooms_left: Option<u32>,
    /// Nightly price × nights × rooms of the search; absent without a stay.
    pub total: Option<Money>,
}

/// One departure and what it sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightView {
    /// Which departure.
    pub id: FlightId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// The airline's code.
    pub carrier: String,
    /// IATA code.
    pub origin: String,
    /// Zone of the origin.
    pub origin_zone: Tz,
    /// IATA code.
    pub destination: String,
    /// Zone of the destination.
    pub destination_zone: Tz,
    /// Departure.
    pub departure_at: DateTime<Utc>,
    /// Arrival.
    pub arrival_at: DateTime<Utc>,
    /// What is on sale, in the supplier's order.
    pub cabins: Vec<CabinView>,
}

/// A cabin of a departure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CabinView {
    /// For example `ECONOMY`.
    pub cabin: String,
    /// Seats on sale.
    pub seats: u32,
    /// Seats not yet sold.
    pub seats_left: u32,
    /// Price of one seat.
    pub price: Money,
}

/// A fleet of one class at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarView {
    /// Which fleet.
    pub id: CarId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Class, for example `STANDARD`.
    pub car_class: String,
    /// Where vehicles are taken and brought back.
    pub location: String,
    /// The location's zone.
    pub time_zone: Tz,
    /// Vehicles of the fleet.
    pub vehicles: u32,
    /// Price of one vehicle for one started day.
    pub daily_price: Money,
    /// Vehicles free for the whole of the rental that was searched for; absent without one.
    pub vehicles_left: Option<u32>,
    /// Daily price × started days of that rental; absent without one.
    pub total: Option<Money>,
}
