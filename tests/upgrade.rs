//! A filled installation is brought up to date: what the program of an earlier schema has left is taken over, and everything goes on.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::Executor;
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_infra::postgres::migrations;
use traveladvisor_projections::runtime::ProjectionName;

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, told, until};

/// Every row that the program of schema version 6 had written when it was killed: a table and a row of it as JSON on each line.
const LEFT: &str = include_str!("upgrade/version_6.rows");
/// The schema's version then.
const VERSION: usize = 6;

/// Trips that it left, of one hotel of 50 rooms, one flight, a fleet and a single van.
const APPROVED: &str = "booking_01jdzr8q26fx0tn3e3r47306nr";
/// Of the key `old key`.
const OF_OLD_KEY: &str = "booking_01jdzr8qv9fz69d54nhkkh57xm";
/// It has the only van.
const WITH_THE_VAN: &str = "booking_01jdzr8qhnf2580d0rw100ya28";
/// The gateway had not answered yet: a hotel, a flight and a car are reserved, and it is asked to charge.
const IN_FLIGHT: &str = "booking_01jdzr9btve5t9g0qmmnzfxz1g";
/// The same without a car, and its traveller has cancelled meanwhile.
const TAKEN_BACK: &str = "booking_01jdzr9by0erh84khxqr8hzjdj";
/// Its refund had failed until an operator was called; by now the gateway knows of its charge.
const STUCK: &str = "booking_01jdzr8qspe4prvpe82kthw72j";
/// What starts its saga was set aside.
const WITH_A_LETTER: &str = "booking_01jdzr9a76fam9n9y7zedqhnkv";

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status } errors { code message } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status } errors { code } } }";

/// A data directory as the former program left it.
fn left_behind() -> Home {
    let home = Home::new();
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, row) in LEFT.lines().filter_map(|line| line.split_once(' ')) {
        tables.entry(table).or_default().push(row);
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        let schema = migrations()[..VERSION].concat();
        let version = format!("CREATE TABLE schema_version (version integer); INSERT INTO schema_version VALUES ({VERSION})");
        pool.execute(format!("{schema}; {version}").as_str()).await.expect("the schema of then");
        for (table, rows) in tables {
            let insert = format!(
                "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{table}, $1::json) \
                 ON CONFLICT DO NOTHING"
            );
            let rows = format!("[{}]", rows.join(","));
            sqlx::query(&insert).bind(rows).execute(&pool).await.unwrap_or_else(|error| panic!("{table}: {error}"));
        }
        let last = "SELECT setval(pg_get_serial_sequence('events', 'position'), (SELECT max(position) FROM events))";
        pool.execute(last).await.expect("positions go on");
        pool.execute("UPDATE owners SET epoch = 1, holder = 'process 17'").await.expect("it was the owner");
        pool.close().await;
        server.stop().await.expect("let go");
    });
    home
}

/// Books with one hotel night or one van; gives the booking's id and status.
fn book(server: &Server, key: &str, part: (&str, &Value), email: &str) -> (String, String) {
    let mut input = json!({ "idempotencyKey": key, "wait": "FINISHED", "payment": { "method": "NONE" },
        "traveller": { "email": email, "name": "Ada Lovelace" } });
    input[part.0] = part.1.clone();
    let answer = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
    let booking = &answer["data"]["bookTrip"]["booking"];
    let text = |field: &str| booking[field].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (text("id"), text("status"))
}

fn cancel(server: &Server, booking: &str) -> Value {
    let input = json!({ "input": { "bookingId": booking, "wait": "FINISHED" } });
    ask(&server.address, CANCEL, &input).expect("an answer")["data"]["cancelBooking"].take()
}

fn until_status(home: &Home, booking: &str, status: &str) {
    until(|| (home.json(&["sagas", "show", booking])["status"] == status).then_some(()));
}

#[test]
fn a_filled_installation_goes_on_with_todays_program_where_the_former_one_was_killed() {
    let home = left_behind();
    let migrated = home.json(&["migrate"]);
    assert_eq!(migrated["outcome"], "upgraded", "{migrated}");
    // Of these two the rows are of a former version; the others go on with theirs.
    home.printed(&["projections", "rebuild", "booking", "payment_ledger", "--quiet"]);
    let mut server = Server::start(&home);

    // What was under way ends.
    until_status(&home, IN_FLIGHT, "SUCCEEDED");
    until_status(&home, TAKEN_BACK, "COMPENSATED");
    let letters = home.printed(&["dead-letters", "list", "--json", "--quiet"]);
    let letter: Value = serde_json::from_str(letters.lines().next().expect("one is left")).expect("JSON");
    assert_eq!(letter["bookingId"], WITH_A_LETTER);
    home.printed(&["dead-letters", "retry", letter["letterId"].as_str().expect("an id"), "--reason", "it is mended"]);
    until_status(&home, WITH_A_LETTER, "SUCCEEDED");
    home.printed(&["sagas", "retry", STUCK, "--reason", "the gateway has found it"]);
    until_status(&home, STUCK, "COMPENSATED");

    // What was sold is sold, what was asked is known, and what stood can be taken back.
    let stay = json!({ "hotelId": HotelId::of("test", "H1"), "roomType": "DBL", "checkIn": "2025-01-05", "checkOut": "2025-01-07" });
    let van = json!({ "carId": CarId::of("test", "C2"), "pickUpAt": "2025-01-05T10:00:00Z", "dropOffAt": "2025-01-06T10:00:00Z" });
    let again = book(&server, "old key", ("hotel", &stay), "ada@example.org");
    assert_eq!(again, (OF_OLD_KEY.to_owned(), "APPROVED".to_owned()), "the same key is the same trip");
    assert_eq!(book(&server, "no van", ("car", &van), "ada@example.org").1, "CANCELLED", "it is rented out");
    for booking in [APPROVED, WITH_THE_VAN] {
        let cancelled = cancel(&server, booking);
        assert_eq!(cancelled["booking"]["status"], "CANCELLED", "{cancelled}");
    }
    assert_eq!(book(&server, "the van", ("car", &van), "ada@example.org").1, "APPROVED", "it came back");
    assert_eq!(book(&server, "a room", ("hotel", &stay), "ada@example.org").1, "APPROVED");
    let seat = json!({ "flightId": FlightId::of("test", "F1"), "cabin": "ECONOMY", "seats": 1 });
    assert_eq!(book(&server, "a seat", ("flight", &seat), "ada@example.org").1, "APPROVED");
    server.stop(Signal::SIGTERM);

    // The log is sound, and what is shown is what it says.
    let verified = home.run(&["events", "verify"]);
    assert_eq!(code(&verified), 0, "{}", told(&verified));
    for name in ProjectionName::ALL {
        let shown = home.run(&["projections", "verify", name.as_str()]);
        assert_eq!(code(&shown), 0, "{}: {}", name.as_str(), told(&shown));
    }
}
