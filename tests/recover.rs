//! What goes on by itself after something has died, and what is refused so that nothing goes wrong.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use traveladvisor_domain::id::HotelId;

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, told};

const HOTEL: &str = r#"{"upsertHotel": {"supplier": "test", "code": "H1", "name": "The Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris", "roomTypes": [{"code": "DBL", "name": "Double", "rooms": 50, "nightlyPrice": {"amount": "80.00", "currency": "EUR"}}]}}"#;
const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { sagaStatus createdAt } errors { code } } }";
/// Longest time until what must happen has happened.
const AT_LAST: Duration = Duration::from_mins(1);

#[test]
fn the_private_postgres_is_revived_by_the_one_who_serves() {
    let home = house_with_a_hotel();
    let server = Server::start(&home);
    let pid = fs::read_to_string(home.data_dir().join("postgres/cluster/data/postmaster.pid")).expect("its pid");
    let pid = pid.lines().next().and_then(|line| line.parse().ok()).expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    let answer = until(|| {
        let answer = ask(&server.address, BOOK, &json!({ "input": trip("after") })).ok()?;
        answer["data"]["bookTrip"]["booking"]["sagaStatus"].as_str().map(str::to_owned)
    });
    assert_eq!(answer, "SUCCEEDED");
}

#[test]
fn a_second_server_on_a_log_is_refused_and_harms_nobody() {
    let home = house_with_a_hotel();
    let server = Server::start(&home);
    let second = home.run(&["serve", "--clock", "2024-12-01", "--listen", "127.0.0.1:0"]);
    assert_eq!(code(&second), 1, "{}", told(&second));
    assert!(told(&second).contains("another process serves this log"), "{}", told(&second));
    let answer = ask(&server.address, BOOK, &json!({ "input": trip("still") })).expect("an answer");
    assert_eq!(answer["data"]["bookTrip"]["booking"]["sagaStatus"], "SUCCEEDED");
}

#[test]
fn the_sandboxs_clock_goes_on_where_the_log_was_left() {
    let home = house_with_a_hotel();
    let mut server = Server::start(&home);
    // Long enough that a clock that started anew would still be behind when the second trip is booked.
    thread::sleep(Duration::from_secs(10));
    let first = created_at(&server, "first");
    server.kill();
    let second = created_at(&Server::start(&home), "second");
    assert!(second > first, "booked at {first}, then at {second}: retries of the first would wait");
}

fn created_at(server: &Server, key: &str) -> DateTime<Utc> {
    let answer = ask(&server.address, BOOK, &json!({ "input": trip(key) })).expect("an answer");
    let at = answer["data"]["bookTrip"]["booking"]["createdAt"].as_str().unwrap_or_else(|| panic!("booked: {answer}"));
    at.parse().expect("an instant")
}

fn house_with_a_hotel() -> Home {
    let home = Home::new();
    let offers = home.file("offers.jsonl");
    fs::write(&offers, HOTEL).expect("written");
    home.printed(&["catalog", "import", offers.to_str().expect("a path"), "--quiet", "--clock", "2024-12-01"]);
    home
}

fn trip(key: &str) -> Value {
    let hotel = HotelId::of("test", "H1").to_string();
    json!({
        "idempotencyKey": key,
        "traveller": { "email": "traveller@example.com", "name": "A. Traveller" },
        "hotel": { "hotelId": hotel, "roomType": "DBL", "checkIn": "2025-01-10", "checkOut": "2025-01-11" },
        "payment": { "method": "NONE" },
    })
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < AT_LAST, "it did not happen in {AT_LAST:?}");
        thread::sleep(Duration::from_millis(200));
    }
}
