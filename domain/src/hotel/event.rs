//! What happens to a hotel.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::Answer;
use crate::money::Money;
use crate::shape::event_shapes;
use crate::trip::HotelPart;

/// What a hotel says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HotelDetails {
    /// Who supplied it; `own` for our own.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The property's zone: stays and business dates are counted in it.
    #[schemars(with = "String")]
    pub time_zone: Tz,
    /// Degrees north, -90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    pub longitude: Option<f64>,
    /// What is on sale; codes are unique.
    pub room_types: Vec<RoomTypeDetails>,
}

/// A kind of room on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RoomTypeDetails {
    /// The property's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Rooms on sale for each night, unless an allotment change says otherwise.
    pub rooms: u32,
    /// Price of one room for one night.
    pub nightly_price: Money,
}

/// Events of the stream `hotel`. Each carries its business date: the day on which it was decided, in the property's zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum HotelEvent {
    /// First seen.
    HotelListed {
        /// All that is known of it.
        details: HotelDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Details replaced as a whole.
    HotelChanged {
        /// All that is known of it.
        details: HotelDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Rooms on sale set for some nights.
    AllotmentChanged {
        /// Which room type.
        room_type: String,
        /// First night.
        from: NaiveDate,
        /// The day after the last night.
        to: NaiveDate,
        /// Rooms on sale for each of these nights; absent: as before.
        rooms: Option<u32>,
        /// Closed for sale or opened again; absent: as before.
        stop_sell: Option<bool>,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Rooms taken for every night of a stay. Answers the request.
    RoomsReserved {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was taken.
        part: HotelPart,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Nothing taken. Answers the request.
    RoomsRefused {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was asked.
        part: HotelPart,
        /// Why not.
        failure: Failure,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// What was taken is given back. Answers the undo.
    RoomsReleased {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was given back.
        part: HotelPart,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A cancel came before its request: the request will be refused. Answers the undo.
    ReservationBarred {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What will not be taken.
        part: HotelPart,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A new attempt of what is settled, or an undo of what is forgotten, gets its answer.
    AnswerRepeated {
        /// For which trip.
        booking: BookingId,
        /// The answer, with the new attempt.
        answer: Answer,
        /// Day of the decision.
        business_date: NaiveDate,
    },
}

impl HotelEvent {
    /// The day on which it was decided, in the zone of the aggregate.
    pub const fn business_date(&self) -> NaiveDate {
        match self {
            Self::HotelListed { business_date, .. }
            | Self::HotelChanged { business_date, .. }
            | Self::AllotmentChanged { business_date, .. }
            | Self::RoomsReserved { business_date, .. }
            | Self::RoomsRefused { business_date, .. }
            | Self::RoomsReleased { business_date, .. }
            | Self::ReservationBarred { business_date, .. }
            | Self::AnswerRepeated { business_date, .. } => *business_date,
        }
    }
}

event_shapes! {
    HotelEvent {
        HotelListed: [],
        HotelChanged: [],
        AllotmentChanged: [],
        RoomsReserved: [],
        RoomsRefused: [],
        RoomsReleased: [],
        ReservationBarred: [],
        AnswerRepeated: [],
    }
}
