//! What is given to book a trip.

use async_graphql::{ID, InputObject};

use crate::graphql::card_number::CardNumber;
use crate::graphql::scalars::{Date, DateTime};
use crate::graphql::types::{BookingWait, MoneyInput, PaymentMethod};

/// A trip to book: at least one of hotel, flight and car. A text that holds a card number is refused, except `payment.cardNumber`.
#[derive(InputObject)]
pub(crate) struct BookTripInput {
    /// 1 to 255 characters. Same key and input: the same booking. Same key, other input: `IDEMPOTENCY_KEY_REUSED`. A header
    /// `Idempotency-Key` must bear the same key.
    pub(crate) idempotency_key: String,
    /// Who travels.
    pub(crate) traveller: TravellerInput,
    /// Rooms to reserve.
    pub(crate) hotel: Option<HotelStayInput>,
    /// Seats to reserve.
    pub(crate) flight: Option<FlightSeatsInput>,
    /// A vehicle to reserve.
    pub(crate) car: Option<CarRentalInput>,
    /// How it is paid.
    pub(crate) payment: PaymentInput,
    /// A voucher of the caller's that makes the trip cheaper. A trip that is refused or cancelled gives it back while it is valid.
    pub(crate) voucher: Option<ID>,
    /// What the caller expects to pay: the sum of the parts less what the voucher takes off. When given and today's differs: `PRICE_CHANGED`,
    /// and nothing is reserved.
    pub(crate) expected_total: Option<MoneyInput>,
    /// When to answer.
    #[graphql(default)]
    pub(crate) wait: BookingWait,
}

/// The person who travels.
#[derive(InputObject)]
pub(crate) struct TravellerInput {
    /// E-mail address, at most 254 characters.
    pub(crate) email: String,
    /// Full name, at most 200 characters.
    pub(crate) name: String,
    /// Telephone number, at most 32 characters.
    pub(crate) phone: Option<String>,
}

/// Rooms of one type for one stay.
#[derive(InputObject)]
pub(crate) struct HotelStayInput {
    /// The property.
    pub(crate) hotel_id: ID,
    /// The property's code of the room type.
    pub(crate) room_type: String,
    /// First night, a date of the property: today there or later.
    pub(crate) check_in: Date,
    /// The morning of departure, 1 to 365 nights later.
    pub(crate) check_out: Date,
    /// How many rooms, 1 to 99.
    #[graphql(default = 1)]
    pub(crate) rooms: i64,
}

/// Seats of one cabin on one departure.
#[derive(InputObject)]
pub(crate) struct FlightSeatsInput {
    /// The departure.
    pub(crate) flight_id: ID,
    /// The cabin.
    #[graphql(default = "ECONOMY")]
    pub(crate) cabin: String,
    /// How many seats, 1 to 99.
    #[graphql(default = 1)]
    pub(crate) seats: i64,
}

/// One vehicle for one rental.
#[derive(InputObject)]
pub(crate) struct CarRentalInput {
    /// The fleet.
    pub(crate) car_id: ID,
    /// When the vehicle is taken.
    pub(crate) pick_up_at: DateTime,
    /// When it is brought back.
    pub(crate) drop_off_at: DateTime,
}

/// How a trip is paid.
#[derive(InputObject)]
pub(crate) struct PaymentInput {
    /// The method.
    pub(crate) method: PaymentMethod,
    /// The card's number, with CARD only. It is exchanged for a token at once and kept nowhere.
    pub(crate) card_number: Option<CardNumber>,
}
