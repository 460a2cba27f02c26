//! `kafka announce`: what an operator does once the topics were lost from which trips are priced.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_infra::testing::broker;

use crate::roles::{BOOK, Installation, REST, stay};
use crate::support::http::ask;
use crate::support::{code, run, told, until};

/// Behind the program's back: a hotel that no record has room for, and another one that no program can read any more: what it has on offer now
/// is not known, so what it had must not become the last word.
const DAMAGE: &str = r"
INSERT INTO hotel.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
SELECT aggregate_type, id, 1, event_type, event_version, replace(payload::text, 'The Hotel', name)::json, metadata, now()
  FROM hotel.events, (VALUES ('hotel_00000000000000000000000001', 'Another'),
                             ('hotel_00000000000000000000000002', repeat('x', 1100000))) listed (id, name)
 WHERE event_type = 'HotelListed';
INSERT INTO hotel.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
SELECT aggregate_type, aggregate_id, 2, 'Nonsense', event_version, '{}', metadata, now()
  FROM hotel.events WHERE aggregate_id = 'hotel_00000000000000000000000001';
";

#[tokio::test]
async fn topics_that_were_lost_are_filled_again_and_what_is_left_out_is_told() {
    // Another prefix is another set of topics: those before are gone, as with the disk of the only broker.
    let (before, after) = (broker::settings().await, broker::settings().await);
    let brokers = before.brokers.clone();
    let announced =
        tokio::task::spawn_blocking(move || lose_and_announce(&brokers, &before.topic_prefix, &after.topic_prefix));
    announced.await.expect("it is as it should be");
}

fn lose_and_announce(brokers: &str, before: &str, after: &str) {
    let mut all = Installation::start(brokers, before);
    all.home.printed(&["kafka", "topics", "apply", "--partitions", "2"]);
    let hotel = all.list_hotel("The Hotel")["hotel"]["id"].clone();
    assert_eq!(until(|| answered(&all, &hotel, "before"))["booking"]["status"], "APPROVED");

    start_over(&mut all, (brokers, after));
    all.home.printed(&["kafka", "topics", "apply", "--partitions", "2"]);
    start_over(&mut all, (brokers, after));
    let unknown = until(|| answered(&all, &hotel, "unknown"));
    assert_eq!(unknown["errors"][0]["code"], "NOT_FOUND", "nobody has told of the hotel: {unknown}");
    let expected = json!({ "logs": [
        { "log": "booking", "announced": 0, "unreadable": 0, "refused": 0 },
        { "log": "hotel", "announced": 1, "unreadable": 0, "refused": 0 },
    ] });
    assert_eq!(all.home.json(&["kafka", "announce"]), expected);
    start_over(&mut all, (brokers, after));
    let booked = until(|| answered(&all, &hotel, "after"));
    assert_eq!(booked["booking"]["status"], "APPROVED", "who starts afterwards prices trips: {booked}");

    for server in [&mut all.rest, &mut all.hotel] {
        assert!(server.stop(Signal::SIGTERM).0.success());
    }
    run(&all.home, DAMAGE);
    let left = all.home.run(&["kafka", "announce", "--json"]);
    assert_eq!(code(&left), 1, "{}", told(&left));
    let counted: Value = serde_json::from_slice(&left.stdout).expect("one JSON value");
    assert_eq!(counted["logs"][1], json!({ "log": "hotel", "announced": 1, "unreadable": 1, "refused": 1 }));
    let said = String::from_utf8_lossy(&left.stderr).into_owned();
    for part in [
        "1 events of the log hotel cannot be read",
        "events verify --log hotel",
        "1 announcements of the log hotel are refused",
    ] {
        assert!(said.contains(part), "{part} in: {said}");
    }
}

/// Hotels and the rest end and start again with these topics, at their addresses.
fn start_over(all: &mut Installation, kafka: (&str, &str)) {
    for (server, roles) in [(&mut all.hotel, &["hotel"][..]), (&mut all.rest, &REST[..])] {
        assert!(server.stop(Signal::SIGTERM).0.success());
        let address = server.address.clone();
        *server = Installation::role(&all.home, roles, kafka, &address, &[]);
    }
}

/// What booking a room came to, once all topics are read; who has just started says UNAVAILABLE until then.
fn answered(all: &Installation, hotel: &Value, key: &str) -> Option<Value> {
    let mut answer = ask(&all.gateway.address, BOOK, &stay(hotel, key, 1)).expect("an answer");
    let fault = answer["errors"][0]["extensions"]["code"].clone();
    assert!(fault.is_null() || fault == "UNAVAILABLE", "{answer}");
    let booked = answer["data"]["bookTrip"].take();
    // The offer of a hotel that was listed just now is on its way.
    let is_on_its_way = key == "before" && booked["errors"][0]["code"] == "NOT_FOUND";
    (fault.is_null() && !is_on_its_way).then_some(booked)
}
