//! What happens to a fleet of cars.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::Answer;
use crate::money::Money;
use crate::shape::event_shapes;
use crate::trip::CarPart;

/// What is known of a fleet: one class at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CarDetails {
    /// Who supplied it; `own` for our own.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Class, for example `STANDARD`.
    pub car_class: String,
    /// Where vehicles are taken and brought back: an IATA code or the name of a place.
    pub location: String,
    /// The location's zone: business dates are counted in it.
    #[schemars(with = "String")]
    pub time_zone: Tz,
    /// Vehicles of the fleet.
    pub vehicles: u32,
    /// Price of one vehicle for one started day.
    pub daily_price: Money,
}

/// Events of the stream `car`. Each carries its business date: the day on which it was decided, in the location's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum CarEvent {
    /// First seen.
    CarListed {
        /// All that is known of it.
        details: CarDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Details replaced as a whole.
    CarChanged {
        /// All that is known of it.
        details: CarDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A vehicle taken for a rental. Answers the request.
    VehicleReserved {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was taken.
        part: CarPart,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Nothing taken. Answers the request.
    VehicleRefused {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was asked.
        part: CarPart,
        /// Why not.
        failure: Failure,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// What was taken is given back. Answers the undo.
    VehicleReleased {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was given back.
        part: CarPart,
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
        part: CarPart,
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

impl CarEvent {
    /// The day on which it was decided, in the zone of the aggregate.
    pub const fn business_date(&self) -> NaiveDate {
        match self {
            Self::CarListed { business_date, .. }
            | Self::CarChanged { business_date, .. }
            | Self::VehicleReserved { business_date, .. }
            | Self::VehicleRefused { business_date, .. }
            | Self::VehicleReleased { business_date, .. }
            | Self::ReservationBarred { business_date, .. }
            | Self::AnswerRepeated { business_date, .. } => *business_date,
        }
    }
}

event_shapes! {
    CarEvent {
        CarListed: [],
        CarChanged: [],
        VehicleReserved: [],
        VehicleRefused: [],
        VehicleReleased: [],
        ReservationBarred: [],
        AnswerRepeated: [],
    }
}
