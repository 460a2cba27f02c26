//! Whatever is sent, each thing that is wrong gets its code and path, the process stays up, nothing is written; and afterwards no card
//! number is anywhere, and personal values only where L8 allows them.

mod requests;
mod search;
mod trips;

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

use crate::support::Home;
use crate::support::http::{ask, get};
use crate::support::server::Server;

/// What nobody but the event that brings it and its read model may hold.
const PERSONAL: [&str; 3] = ["margaret.hamilton@example.com", "Margaret Hamilton", "+1 617 555 0199"];
/// Every card number that the test sends, right or wrong.
const CARDS: [&str; 6] = [
    "4242424242424242",
    "4000000000000002",
    "4242424242424241",
    "5555555555554444",
    "4242-4242-4242-4242",
    "4242 4242 4242 4242",
];
const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status } position errors { code message path } } }";

/// Everything that was answered, for the search at the end, and what was not answered as it should.
#[derive(Default)]
struct Heard {
    answers: String,
    wrong: Vec<String>,
}

impl Heard {
    /// Notes a case that was not answered as it should.
    fn expect(&mut self, holds: bool, case: &str) {
        if !holds {
            self.wrong.push(case.chars().take(500).collect());
        }
    }
}

#[test]
fn bad_input_is_named_leaves_nothing_and_gives_nothing_away() {
    let home = Home::new();
    let offers = home.file("offers.jsonl");
    fs::write(&offers, catalogue()).expect("written");
    home.printed(&["catalog", "import", offers.to_str().expect("a path"), "--quiet", "--clock", "2024-11-01"]);
    let mut server = Server::start_with(&home, "debug");
    let mut heard = Heard::default();

    sign_up(&server, &mut heard);
    book_good_trips(&server, &mut heard);
    let before = head(&home);
    trips::refuses_bad_trips(&server, &mut heard);
    requests::refuses_bad_requests(&server, &mut heard);
    assert!(heard.wrong.is_empty(), "{} wrong:\n{}", heard.wrong.len(), heard.wrong.join("\n"));
    assert_eq!(head(&home), before, "nothing was written");
    assert!(server.is_running());
    assert_eq!(get(&server.address, "/health/ready").expect("an answer").status, 200);

    heard.answers.push_str(&get(&server.address, "/metrics").expect("metrics").body);
    let (status, rest) = server.stop(Signal::SIGINT);
    assert!(status.success(), "{status}");
    heard.answers.push_str(&rest);
    let log = fs::read_to_string(home.file("serve.log")).expect("a log");
    let postgres = fs::read_to_string(home.data_dir().join("postgres/server.log")).expect("a log");
    for (place, text) in [("answers", &heard.answers), ("log", &log), ("log of Postgres", &postgres)] {
        search::holds_no_card(place, text);
        assert!(
            place == "answers" || PERSONAL.iter().all(|value| !text.contains(value)),
            "{place} holds personal values"
        );
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(search::the_database(&home));
}

/// The traveller is a member as well, who has once changed the profile: so there is something to find.
fn sign_up(server: &Server, heard: &mut Heard) {
    let input = json!({
        "idempotencyKey": "member", "email": PERSONAL[0], "nickname": "margaret", "firstName": PERSONAL[1], "lastName": "-",
        "contactNumber": PERSONAL[2],
    });
    let changes = json!({ "nickname": PERSONAL[1] });
    for (mutation, kind, input) in [("signUp", "SignUpInput", input), ("updateProfile", "UpdateProfileInput", changes)]
    {
        let document =
            format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ position errors {{ code path }} }} }}");
        let answer = ask(&server.address, &document, &json!({ "input": input })).expect("an answer");
        heard.answers.push_str(&answer.to_string());
        assert_eq!(answer["data"][mutation]["errors"], json!([]), "{answer}");
    }
}

/// One trip is approved, one declined, so that there is something to find.
fn book_good_trips(server: &Server, heard: &mut Heard) {
    for (key, card, status) in [("good", CARDS[0], "APPROVED"), ("declined", CARDS[1], "CANCELLED")] {
        let mut input = trip();
        input["idempotencyKey"] = json!(key);
        input["payment"] = json!({ "method": "CARD", "cardNumber": card });
        input["wait"] = json!("FINISHED");
        let answer = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
        heard.answers.push_str(&answer.to_string());
        assert_eq!(answer["data"]["bookTrip"]["booking"]["status"], status, "{answer}");
    }
}

fn head(home: &Home) -> Value {
    let printed = home.printed(&["events", "tail", "--last", "1", "--json"]);
    serde_json::from_str(printed.trim_end()).expect("the last event")
}

/// A good trip; each case spoils one thing.
fn trip() -> Value {
    json!({
        "idempotencyKey": "bad",
        "traveller": { "email": PERSONAL[0], "name": PERSONAL[1], "phone": PERSONAL[2] },
        "hotel": { "hotelId": HotelId::of("bad", "H"), "roomType": "DBL", "checkIn": "2025-01-01", "checkOut": "2025-01-03", "rooms": 1 },
        "flight": { "flightId": FlightId::of("bad", "F"), "cabin": "ECONOMY", "seats": 1 },
        "car": { "carId": CarId::of("bad", "C"), "pickUpAt": "2025-01-01T10:00:00Z", "dropOffAt": "2025-01-03T10:00:00Z" },
        "payment": { "method": "NONE" },
    })
}

fn hotel() -> Value {
    json!({ "supplier": "bad", "code": "H", "name": "Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris",
        "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": 5, "nightlyPrice": { "amount": "80.00", "currency": "EUR" } }] })
}

fn flight(code: &str, day: &str) -> Value {
    json!({ "supplier": "bad", "code": code, "carrier": "AF", "origin": "CDG", "destination": "LYS",
        "departureAt": format!("{day}T08:00:00Z"), "arrivalAt": format!("{day}T09:10:00Z"),
        "cabins": [{ "cabin": "ECONOMY", "seats": 9, "price": { "amount": "60.00", "currency": "EUR" } }] })
}

fn car(code: &str, currency: &str) -> Value {
    json!({ "supplier": "bad", "code": code, "name": "Car", "carClass": "MINI", "location": "LYS", "vehicles": 2,
        "dailyPrice": { "amount": "30.00", "currency": currency } })
}

fn catalogue() -> String {
    let items = [
        json!({ "upsertHotel": hotel() }),
        json!({ "upsertFlight": flight("F", "2025-01-01") }),
        json!({ "upsertFlight": flight("GONE", "2024-11-20") }),
        json!({ "upsertCar": car("C", "EUR") }),
        json!({ "upsertCar": car("POUND", "GBP") }),
    ];
    items.map(|item| item.to_string()).join("\n")
}

/// Code and place of each error, the place below the argument `input`.
fn found(errors: &Value) -> Vec<(String, String)> {
    let steps = |error: &Value| {
        let steps = error["path"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = steps.iter().map(|step| step.as_str().unwrap_or("?")).collect::<Vec<_>>().join(".");
        text.strip_prefix("input").map(|below| below.trim_start_matches('.').to_owned()).unwrap_or(text)
    };
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| (error["code"].as_str().unwrap_or("?").to_owned(), steps(error))).collect()
}
