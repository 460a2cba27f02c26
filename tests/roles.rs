//! One installation of several processes, as a user starts it: a log of its own for hotels, a gateway, and a broker between them.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_infra::testing::broker;

use crate::support::http::{ask, get, post, post_to};
use crate::support::server::Server;
use crate::support::{Home, code, told, until};

/// Any free port.
const FREE: &str = "127.0.0.1:0";
/// What the processes show each other.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const UPSERT_HOTEL: &str = "mutation($input: UpsertHotelInput!) { upsertHotel(input: $input) { hotel { id name } position \
     errors { code message } } }";
pub(crate) const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status sagaStatus hotel { status } } \
     position errors { code message } } }";

/// The roles of the process that decides on all but hotels.
pub(crate) const REST: [&str; 5] = ["booking", "flight", "car", "payment", "member"];

/// Four processes: hotels; everything else that decides; read models; the gateway.
pub(crate) struct Installation {
    pub(crate) home: Home,
    pub(crate) hotel: Server,
    pub(crate) rest: Server,
    projections: Server,
    pub(crate) gateway: Server,
}

impl Installation {
    pub(crate) fn start(brokers: &str, prefix: &str) -> Self {
        let home = Home::new();
        let hotel = Self::role(&home, &["hotel"], (brokers, prefix), FREE, &[]);
        let rest = Self::role(&home, &REST, (brokers, prefix), FREE, &[]);
        let projections = Self::role(&home, &["projections"], (brokers, prefix), FREE, &[]);
        let others = [&*hotel.address, &*rest.address].map(|address| format!("http://{address}"));
        let services = [
            ("HOTEL", &others[0]),
            ("BOOKING", &others[1]),
            ("FLIGHT", &others[1]),
            ("CAR", &others[1]),
            ("MEMBER", &others[1]),
        ];
        let gateway = Self::role(&home, &["api"], (brokers, prefix), FREE, &services);
        Self { home, hotel, rest, projections, gateway }
    }

    /// A process with these roles; all have the same settings but for their address.
    pub(crate) fn role(
        home: &Home,
        roles: &[&str],
        (brokers, prefix): (&str, &str),
        listen: &str,
        services: &[(&str, &String)],
    ) -> Server {
        let settings = format!(
            "[logs.hotel]\n[logs.read]\nschema = \"read_models\"\n[kafka]\nbrokers = \"{brokers}\"\ntopic_prefix = \"{prefix}\"\n\
             [services]\ntoken = \"{TOKEN}\"\n"
        );
        fs::write(home.file("traveladvisor.toml"), settings).expect("written");
        let mut arguments = vec!["serve", "--json", "--listen", listen, "--clock", "2024-12-01"];
        for role in roles {
            arguments.extend(["--role", role]);
        }
        let mut command = home.command(&arguments);
        for (context, url) in services {
            command.env(format!("TRAVELADVISOR_SERVICES_{context}"), url);
        }
        command.env("TRAVELADVISOR_LOG", "warn");
        Server::spawn(home, command)
    }

    /// What the gateway answers to a query without faults.
    fn ask(&self, query: &str, variables: &Value) -> Value {
        let mut answer = ask(&self.gateway.address, query, variables).expect("an answer");
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    pub(crate) fn list_hotel(&self, name: &str) -> Value {
        self.ask(UPSERT_HOTEL, &json!({ "input": hotel(name) }))["upsertHotel"].take()
    }

    pub(crate) fn stop(self) {
        for mut server in [self.gateway, self.projections, self.rest, self.hotel] {
            let (status, _) = server.stop(Signal::SIGTERM);
            assert!(status.success(), "{}", fs::read_to_string(self.home.file("serve.log")).unwrap_or_default());
        }
    }
}

fn hotel(name: &str) -> Value {
    json!({ "code": "H1", "name": name, "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris",
        "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": 2, "nightlyPrice": { "amount": "80", "currency": "EUR" } }] })
}

#[test]
fn commands_go_to_the_owning_role_and_what_they_did_is_read_at_their_position() {
    // Nobody is at this address: what needs no message does not wait for a broker.
    let all = Installation::start("127.0.0.1:1", "");
    let listed = all.list_hotel("The Hotel");
    assert_eq!(listed["hotel"]["name"], "The Hotel", "{listed}");
    let position = listed["position"].as_str().expect("a position");
    assert!(position.starts_with("hotel."), "{position}");
    let found = all.ask(
        "query($id: ID!, $at: Position) { hotel(id: $id, atLeast: $at) { name } }",
        &json!({ "id": listed["hotel"]["id"], "at": position }),
    );
    assert_eq!(found["hotel"]["name"], "The Hotel");
    let car = json!({ "code": "C1", "name": "Small", "carClass": "MINI", "location": "LYS", "vehicles": 1,
        "dailyPrice": { "amount": "20", "currency": "EUR" } });
    let car = all.ask(
        "mutation($input: UpsertCarInput!) { upsertCar(input: $input) { car { name } position errors { code } } }",
        &json!({ "input": car }),
    );
    assert_eq!(car["upsertCar"]["car"]["name"], "Small", "{car}");
    assert!(car["upsertCar"]["position"].as_str().expect("a position").starts_with("booking."), "{car}");
    each_role_serves_its_part(&all, &listed["hotel"]["id"]);
    strangers_hand_over_nothing(&all);
    every_log_is_looked_at_by_its_name(&all);
    all.stop();
}

fn each_role_serves_its_part(all: &Installation, id: &Value) {
    let refused =
        ask(&all.hotel.address, "mutation { cancelBooking(input: { bookingId: 1 }) { position } }", &json!({}));
    let refused = refused.expect("an answer").to_string();
    assert!(refused.contains("what is about hotel alone: ask the gateway"), "{refused}");
    let read = ask(&all.hotel.address, "query($id: ID!) { hotel(id: $id) { name } }", &json!({ "id": id }));
    assert_eq!(read.expect("an answer")["data"]["hotel"]["name"], "The Hotel");
    let renamed = ask(&all.hotel.address, UPSERT_HOTEL, &json!({ "input": hotel("At its own port") }));
    assert_eq!(renamed.expect("an answer")["data"]["upsertHotel"]["hotel"]["name"], "At its own port");
    let models = ask(&all.projections.address, "{ projections { name } }", &json!({})).expect("an answer");
    assert!(models["data"]["projections"].as_array().is_some_and(|models| models.len() > 5), "{models}");
    for server in [&all.hotel, &all.rest, &all.projections, &all.gateway] {
        assert_eq!(get(&server.address, "/metrics").expect("an answer").status, 200);
    }
    for server in [&all.hotel, &all.projections, &all.gateway] {
        assert_eq!(get(&server.address, "/health/ready").expect("an answer").status, 200);
    }
    // Who books trips cannot price them before a broker has told what there is.
    let booking = get(&all.rest.address, "/health/ready").expect("an answer");
    assert_eq!((booking.status, booking.body.contains("the broker is asked for it")), (503, true), "{}", booking.body);
    let schema = all.home.printed(&["schema", "--role", "hotel"]);
    assert!(schema.contains("upsertHotel(") && !schema.contains("bookTrip("));
    assert_eq!(code(&all.home.run(&["schema", "--role", "relay"])), 2);
}

fn strangers_hand_over_nothing(all: &Installation) {
    let command = json!({ "command": { "CloseMember": {} } }).to_string();
    for headers in ["", "Authorization: Bearer wrong\r\n", "Origin: http://evil.example\r\n"] {
        let answer = post_to(&all.hotel.address, "/commands", headers, command.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 401, "{headers} {}", answer.body);
        assert!(answer.body.contains("services.token"), "{}", answer.body);
    }
    let shown = format!("Authorization: Bearer {TOKEN}\r\n");
    let unreadable = post_to(&all.hotel.address, "/commands", &shown, command.as_bytes()).expect("an answer");
    assert_eq!(unreadable.status, 400, "{}", unreadable.body);
    // The gateway takes none, whatever is shown.
    assert_eq!(post_to(&all.gateway.address, "/commands", &shown, b"{}").expect("an answer").status, 404);
    assert_eq!(post(&all.gateway.address, b"{}").expect("an answer").status, 400);
}

fn every_log_is_looked_at_by_its_name(all: &Installation) {
    let listed = |log: &str| all.home.printed(&["events", "list", "--log", log, "--json", "--quiet"]);
    assert!(listed("hotel").contains("HotelListed") && !listed("booking").contains("HotelListed"));
    assert!(listed("booking").contains("CarListed"));
    assert!(listed("read").contains("CarListed") && listed("read").contains("HotelListed"));
    let unknown = all.home.run(&["events", "list", "--log", "car"]);
    assert_eq!(code(&unknown), 2, "{}", told(&unknown));
    assert!(told(&unknown).contains("use booking, hotel, read"), "{}", told(&unknown));
    let doctor = all.home.run(&["doctor"]);
    assert!(told(&doctor).contains("schema of hotel") && told(&doctor).contains("schema of read"), "{}", told(&doctor));
    let rows = all.home.printed(&["projections", "list", "--json"]);
    assert!(rows.contains("hotel_availability"), "{rows}");
}

#[test]
fn a_role_that_is_away_is_told_and_works_again_once_it_is_back() {
    let mut all = Installation::start("127.0.0.1:1", "");
    all.list_hotel("The Hotel");
    all.hotel.kill();
    let away = until(|| {
        let answer = ask(&all.gateway.address, UPSERT_HOTEL, &json!({ "input": hotel("Away") })).expect("an answer");
        let told = answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        told.contains("The service hotel does not answer, nothing was done").then_some(answer)
    });
    assert_eq!(away["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{away}");
    // The others are not held up by it.
    let query = all.ask("{ hotels(filter: {}) { nodes { name } } }", &json!({}));
    assert_eq!(query["hotels"]["nodes"][0]["name"], "The Hotel");
    let address = all.hotel.address.clone();
    let breaker = |is_open| {
        format!("traveladvisor_service_breaker_open{{role=\"hotel\",process=\"http://{address}\"}} {is_open}\n")
    };
    until(|| {
        ask(&all.gateway.address, UPSERT_HOTEL, &json!({ "input": hotel("Away") })).expect("an answer");
        get(&all.gateway.address, "/metrics").expect("metrics").body.contains(&breaker(1)).then_some(())
    });
    // Who stands by to deliver for every log takes that one over, and tells of it.
    let mut relay = Installation::role(&all.home, &["relay"], ("127.0.0.1:1", ""), FREE, &[]);
    let letters = "traveladvisor_dead_letters{log=\"hotel\",outlook=\"needs_operator\"} 0\n";
    until(|| get(&relay.address, "/metrics").expect("metrics").body.contains(letters).then_some(()));
    assert!(relay.stop(Signal::SIGTERM).0.success());
    all.hotel = Installation::role(&all.home, &["hotel"], ("127.0.0.1:1", ""), &address, &[]);
    let back = until(|| {
        let answer = ask(&all.gateway.address, UPSERT_HOTEL, &json!({ "input": hotel("Back") })).expect("an answer");
        answer.get("errors").is_none().then_some(answer)
    });
    assert_eq!(back["data"]["upsertHotel"]["hotel"]["name"], "Back", "{back}");
    assert!(get(&all.gateway.address, "/metrics").expect("metrics").body.contains(&breaker(0)));
    all.stop();
}

#[tokio::test]
async fn a_trip_is_booked_refused_and_cancelled_over_the_broker() {
    let kafka = broker::settings().await;
    let booked = tokio::task::spawn_blocking(move || travel(&kafka.brokers, &kafka.topic_prefix));
    booked.await.expect("the trips end as they should");
}

/// What books so many rooms of this hotel.
pub(crate) fn stay(hotel: &Value, key: &str, rooms: u32) -> Value {
    json!({ "input": { "idempotencyKey": key, "traveller": { "email": "ada@example.com", "name": "Ada", "phone": "+1" },
        "hotel": { "hotelId": hotel, "roomType": "DBL", "checkIn": "2025-01-10", "checkOut": "2025-01-12", "rooms": rooms },
        "payment": { "method": "NONE" }, "wait": "FINISHED" } })
}

fn travel(brokers: &str, prefix: &str) {
    let all = Installation::start(brokers, prefix);
    all.home.printed(&["kafka", "topics", "apply", "--partitions", "4"]);
    let id = all.list_hotel("The Hotel")["hotel"]["id"].clone();
    let trip = |key: &str, rooms: u32| stay(&id, key, rooms);
    // Until the offer has come over its topic, nothing can be priced; and before all topics are read, nothing is tried.
    let approved = until(|| {
        let mut answer = ask(&all.gateway.address, BOOK, &trip("first", 2)).expect("an answer");
        let code = &answer["errors"][0]["extensions"]["code"];
        assert!(code.is_null() || code == "UNAVAILABLE", "{answer}");
        let booked = answer["data"]["bookTrip"].take();
        (booked["booking"]["status"] == "APPROVED").then_some(booked)
    });
    assert_eq!(approved["booking"]["sagaStatus"], "SUCCEEDED", "{approved}");
    assert!(approved["position"].as_str().expect("a position").starts_with("booking."), "{approved}");
    let refused = all.ask(BOOK, &trip("second", 1))["bookTrip"].take();
    assert_eq!(refused["booking"]["status"], "CANCELLED", "the rooms are gone: {refused}");
    for log in ["hotel", "booking"] {
        all.home.printed(&["events", "verify", "--log", log]);
    }
    assert_eq!(code(&all.home.run(&["events", "verify", "--log", "read"])), 2);
    let cancelled = all.ask(
        "mutation($id: ID!) { cancelBooking(input: { bookingId: $id, wait: FINISHED }) { booking { status sagaStatus } errors { code } } }",
        &json!({ "id": approved["booking"]["id"] }),
    );
    assert_eq!(cancelled["cancelBooking"]["booking"]["sagaStatus"], "COMPENSATED", "{cancelled}");
    let again = all.ask(BOOK, &trip("third", 2))["bookTrip"].take();
    assert_eq!(again["booking"]["status"], "APPROVED", "the rooms are free again: {again}");
    all.stop();
}

#[test]
fn a_log_that_was_used_is_not_split_behind_its_back() {
    let home = Home::with_a_hotel();
    let settings = "[logs.hotel]\n[logs.read]\nschema = \"read_models\"\n[kafka]\nbrokers = \"127.0.0.1:9\"\n";
    fs::write(home.file("traveladvisor.toml"), settings).expect("written");
    let refused = home.run(&["migrate"]);
    assert_eq!(code(&refused), 2, "{}", told(&refused));
    assert!(told(&refused).contains("streams of the kind `hotel`"), "{}", told(&refused));
    fs::remove_file(home.file("traveladvisor.toml")).expect("removed");
    let whole = home.run(&["migrate"]);
    assert_eq!(code(&whole), 0, "with one log for all it goes on: {}", told(&whole));
}
