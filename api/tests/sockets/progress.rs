//! `bookingProgress`: everything once, in order, whatever comes between.

use serde_json::{Value, json};

use super::client::{Client, Server};
use crate::world::{BOOK, UPSERT_HOTEL, World, hotel, merge, text};

const PROGRESS: &str = "subscription($id: ID!, $after: Position) { \
     bookingProgress(id: $id, after: $after) { position at status sagaStatus summary } }";
const TIMELINE: &str = "query($id: ID!) { booking(id: $id) { timeline { position summary } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { position errors { code } } }";

/// Position and sentence of an item.
fn item(message: &Value) -> (String, String) {
    let progress = &message["payload"]["data"]["bookingProgress"];
    (text(&progress["position"]), text(&progress["summary"]))
}

async fn timeline(world: &World, id: &str) -> Vec<(String, String)> {
    let answer = world.ask(TIMELINE, json!({ "id": id })).await;
    let lines = answer["booking"]["timeline"].as_array().expect("a timeline");
    lines.iter().map(|line| (text(&line["position"]), text(&line["summary"]))).collect()
}

/// Items until one has this status of the saga.
async fn until(client: &mut Client, saga: &str) -> Vec<(String, String)> {
    let mut items = Vec::new();
    loop {
        let message = client.hear().await;
        assert_eq!(message["type"], "next", "{message}");
        items.push(item(&message));
        if message["payload"]["data"]["bookingProgress"]["sagaStatus"] == saga {
            return items;
        }
    }
}

#[tokio::test]
async fn a_trip_is_followed_from_its_request_to_its_end_and_the_stream_completes_when_nothing_can_follow() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let booked = world.book(world.trip(json!({ "wait": "ACCEPTED" }))).await;
    let id = text(&booked["booking"]["id"]);
    let mut client = server.ready().await;
    client.subscribe("a", PROGRESS, json!({ "id": id })).await;
    let mut items = until(&mut client, "SUCCEEDED").await;
    assert_eq!(items, timeline(&world, &id).await);

    let cancelled = world.ask(CANCEL, json!({ "input": { "bookingId": id } })).await;
    assert_eq!(cancelled["cancelBooking"]["errors"], json!([]), "{cancelled}");
    items.extend(until(&mut client, "COMPENSATED").await);
    assert_eq!(items, timeline(&world, &id).await);
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "a" }));
    server.stop().await;
}

/// A hotel with room for all, and a trip that needs nothing else.
async fn roomy(world: &World) {
    let mut hotel = hotel();
    merge(
        &mut hotel,
        json!({ "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": 1000,
        "nightlyPrice": { "amount": "100", "currency": "GBP" } }] }),
    );
    world.ask(UPSERT_HOTEL, json!({ "input": hotel })).await;
}

fn room_alone(world: &World, key: usize) -> Value {
    let alone = json!({ "idempotencyKey": format!("key-{key}"), "flight": null, "car": null, "wait": "ACCEPTED",
        "traveller": { "email": format!("{key}@example.com") }, "payment": { "method": "NONE", "cardNumber": null } });
    world.trip(alone)
}

async fn book_room(world: &World, key: usize) -> String {
    let booked = world.book(room_alone(world, key)).await;
    assert_eq!(booked["errors"], json!([]), "{booked}");
    text(&booked["booking"]["id"])
}

/// A mutation's payload; told again as long as another process is quicker.
async fn insist(ask: impl AsyncFn() -> Value) -> Value {
    loop {
        let payload = ask().await;
        if payload["errors"] == json!([]) {
            return payload;
        }
        assert_eq!(payload["errors"][0]["code"], "CONFLICT", "{payload}");
    }
}

/// Follows a trip over a new connection for every few items until it is given back.
async fn follow_in_pieces(server: &Server, id: &str, items_each: usize) -> Vec<(String, String)> {
    let mut told: Vec<(String, String)> = Vec::new();
    loop {
        let mut client = server.ready().await;
        let after = told.last().map(|(position, _)| position.clone());
        client.subscribe("a", PROGRESS, json!({ "id": id, "after": after })).await;
        for _ in 0..items_each {
            let message = client.hear().await;
            if message["type"] == "complete" {
                return told;
            }
            assert_eq!(message["type"], "next", "{message}");
            told.push(item(&message));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_and_nothing_comes_twice_while_others_write_and_clients_come_and_go() {
    let world = World::begin().await;
    roomy(&world).await;
    // Those who follow are served by a process that neither writes nor folds.
    let beside = world.another().await;
    let server = Server::start(beside.api.clone()).await;
    let trips = (0..12).map(|key| {
        let (world, server) = (&world, &server);
        async move {
            let id = book_room(world, key).await;
            let cancel = async {
                tokio::time::sleep(std::time::Duration::from_millis(37 * key as u64)).await;
                let cancelled = world.ask(CANCEL, json!({ "input": { "bookingId": id } })).await;
                assert_eq!(cancelled["cancelBooking"]["errors"], json!([]), "{cancelled}");
            };
            let (told, ()) = tokio::join!(follow_in_pieces(server, &id, 1 + key % 4), cancel);
            (id, told)
        }
    });
    for (id, told) in futures::future::join_all(trips).await {
        let lines = timeline(&world, &id).await;
        assert!(lines.len() > 5, "{lines:?}");
        assert_eq!(told, lines);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_read_model_that_is_made_anew_and_rolled_back_neither_repeats_nor_loses_a_line() {
    let world = World::begin().await;
    roomy(&world).await;
    let server = Server::start(world.api.clone()).await;
    let id = book_room(&world, 1).await;
    let mut client = server.ready().await;
    client.subscribe("a", PROGRESS, json!({ "id": id })).await;
    let mut told = until(&mut client, "SUCCEEDED").await;
    for verb in ["rebuildProjection", "rollbackProjection"] {
        let mutation = format!("mutation {{ {verb}(name: \"booking\") {{ errors {{ code message }} }} }}");
        let done = async {
            loop {
                let answer = world.ask(&mutation, json!({})).await;
                if answer[verb]["errors"] == json!([]) {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(super::client::AT_LAST, done).await.expect("it is done at last");
    }
    world.ask(CANCEL, json!({ "input": { "bookingId": id } })).await;
    told.extend(until(&mut client, "COMPENSATED").await);
    assert_eq!(told, timeline(&world, &id).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_and_nothing_comes_twice_while_two_processes_write() {
    let world = World::begin().await;
    roomy(&world).await;
    let beside = world.another().await;
    let servers = [Server::start(world.api.clone()).await, Server::start(beside.api.clone()).await];
    // Booked by one, cancelled by the other, followed over either.
    let trips = (0..8).map(|key| {
        let (world, beside, servers) = (&world, &beside, &servers);
        let ask = async move |first: bool, mutation: &str, input: Value| {
            let variables = json!({ "input": input });
            if first { world.ask(mutation, variables).await } else { beside.ask(mutation, variables).await }
        };
        async move {
            let booked =
                insist(async || ask(key % 2 == 0, BOOK, room_alone(world, key)).await["bookTrip"].take()).await;
            let id = text(&booked["booking"]["id"]);
            let cancel =
                insist(async || ask(key % 2 == 1, CANCEL, json!({ "bookingId": id })).await["cancelBooking"].take());
            let (told, _) = tokio::join!(follow_in_pieces(&servers[key / 2 % 2], &id, 1 + key % 4), cancel);
            (id, told)
        }
    });
    for (id, told) in futures::future::join_all(trips).await {
        let lines = timeline(&world, &id).await;
        assert!(lines.len() > 5, "{lines:?}");
        assert_eq!(told, lines);
    }
    for server in servers {
        server.stop().await;
    }
}

#[tokio::test]
async fn what_had_been_set_aside_comes_in_its_place_once_it_is_taken_in() {
    let world = World::begin().await;
    roomy(&world).await;
    let server = Server::start(world.api.clone()).await;
    world
        .run("ALTER TABLE booking_timeline ADD CONSTRAINT taste CHECK (event_type <> 'SagaSucceeded') NOT VALID")
        .await;
    let input = room_alone(&world, 1);
    let book = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
    let booked = world.ask(book, json!({ "input": input })).await;
    let id = text(&booked["bookTrip"]["booking"]["id"]);
    let events = world.events().await.len();
    world.ask(CANCEL, json!({ "input": { "bookingId": id } })).await;
    let behind = async {
        while world.parked_trip_events().await < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(super::client::AT_LAST, behind).await.expect("set aside, and what follows behind it");
    assert!(world.events().await.len() > events);
    let mut client = server.ready().await;
    client.subscribe("a", PROGRESS, json!({ "id": id })).await;
    let before = timeline(&world, &id).await;
    let mut told = Vec::new();
    while told.len() < before.len() {
        told.push(item(&client.hear().await));
    }
    assert_eq!(told, before);
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await["type"], "pong", "it waits");
    world.run("ALTER TABLE booking_timeline DROP CONSTRAINT taste").await;
    assert!(world.retry_trips().await >= 2);
    told.extend(until(&mut client, "COMPENSATED").await);
    assert_eq!(told, timeline(&world, &id).await);
    server.stop().await;
}

#[tokio::test]
async fn those_who_wait_for_news_take_no_room_from_those_who_ask() {
    use traveladvisor_api::limits::{EXECUTIONS_MAX, SOCKET_OPERATIONS_MAX};

    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let quiet = "subscription { bookings(travellerEmail: \"nobody@example.com\") { id } }";
    let mut clients = Vec::new();
    for _ in 0..=EXECUTIONS_MAX / SOCKET_OPERATIONS_MAX {
        let mut client = server.ready().await;
        for id in 0..SOCKET_OPERATIONS_MAX {
            client.subscribe(&id.to_string(), quiet, json!({})).await;
        }
        clients.push(client);
    }
    let all = async {
        while world.watchers() <= EXECUTIONS_MAX {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(super::client::AT_LAST, all).await.expect("all wait");
    assert_eq!(world.ask("{ __typename }", json!({})).await["__typename"], "Query");
    drop(clients);
    server.stop().await;
}

/// Lines of a trip that waited for long, each with a long sentence.
async fn long_history(world: &World, id: &str, lines: usize, bytes: usize) {
    world
        .run(&format!(
            "INSERT INTO booking_timeline SELECT id, 1000000 + n, now(), 'trip_saga', 'StepRetried', \
               n || repeat('x', {bytes}), 'PENDING', 'PROCESSING', NULL FROM generate_series(1, {lines}) n, bookings"
        ))
        .await;
    let answer = world.ask("query($id: ID!) { booking(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(answer["booking"]["id"], id);
}

#[tokio::test]
async fn a_thousand_lines_come_in_order_and_from_any_place() {
    let world = World::begin().await;
    roomy(&world).await;
    let server = Server::start(world.api.clone()).await;
    let id = book_room(&world, 1).await;
    let mut client = server.ready().await;
    client.subscribe("a", PROGRESS, json!({ "id": id })).await;
    let before = until(&mut client, "SUCCEEDED").await;
    long_history(&world, &id, 1_000, 0).await;
    for n in 1..=1_000 {
        assert_eq!(item(&client.hear().await), ((1_000_000 + n).to_string(), n.to_string()));
    }
    client.subscribe("b", PROGRESS, json!({ "id": id, "after": "1000990" })).await;
    for n in 991..=1_000 {
        assert_eq!(item(&client.hear().await).1, n.to_string());
    }
    client.subscribe("c", PROGRESS, json!({ "id": id, "after": before[0].0 })).await;
    assert_eq!(item(&client.hear().await), before[1]);
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_nothing_piles_up_for_it() {
    let world = World::begin().await;
    roomy(&world).await;
    let server = Server::start(world.api.clone()).await;
    let id = book_room(&world, 1).await;
    let mut client = server.ready().await;
    client.subscribe("a", PROGRESS, json!({ "id": id })).await;
    until(&mut client, "SUCCEEDED").await;
    long_history(&world, &id, 1_500, 50_000).await;
    let cut = async {
        while world.metric("traveladvisor_streams_open").await != "0" || world.watchers() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(super::client::AT_LAST, cut).await.expect("it is cut at last");
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_traveller_hears_of_every_trip_that_changes_as_it_stands_then() {
    let world = World::begin().await;
    roomy(&world).await;
    let beside = world.another().await;
    let server = Server::start(beside.api.clone()).await;
    let mut client = server.ready().await;
    let query = "subscription($email: String!) { bookings(travellerEmail: $email) { id status } }";
    client.subscribe("a", query, json!({ "email": "7@EXAMPLE.com" })).await;
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await["type"], "pong");
    let other = book_room(&world, 6).await;
    let id = book_room(&world, 7).await;
    let heard = async |client: &mut Client, status: &str| loop {
        let message = client.hear().await;
        let trip = &message["payload"]["data"]["bookings"];
        assert_eq!(trip["id"], json!(id), "{message}");
        if trip["status"] == status {
            return;
        }
    };
    heard(&mut client, "APPROVED").await;
    for trip in [&other, &id] {
        world.ask(CANCEL, json!({ "input": { "bookingId": trip } })).await;
    }
    heard(&mut client, "CANCELLED").await;
    server.stop().await;
}
