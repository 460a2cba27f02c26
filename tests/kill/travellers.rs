//! What travellers ask for: the same trip under the same key at every time.

use std::fmt::Write as _;

use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

/// Hotels, flights and fleets of the test.
const OFFERS: usize = 3;
/// Rooms, seats and vehicles of each: far too few for all who ask.
pub(super) const PLACES: usize = 60;

pub(super) const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
pub(super) const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";

/// The same input for the same trip at every time.
pub(super) fn input(trip: usize) -> Value {
    let place = trip % OFFERS;
    let (hotel, flight, car) = (
        HotelId::of("kill", &format!("H{place}")),
        FlightId::of("kill", &format!("F{place}")),
        CarId::of("kill", &format!("C{place}")),
    );
    let day = 1 + trip % 5;
    let mut input = json!({
        "idempotencyKey": format!("trip-{trip}"),
        "traveller": { "email": format!("traveller{trip}@example.com"), "name": "A Traveller" },
        "hotel": { "hotelId": hotel, "roomType": "DBL", "checkIn": format!("2025-01-0{day}"), "checkOut": format!("2025-01-0{}", day + 2) },
        "flight": { "flightId": flight },
        "car": { "carId": car, "pickUpAt": format!("2025-01-0{day}T10:00:00Z"), "dropOffAt": format!("2025-01-0{}T10:00:00Z", day + 2) },
        "payment": payment(trip),
        "wait": if trip.is_multiple_of(4) { "FINISHED" } else { "ACCEPTED" },
    });
    let left_out = match trip % 7 {
        0 => &["hotel"][..],
        1 => &["flight"],
        2 => &["car"],
        3 => &["hotel", "flight"],
        _ => &[],
    };
    for part in left_out {
        input.as_object_mut().expect("an object").remove(*part);
    }
    input
}

fn payment(trip: usize) -> Value {
    let card = |number: &str| json!({ "method": "CARD", "cardNumber": number });
    match trip % 10 {
        0..4 => json!({ "method": "NONE" }),
        4..7 => card("4242424242424242"),
        7 => card("4000000000000002"),
        8 => card("4000000000009995"),
        _ => card("4000000000000119"),
    }
}

/// What is on sale.
pub(super) fn catalogue() -> String {
    let mut lines = String::new();
    let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    for place in 0..OFFERS {
        let hotel = json!({ "supplier": "kill", "code": format!("H{place}"), "name": "Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris",
            "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": PLACES, "nightlyPrice": price("80.00") }] });
        let flight = json!({ "supplier": "kill", "code": format!("F{place}"), "carrier": "AF", "origin": "CDG", "destination": "LYS",
            "departureAt": "2025-01-01T08:00:00Z", "arrivalAt": "2025-01-01T09:10:00Z",
            "cabins": [{ "cabin": "ECONOMY", "seats": PLACES * 2, "price": price("60.00") }] });
        let car = json!({ "supplier": "kill", "code": format!("C{place}"), "name": "Car", "carClass": "MINI", "location": "LYS", "vehicles": PLACES,
            "dailyPrice": price("30.00") });
        for (name, item) in [("upsertHotel", hotel), ("upsertFlight", flight), ("upsertCar", car)] {
            writeln!(lines, "{}", json!({ name: item })).expect("a text grows");
        }
    }
    lines
}
