//! The two questions: book a trip, read a booking. Both are sent as text and looked at as text, so that the load costs little itself.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::trip::PaymentPlan;

use super::FLIGHTS;
use crate::Outcome;
use crate::graphql::Connection;
use crate::sides::trips::{traveller, wanted};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } position errors { code message } } }";
const READ: &str = "query($id: ID!) { booking(id: $id) { id status sagaStatus version traveller { email name } \
    hotel { hotelId roomType checkIn checkOut status price { amount currency } } flight { flightId cabin seats status } \
    car { carId pickUpAt dropOffAt status } payment { method status } total { amount currency } createdAt updatedAt } }";

/// How an accepted trip's answer begins.
const ACCEPTED: &str = "{\"data\":{\"bookTrip\":{\"booking\":{\"id\":\"";
/// How a booking that was found is answered.
const FOUND: &str = "{\"data\":{\"booking\":{\"id\":\"";

/// Books the trip with this number, ACCEPTED; gives its id.
pub(super) async fn book(connection: &mut Connection, number: u64) -> Outcome<String> {
    book_this(connection, number, wanted(number, FLIGHTS, PaymentPlan::None)?).await
}

/// Books this trip under this number.
pub(in crate::scenarios) async fn book_this(
    connection: &mut Connection,
    number: u64,
    trip: TripRequest,
) -> Outcome<String> {
    let body = json!({ "query": BOOK, "variables": { "input": input(number, trip)? } }).to_string();
    let answer = connection.post(body).await?;
    let id = answer.strip_prefix(ACCEPTED).and_then(|rest| rest.split('"').next());
    let is_accepted = answer.contains("\"errors\":[]");
    id.filter(|_| is_accepted).map(str::to_owned).ok_or_else(|| format!("a trip was not accepted: {answer}").into())
}

/// Reads a booking.
pub(super) async fn read(connection: &mut Connection, id: &str) -> Outcome<()> {
    let mut body = String::with_capacity(READ.len() + 128);
    write!(body, "{{\"query\":{},\"variables\":{{\"id\":\"{id}\"}}}}", Value::from(READ))?;
    let answer = connection.post(body).await?;
    if answer.starts_with(FOUND) { Ok(()) } else { Err(format!("a booking is not read: {answer}").into()) }
}

/// The very trip that the engine alone books under this number.
fn input(number: u64, trip: TripRequest) -> Outcome<Value> {
    let (Some(hotel), Some(flight), Some(car)) = (trip.hotel, trip.flight, trip.car) else {
        return Err("a trip here has all three parts".into());
    };
    let traveller = traveller(number);
    Ok(json!({
        "idempotencyKey": format!("http-{number}"),
        "traveller": { "email": traveller.email, "name": traveller.name, "phone": traveller.phone },
        "hotel": {
            "hotelId": hotel.hotel.to_string(),
            "roomType": hotel.room_type,
            "checkIn": hotel.stay.check_in().to_string(),
            "checkOut": hotel.stay.check_out().to_string(),
            "rooms": hotel.rooms,
        },
        "flight": { "flightId": flight.flight.to_string(), "cabin": flight.cabin, "seats": flight.seats },
        "car": {
            "carId": car.car.to_string(),
            "pickUpAt": instant(car.rental.pick_up()),
            "dropOffAt": instant(car.rental.drop_off()),
        },
        "payment": { "method": "NONE" },
    }))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
