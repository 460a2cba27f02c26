//! What of a trip's input tells whether an idempotency key came with the same input again: all but `wait` and the card's number.
//!
//! Field names and order are part of what is stored: changing them makes every key of the last day look reused.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::id::{CarId, FlightId, HotelId, RewardId};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::trip::PaymentPlan;

#[derive(Serialize)]
pub(super) struct HashedTrip<'a> {
    traveller: &'a Traveller,
    hotel: Option<HashedRooms<'a>>,
    flight: Option<HashedSeats<'a>>,
    car: Option<HashedRental>,
    payment: HashedPayment<'a>,
    expected_total: Option<Money>,
    /// Left out where there is none, as before there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    voucher: Option<RewardId>,
}

#[derive(Serialize)]
struct HashedRooms<'a> {
    hotel: HotelId,
    room_type: &'a str,
    check_in: NaiveDate,
    check_out: NaiveDate,
    rooms: u32,
}

#[derive(Serialize)]
struct HashedSeats<'a> {
    flight: FlightId,
    cabin: &'a str,
    seats: u32,
}

#[derive(Serialize)]
struct HashedRental {
    car: CarId,
    pick_up_at: DateTime<Utc>,
    drop_off_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct HashedPayment<'a> {
    method: &'static str,
    brand: Option<&'a str>,
    last_four: Option<&'a str>,
}

impl<'a> HashedTrip<'a> {
    pub(super) fn new(traveller: &'a Traveller, wanted: &'a TripRequest) -> Self {
        let hotel = wanted.hotel.as_ref().map(|rooms| HashedRooms {
            hotel: rooms.hotel,
            room_type: &rooms.room_type,
            check_in: rooms.stay.check_in(),
            check_out: rooms.stay.check_out(),
            rooms: rooms.rooms,
        });
        let flight = wanted.flight.as_ref().map(|seats| HashedSeats {
            flight: seats.flight,
            cabin: &seats.cabin,
            seats: seats.seats,
        });
        let car = wanted.car.as_ref().map(|vehicle| HashedRental {
            car: vehicle.car,
            pick_up_at: vehicle.rental.pick_up(),
            drop_off_at: vehicle.rental.drop_off(),
        });
        let payment = match &wanted.payment {
            PaymentPlan::Card(card) => {
                HashedPayment { method: "CARD", brand: Some(&card.brand), last_four: Some(&card.last_four) }
            }
            PaymentPlan::Points | PaymentPlan::Redeem(_) => {
                HashedPayment { method: "POINTS", brand: None, last_four: None }
            }
            PaymentPlan::None => HashedPayment { method: "NONE", brand: None, last_four: None },
        };
        let TripRequest { expected_total, voucher, .. } = *wanted;
        Self { traveller, hotel, flight, car, payment, expected_total, voucher }
    }
}
