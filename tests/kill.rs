//! kill -9 of `serve` in the middle of a thousand trips, twice. Judged by the log.

mod judge;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

use crate::support::Home;
use crate::support::http::ask;
use crate::support::server::Server;

/// Trips that are asked for.
const TRIPS: usize = 1_000;
/// Travellers who ask at the same time.
const CLIENTS: usize = 16;
/// Answers after which the server is killed, each time.
const KILL_AFTER: usize = 300;
/// How often it is killed.
const KILLS: usize = 2;
/// Longest time until every saga has ended after the last restart.
const END_LIMIT: Duration = Duration::from_mins(2);
/// Hotels, flights and fleets of the test.
const OFFERS: usize = 3;
/// Rooms, seats and vehicles of each: far too few for all who ask.
const PLACES: usize = 60;

const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";

#[test]
fn after_a_kill_every_trip_ends_and_nothing_is_oversold_or_half_booked() {
    let home = Home::new();
    let offers = home.file("offers.jsonl");
    fs::write(&offers, catalogue()).expect("written");
    home.printed(&["catalog", "import", offers.to_str().expect("a path"), "--quiet"]);

    let acknowledged = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    for _ in 0..KILLS {
        let server = Mutex::new(Server::start(&home));
        travel(&server, &next, &acknowledged, Some(KILL_AFTER));
    }
    let before = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(before.len() >= KILLS * KILL_AFTER && before.len() < TRIPS, "{} were acknowledged", before.len());

    // Everything is asked once more: what was acknowledged must be the same booking, the rest is booked now.
    let server = Mutex::new(Server::start(&home));
    next.store(0, Ordering::SeqCst);
    travel(&server, &next, &acknowledged, None);
    let after = acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(after.len(), TRIPS);
    for (trip, booking) in &before {
        assert_eq!(after.get(trip), Some(booking), "trip {trip}: the same key answers the same booking");
    }

    let begun = Instant::now();
    let (events, verdict) = loop {
        let events = home.events();
        let verdict = judge::judge(&events);
        if verdict.pending.is_empty() || begun.elapsed() > END_LIMIT {
            break (events, verdict);
        }
        thread::sleep(Duration::from_secs(1));
    };
    assert_eq!(verdict.pending, Vec::<String>::new(), "sagas that have not ended");
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.bookings, TRIPS, "one booking for each key");
    assert!(
        verdict.approved > 100 && verdict.cancelled > 100,
        "{} approved, {} cancelled",
        verdict.approved,
        verdict.cancelled
    );
    tokio::runtime::Runtime::new().expect("a runtime").block_on(charged_once(&home, verdict.paid));
    the_judge_is_no_friend(&events);
}

/// The judge must find what it is there for: the same log with something wrong in it.
fn the_judge_is_no_friend(events: &[Value]) {
    let without = |name: &str| events.iter().filter(|event| event["type"] != name).cloned().collect::<Vec<_>>();
    assert!(!judge::judge(&without("SeatsReleased")).faults.is_empty(), "trips that gave nothing back");
    assert!(!judge::judge(&without("UndoSucceeded")).faults.is_empty(), "undone in another order");
    assert!(!judge::judge(&without("SagaCompensated")).pending.is_empty(), "sagas without an end");
    let mut fewer = events.to_vec();
    for event in &mut fewer {
        if let Some(vehicles) = event.pointer_mut("/payload/CarListed/details/vehicles") {
            *vehicles = json!(PLACES / 2);
        }
    }
    assert!(
        judge::judge(&fewer).faults.iter().any(|fault| fault.contains("vehicles out at once")),
        "an oversold fleet"
    );
}

/// Asks for the trips that are left, with [`CLIENTS`] at once, until the server is gone or all are asked for. Kills it after so many answers.
fn travel(
    server: &Mutex<Server>,
    next: &AtomicUsize,
    acknowledged: &Mutex<BTreeMap<usize, String>>,
    kill_after: Option<usize>,
) {
    let address = server.lock().expect("the server").address.clone();
    let answers = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let trip = next.fetch_add(1, Ordering::SeqCst);
                    if trip >= TRIPS {
                        return;
                    }
                    let Ok(booking) = book(&address, trip) else { return };
                    acknowledged.lock().expect("the list").insert(trip, booking.clone());
                    if trip.is_multiple_of(17) {
                        cancel(&address, &booking);
                    }
                    if kill_after == Some(answers.fetch_add(1, Ordering::SeqCst) + 1) {
                        server.lock().expect("the server").kill();
                        return;
                    }
                }
            });
        }
    });
}

fn book(address: &str, trip: usize) -> std::io::Result<String> {
    let begun = Instant::now();
    loop {
        let answer = ask(address, BOOK, &json!({ "input": input(trip) }))?;
        if let Some(id) = answer["data"]["bookTrip"]["booking"]["id"].as_str() {
            return Ok(id.to_owned());
        }
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert!(["OVERLOADED", "UNAVAILABLE", "CONFLICT"].contains(&code), "trip {trip}: {answer}");
        assert!(begun.elapsed() < END_LIMIT, "trip {trip} is not taken: {answer}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The answer does not matter: a trip that has failed meanwhile cannot be cancelled, and the server may be gone.
fn cancel(address: &str, booking: &str) {
    ask(address, CANCEL, &json!({ "input": { "bookingId": booking } })).ok();
}

/// The same input for the same trip at every time.
fn input(trip: usize) -> Value {
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

fn catalogue() -> String {
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

/// The gateway's own books: as many charges as trips that were paid by card, and none of them twice.
async fn charged_once(home: &Home, paid: usize) {
    let (server, pool) = home.database().await;
    let charges: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls WHERE kind = 'charge' AND outcome = 'done'")
            .fetch_one(&pool)
            .await
            .expect("the ledger");
    pool.close().await;
    server.stop().await.expect("stopped");
    assert_eq!(usize::try_from(charges), Ok(paid), "charges at the gateway and payments in the log");
}
