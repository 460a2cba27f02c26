//! What happens to a flight.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::Answer;
use crate::money::Money;
use crate::shape::event_shapes;
use crate::trip::FlightPart;

/// What is known of one departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlightDetails {
    /// Who supplied it; `own` for our own.
    pub supplier: String,
    /// The supplier's code of this departure.
    pub code: String,
    /// The airline's code.
    pub carrier: String,
    /// IATA code of the airport of departure.
    pub origin: String,
    /// Its zone: the flight's business dates are counted in it.
    #[schemars(with = "String")]
    pub origin_zone: Tz,
    /// IATA code of the airport of arrival.
    pub destination: String,
    /// Its zone.
    #[schemars(with = "String")]
    pub destination_zone: Tz,
    /// Departure.
    pub departure_at: DateTime<Utc>,
    /// Arrival, after departure.
    pub arrival_at: DateTime<Utc>,
    /// What is on sale; names are unique.
    pub cabins: Vec<CabinDetails>,
}

/// A cabin on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CabinDetails {
    /// For example `ECONOMY`.
    pub cabin: String,
    /// Seats on sale.
    pub seats: u32,
    /// Price of one seat.
    pub price: Money,
}

/// Events of the stream `flight`. Each carries its business date: the day on which it was decided, in the origin's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum FlightEvent {
    /// First seen.
    FlightListed {
        /// All that is known of it.
        details: FlightDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Details replaced as a whole.
    FlightChanged {
        /// All that is known of it.
        details: FlightDetails,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Seats taken. Answers the request.
    SeatsReserved {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was taken.
        part: FlightPart,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Nothing taken. Answers the request.
    SeatsRefused {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was asked.
        part: FlightPart,
        /// Why not.
        failure: Failure,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// What was taken is given back. Answers the undo.
    SeatsReleased {
        /// For which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was given back.
        part: FlightPart,
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
        part: FlightPart,
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

impl FlightEvent {
    /// The day on which it was decided, in the zone of the aggregate.
    pub const fn business_date(&self) -> NaiveDate {
        match self {
            Self::FlightListed { business_date, .. }
            | Self::FlightChanged { business_date, .. }
            | Self::SeatsReserved { business_date, .. }
            | Self::SeatsRefused { business_date, .. }
            | Self::SeatsReleased { business_date, .. }
            | Self::ReservationBarred { business_date, .. }
            | Self::AnswerRepeated { business_date, .. } => *business_date,
        }
    }
}

event_shapes! {
    FlightEvent {
        FlightListed: [],
        FlightChanged: [],
        SeatsReserved: [],
        SeatsRefused: [],
        SeatsReleased: [],
        ReservationBarred: [],
        AnswerRepeated: [],
    }
}
