//! What travellers ask for while the program dies, and again when it is back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

use crate::support::http::ask;

pub(super) const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";
/// Longest time until a trip is taken.
const TAKEN_LIMIT: Duration = Duration::from_secs(30);
/// What may be asked again with the same key.
const PASSING: [&str; 3] = ["OVERLOADED", "UNAVAILABLE", "CONFLICT"];

const SOUND: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const FAULTY: &str = "4000000000000119";

/// Trips that a party asks for.
pub(super) const TRIPS: usize = WISHES.len();
/// How many of them stand at the end, but for the one that gets the only car of the first fleet: the first party has one more.
pub(super) const APPROVED: usize = 1;

/// What each traveller of a party wants: which parts, and which card if any.
const WISHES: [(&[&str], Option<&str>); 7] = [
    (&["hotel", "flight", "car"], None),
    (&["flight", "other car"], Some(SOUND)),
    (&["hotel", "flight"], Some(DECLINED)),
    (&["hotel", "flight", "car"], Some(SOUND)),
    (&["hotel"], Some(SOUND)),
    (&["car"], None),
    (&["flight"], Some(FAULTY)),
];
/// Who cancels as soon as the trip is taken.
const CHANGES_HIS_MIND: usize = 1;
/// Travellers who ask at the same time.
const AT_ONCE: usize = 3;

/// What travellers were told.
#[derive(Default)]
pub(super) struct Told {
    /// Bookings by key.
    bookings: BTreeMap<String, String>,
    /// Contradictions.
    pub(super) faults: Vec<String>,
}

/// How firm travellers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolve {
    /// They go when nobody answers.
    GivesUp,
    /// They ask until they are told.
    Insists,
}

/// Travellers who come together: one party for each death.
#[derive(Clone, Copy)]
pub(super) struct Party<'a> {
    pub(super) number: usize,
    /// The trip that was booked before: somebody cancels it.
    pub(super) earlier: &'a str,
    pub(super) told: &'a Mutex<Told>,
}

impl Party<'_> {
    /// All ask, each under the same key at every time; two of them cancel.
    pub(super) fn travel(self, address: &str, resolve: Resolve) {
        thread::scope(|scope| {
            for first in 0..AT_ONCE {
                scope.spawn(move || {
                    for traveller in (first..TRIPS).step_by(AT_ONCE) {
                        let Some(booking) = self.book(address, traveller, resolve) else { return };
                        if traveller == CHANGES_HIS_MIND {
                            until_told(address, CANCEL, &json!({ "input": { "bookingId": booking } }), resolve);
                        }
                    }
                });
            }
            let cancelled = json!({ "input": { "bookingId": self.earlier } });
            scope.spawn(move || until_told(address, CANCEL, &cancelled, resolve));
        });
    }

    fn book(self, address: &str, traveller: usize, resolve: Resolve) -> Option<String> {
        let (parts, card) = WISHES[traveller];
        let key = format!("traveller {traveller} of party {}", self.number);
        let booking = until_told(address, BOOK, &trip(&key, parts, card), resolve)?;
        let mut told = self.told.lock().expect("the list");
        let before = told.bookings.insert(key.clone(), booking.clone());
        if before.as_ref().is_some_and(|before| *before != booking) {
            told.faults.push(format!("{key} was told {before:?} and then {booking}"));
        }
        Some(booking)
    }
}

/// The booking that somebody is told of; none when he gave up, or is told that he is too late to cancel.
fn until_told(address: &str, mutation: &str, variables: &Value, resolve: Resolve) -> Option<String> {
    let begun = Instant::now();
    loop {
        let answer = match ask(address, mutation, variables) {
            Ok(answer) => answer,
            Err(_) if resolve == Resolve::GivesUp => return None,
            Err(error) => {
                json!({ "errors": [{ "extensions": { "code": "UNAVAILABLE" }, "message": error.to_string() }] })
            }
        };
        let payload = &answer["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
        if let Some(id) = payload["booking"]["id"].as_str() {
            return Some(id.to_owned());
        }
        let codes = [&answer["errors"][0]["extensions"]["code"], &payload["errors"][0]["code"]];
        let code = codes.into_iter().find_map(Value::as_str).unwrap_or_default();
        if mutation == CANCEL && !PASSING.contains(&code) {
            return None;
        }
        assert!(PASSING.contains(&code), "{variables}: {answer}");
        assert!(begun.elapsed() < TAKEN_LIMIT, "{variables} is not taken: {answer}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The trip that was booked before the program dies.
pub(super) fn earlier() -> Value {
    let mut trip = trip("earlier", &["hotel", "flight", "other car"], Some(SOUND));
    trip["input"]["wait"] = json!("FINISHED");
    trip
}

fn trip(key: &str, parts: &[&str], card: Option<&str>) -> Value {
    let mut trip = json!({
        "idempotencyKey": key,
        "traveller": { "email": "traveller@example.com", "name": "A Traveller" },
        "payment": card.map_or(json!({ "method": "NONE" }), |card| json!({ "method": "CARD", "cardNumber": card })),
    });
    let car = |code: &str| json!({ "carId": CarId::of("sweep", code), "pickUpAt": "2025-01-01T10:00:00Z", "dropOffAt": "2025-01-03T10:00:00Z" });
    for part in parts {
        let (name, value) = match *part {
            "hotel" => (
                "hotel",
                json!({ "hotelId": HotelId::of("sweep", "H"), "roomType": "DBL", "checkIn": "2025-01-01", "checkOut": "2025-01-03" }),
            ),
            "flight" => ("flight", json!({ "flightId": FlightId::of("sweep", "F") })),
            "car" => ("car", car("C1")),
            _ => ("car", car("C2")),
        };
        trip[name] = value;
    }
    json!({ "input": trip })
}

/// What is on sale.
pub(super) fn catalogue() -> String {
    let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let hotel = json!({ "supplier": "sweep", "code": "H", "name": "Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris",
        "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": 20, "nightlyPrice": price("80.00") }] });
    let flight = json!({ "supplier": "sweep", "code": "F", "carrier": "AF", "origin": "CDG", "destination": "LYS",
        "departureAt": "2025-01-01T08:00:00Z", "arrivalAt": "2025-01-01T09:10:00Z",
        "cabins": [{ "cabin": "ECONOMY", "seats": 20, "price": price("60.00") }] });
    let car = |code: &str, vehicles: u32| {
        json!({ "supplier": "sweep", "code": code, "name": "Car", "carClass": "MINI", "location": "LYS", "vehicles": vehicles,
            "dailyPrice": price("30.00") })
    };
    let mut lines = String::new();
    for (name, item) in
        [("upsertHotel", hotel), ("upsertFlight", flight), ("upsertCar", car("C1", 1)), ("upsertCar", car("C2", 20))]
    {
        writeln!(lines, "{}", json!({ name: item })).expect("a text grows");
    }
    lines
}
