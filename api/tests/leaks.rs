//! Things are broken on purpose, and no answer tells how the program is built: no SQL, no debug text, no stack, no place in a file.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::codes::odd_world;
use crate::world::{BOOK, UPSERT_CAR, UPSERT_FLIGHT, UPSERT_HOTEL, World, car, flight, hotel};

/// Words of libraries, of the database and of Rust that no answer has a use for, in lower case.
const TELL_TALE: &[&str] = &[
    "sqlx",
    "postgres",
    "pgdatabase",
    "pg_",
    "sqlstate",
    "relation \"",
    "insert into",
    "select ",
    "delete from",
    "update ",
    "append_events",
    "idempotency_keys",
    "booking_timeline",
    "panick",
    "unwrap",
    "backtrace",
    ".rs",
    "src/",
    "rustc",
    "cargo",
    "tokio",
    "hyper",
    "axum",
    "async_graphql",
    "async-graphql",
    "serde",
    "reqwest",
    "tower",
    "some(",
    "none,",
    "err(",
    "ok(",
    "error {",
    "errorkind",
    "os error",
    "broken pipe",
    "pooltimedout",
    "connection refused",
    "traveladvisor_",
    "::",
    "/tmp/",
    "0x",
];
const QUERIES: &str = "{ b: booking(id: $t, atLeast: \"1\") { id timeline { at } } n: booking(id: $t, asOf: \"2024-12-01T00:00:00Z\") { id } \
     hotel(id: $h) { id name } flight(id: $f) { id code } car(id: $c) { id code } saga(bookingId: $t) { status } }";
const CANCEL: &str = "mutation($i: CancelBookingInput!) { cancelBooking(input: $i) { booking { status } errors { code message path } } }";
const LISTS: [&str; 13] = [
    "bookings { nodes { id timeline { at } } }",
    "sagas { nodes { bookingId history { at } } }",
    "hotels(filter: { checkIn: \"2025-01-10\", checkOut: \"2025-01-12\" }) { nodes { id } }",
    "flights(filter: {}) { nodes { id } }",
    "cars(filter: {}) { nodes { id } }",
    "projections { name state reason lastError }",
    "me { id points { balance entries { nodes { id } } } vouchers { nodes { id } } }",
    "campaigns { nodes { id status } }",
    "vouchers { nodes { id } }",
    "travellerBookings(email: \"ada@example.com\") { nodes { bookingId } }",
    "paymentLedger(bookingId: \"booking_00000000000000000000000000\") { charged { amount } }",
    "hotelOccupancy(hotelId: \"hotel_00000000000000000000000000\", from: \"2025-01-10\", to: \"2025-01-12\") { day }",
    "flightOccupancy(flightId: \"flight_00000000000000000000000000\") { day }",
];

fn clean(what: &str, text: &str) {
    let text = text.to_lowercase();
    let told: Vec<_> = TELL_TALE.iter().filter(|word| text.contains(*word)).collect();
    assert!(told.is_empty(), "{what} tells {told:?}: {text}");
}

/// Asks for everything at once; each answer is clean, and at least one has an error of this code.
async fn everything(world: &World, trip: &Value, code: &str) {
    let single = QUERIES.replace("$t", &trip.to_string()).replace("$h", &json!(world.hotel).to_string());
    let single = single.replace("$f", &json!(world.flight).to_string()).replace("$c", &json!(world.car).to_string());
    let mut asked: Vec<(String, Value)> = LISTS.iter().map(|list| (format!("{{ {list} }}"), json!({}))).collect();
    asked.push((single, json!({})));
    asked.push((BOOK.to_owned(), json!({ "input": world.trip(json!({ "idempotencyKey": format!("{code} 2") })) })));
    asked.push((CANCEL.to_owned(), json!({ "i": { "bookingId": trip, "wait": "FINISHED" } })));
    for (mutation, input) in [(UPSERT_HOTEL, hotel()), (UPSERT_FLIGHT, flight()), (UPSERT_CAR, car())] {
        let mut input = input;
        input["code"] = json!("another");
        asked.push((mutation.to_owned(), json!({ "input": input })));
    }
    for verb in ["rebuildProjection", "rollbackProjection"] {
        asked.push((format!("mutation {{ {verb}(name: \"booking\") {{ errors {{ code message }} }} }}"), json!({})));
    }
    let answers = asked.iter().map(|(query, variables)| world.send(query, variables.clone()));
    let answers = futures::future::join_all(answers).await;
    let mut met = false;
    for ((query, _), answer) in asked.iter().zip(&answers) {
        // The types of the input stand in the queries, never in answers.
        clean(query, &answer.to_string());
        met |= answer["errors"]
            .as_array()
            .is_some_and(|errors| errors.iter().any(|error| error["extensions"]["code"] == code));
    }
    assert!(met, "nothing was broken: {answers:#?}");
}

async fn booked(world: &World) -> Value {
    world.book(world.trip(json!({}))).await["booking"]["id"].clone()
}

#[tokio::test]
async fn no_answer_tells_what_is_wrong_with_the_tables() {
    let world = World::begin().await;
    let trip = booked(&world).await;
    world
        .run(
            "DROP TABLE bookings, booking_timeline, hotels, flights, cars, traveller_bookings, payment_ledger, occupancy_units, \
             members, points_accounts, points_entries, campaigns, vouchers CASCADE; \
             DROP TABLE idempotency_keys CASCADE",
        )
        .await;
    everything(&world, &trip, "UNAVAILABLE").await;
    let rows = World::begin().await;
    let trip = booked(&rows).await;
    rows.run("UPDATE bookings SET state = '{}'; UPDATE hotels SET time_zone = 'nonsense'").await;
    everything(&rows, &trip, "INTERNAL").await;
}

#[tokio::test]
async fn no_answer_tells_what_has_become_of_the_server() {
    let world = World::begin().await;
    let trip = booked(&world).await;
    world.take_the_database_away().await;
    everything(&world, &trip, "UNAVAILABLE").await;
}

#[tokio::test]
async fn no_answer_tells_where_the_program_has_panicked() {
    let world = odd_world().await;
    let input = world.trip(json!({ "payment": { "cardNumber": "4000000000000127" } }));
    let answer = world.send(BOOK, json!({ "input": input })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{answer}");
    clean("a panic", &answer.to_string());
}

#[tokio::test]
async fn no_answer_tells_what_has_read_a_malformed_request() {
    let world = World::begin().await;
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "1e999",
        "\"\\ud800\"",
        "{\"query\": 1}",
        "{\"query\": \"{\"}",
        "{\"query\": \"{ a(b: ) }\"}",
        "{\"query\": \"{ booking(id: 1.5) { id } }\"}",
        "{\"query\": \"query($a: Nothing) { booking(id: $a) { id } }\"}",
        "{\"query\": \"{ hotels(filter: 1) { nodes { id } } }\"}",
        "{\"query\": \"{ __typename @nothing }\"}",
        "{\"query\": \"subscription { nothing }\"}",
        "{\"query\": \"{ __typename }\", \"operationName\": \"b\"}",
        "{\"query\": \"query a { __typename } query b { __typename }\"}",
        "{\"query\": \"\\u0000\"}",
        "{\"query\": \"query($i: BookTripInput!) { __typename }\", \"variables\": {\"i\": {\"a\": [[[1]]]}}}",
        "{\"query\": \"mutation($i: BookTripInput!) { bookTrip(input: $i) { position } }\", \"variables\": {\"i\": [{}]}}",
    ];
    let mut requests: Vec<Request<Body>> = bodies.iter().map(|body| post(body.as_bytes().to_vec())).collect();
    requests.push(post(vec![0xff, 0xfe, 0x00]));
    for (name, value) in [
        ("accept", "a/b;q=x"),
        ("content-type", "application/json; charset=\"x"),
        ("idempotency-key", "\"a"),
        ("traceparent", "00-x"),
        ("x-request-id", "é"),
        ("content-encoding", "gzip"),
        ("authorization", "Bearer a.b.c"),
    ] {
        let mut request = post(b"{\"query\": \"{ __typename }\"}".to_vec());
        request.headers_mut().insert(name, value.parse().expect("a value"));
        requests.push(request);
    }
    for path in [
        "/graphql",
        "/graphql?query=%ff",
        "/graphql?query={a}&variables={",
        "/graphql?query=%7B",
        "/%ff",
        "/health/ready",
        "/metrics/x",
    ] {
        requests.push(Request::get(path).body(Body::empty()).expect("a request"));
    }
    for method in [Method::DELETE, Method::PUT, Method::OPTIONS, Method::TRACE, Method::CONNECT] {
        requests.push(Request::builder().method(method).uri("/graphql").body(Body::empty()).expect("a request"));
    }
    for request in requests {
        let what = format!("{request:?}");
        let (head, answer) = world.exchange(request).await;
        clean(&what, &answer.to_string());
        clean(&what, &format!("{:?}", head.headers));
        assert!(!head.status.is_server_error(), "{what}: {}", head.status);
    }
}

fn post(body: Vec<u8>) -> Request<Body> {
    Request::post("/graphql").header("content-type", "application/json").body(body.into()).expect("a request")
}
