//! What travellers ask for: the same trip under the same key at every time.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

use crate::support::http::ask;

/// Hotels, flights and fleets of the test.
const OFFERS: usize = 3;
/// Rooms, seats and vehicles of each: far too few for all who ask.
pub(super) const PLACES: usize = 60;

const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
pub(crate) const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";

/// Longest time until a trip is taken.
const TAKEN_LIMIT: Duration = Duration::from_mins(2);
/// Pause before somebody asks again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(50);
/// What may be asked again with the same key.
const PASSING: [&str; 3] = ["OVERLOADED", "UNAVAILABLE", "CONFLICT"];

/// Asks until the trip is taken: again with the same key, at the other server when the first is gone.
pub(crate) fn book(address: impl Fn(usize) -> String, client: usize, input: &Value) -> String {
    let begun = Instant::now();
    let mut at = client;
    loop {
        let answer = ask(&address(at), BOOK, &json!({ "input": input }));
        let answer = answer.unwrap_or_else(|gone| {
            at += 1;
            json!({ "errors": [{ "extensions": { "code": "UNAVAILABLE" }, "message": gone.to_string() }] })
        });
        if let Some(id) = answer["data"]["bookTrip"]["booking"]["id"].as_str() {
            return id.to_owned();
        }
        let told = [&answer["errors"][0]["extensions"]["code"], &answer["data"]["bookTrip"]["errors"][0]["code"]];
        let code = told.into_iter().find_map(Value::as_str).unwrap_or_default();
        assert!(PASSING.contains(&code), "{input}: {answer}");
        assert!(begun.elapsed() < TAKEN_LIMIT, "{input} is not taken: {answer}");
        thread::sleep(ASK_AGAIN);
    }
}

/// What a traveller wants.
pub(crate) struct Wish {
    /// Which of the hotels, flights and fleets.
    pub(crate) place: usize,
    /// The first day, of January.
    pub(crate) day: usize,
    /// Which of hotel, flight and car.
    pub(crate) parts: [bool; 3],
    /// Absent: paid at the counter.
    pub(crate) card: Option<&'static str>,
    /// Whether the traveller waits until the saga has ended.
    pub(crate) waits: bool,
}

impl Wish {
    /// The input under a key.
    pub(crate) fn input(&self, key: &str) -> Value {
        let Self { place, day, .. } = self;
        let (hotel, flight, car) = (
            HotelId::of("kill", &format!("H{place}")),
            FlightId::of("kill", &format!("F{place}")),
            CarId::of("kill", &format!("C{place}")),
        );
        let (from, to) = (format!("2025-01-0{day}"), format!("2025-01-0{}", day + 2));
        let payment = |number: &str| json!({ "method": "CARD", "cardNumber": number });
        let mut input = json!({
            "idempotencyKey": key,
            "traveller": { "email": "traveller@example.com", "name": "A Traveller" },
            "payment": self.card.map_or(json!({ "method": "NONE" }), payment),
            "wait": if self.waits { "FINISHED" } else { "ACCEPTED" },
        });
        let car =
            json!({ "carId": car, "pickUpAt": format!("{from}T10:00:00Z"), "dropOffAt": format!("{to}T10:00:00Z") });
        let hotel = json!({ "hotelId": hotel, "roomType": "DBL", "checkIn": from, "checkOut": to });
        let parts = [("hotel", hotel), ("flight", json!({ "flightId": flight })), ("car", car)];
        for ((name, part), _) in parts.into_iter().zip(self.parts).filter(|(_, is_wanted)| *is_wanted) {
            input[name] = part;
        }
        input
    }
}

/// The same input for the same trip at every time.
pub(super) fn input(trip: usize) -> Value {
    let wish = Wish {
        place: trip % OFFERS,
        day: 1 + trip % 5,
        parts: [![0, 3].contains(&(trip % 7)), ![1, 3].contains(&(trip % 7)), trip % 7 != 2],
        card: card(trip),
        waits: trip.is_multiple_of(4),
    };
    wish.input(&format!("trip-{trip}"))
}

const fn card(trip: usize) -> Option<&'static str> {
    match trip % 10 {
        0..4 => None,
        4..7 => Some("4242424242424242"),
        7 => Some("4000000000000002"),
        8 => Some("4000000000009995"),
        _ => Some("4000000000000119"),
    }
}

/// What is on sale.
pub(crate) fn catalogue() -> String {
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
