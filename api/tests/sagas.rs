//! The operator's side: sagas that wait are found, looked at and decided, one by one and together.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{World, text};

/// Only a defect takes this long.
const LIMIT: Duration = Duration::from_mins(2);
const SAGAS: &str = "query($filter: SagaFilter, $first: Int, $after: String) { sagas(filter: $filter, first: $first, after: $after) { \
     nodes { bookingId status needsAttention attentionSince fingerprint reason waitingStep waitingDirection waitingSince attempts \
       nextWakeUp steps { name state attempts lastError } history { type summary } } pageInfo { hasNextPage endCursor } } }";
const RESOLVE: &str = "mutation($input: ResolveSagaInput!) { resolveSaga(input: $input) { \
     saga { bookingId status needsAttention steps { name state } history { type summary } } position errors { code message path } } }";
const RESOLVE_ALL: &str = "mutation($input: ResolveSagasInput!) { resolveSagas(input: $input) { \
     results { bookingId position errors { code path } } hasMore errors { code message path } } }";
const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id status } errors { code message path } } }";

/// Trips that were cancelled, whose charges the gateway then could not find: their refunds fail until an operator is called.
async fn refunds_stuck(world: &World, trips: usize) -> Vec<String> {
    let mut bookings = Vec::new();
    for trip in 0..trips {
        let input = world.trip(json!({ "idempotencyKey": format!("k{trip}"), "hotel": null, "car": null }));
        bookings.push(text(&world.book(input).await["booking"]["id"]));
    }
    world.run("CREATE TABLE lost AS SELECT * FROM sandbox_gateway_calls; DELETE FROM sandbox_gateway_calls").await;
    for booking in &bookings {
        world.ask(CANCEL, json!({ "input": { "bookingId": booking } })).await;
    }
    let begun = Instant::now();
    loop {
        let waiting = sagas(world, json!({ "needsAttention": true })).await;
        if waiting.len() == trips {
            return bookings;
        }
        assert!(begun.elapsed() < LIMIT, "no operator is called: {waiting:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The gateway finds its charges again.
async fn mend(world: &World) {
    world.run("INSERT INTO sandbox_gateway_calls SELECT * FROM lost ON CONFLICT DO NOTHING").await;
}

async fn sagas(world: &World, filter: Value) -> Vec<Value> {
    let found = world.ask(SAGAS, json!({ "filter": filter, "first": 100 })).await;
    found["sagas"]["nodes"].as_array().expect("a list").clone()
}

async fn resolve(world: &World, input: Value) -> Value {
    world.ask(RESOLVE, json!({ "input": input })).await["resolveSaga"].take()
}

/// Code and path of the only error.
fn error(payload: &Value) -> (String, Value) {
    assert_eq!(payload["errors"].as_array().map(Vec::len), Some(1), "{payload}");
    (text(&payload["errors"][0]["code"]), payload["errors"][0]["path"].clone())
}

async fn until_status(world: &World, booking: &str, status: &str) {
    let begun = Instant::now();
    loop {
        let saga = world.ask("query($id: ID!) { saga(bookingId: $id) { status } }", json!({ "id": booking })).await;
        if saga["saga"]["status"] == status {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "not {status}: {saga}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_refund_that_keeps_failing_is_found_told_whole_and_retried_by_an_operator() {
    let world = World::begin().await;
    let booking = refunds_stuck(&world, 1).await.remove(0);
    let saga = sagas(&world, json!({ "needsAttention": true })).await.remove(0);
    assert_eq!(saga["bookingId"], booking);
    assert_eq!((&saga["status"], &saga["waitingStep"]), (&json!("COMPENSATING"), &json!("payment")));
    assert_eq!((&saga["waitingDirection"], &saga["attempts"]), (&json!("UNDO"), &json!(5)));
    for field in ["attentionSince", "waitingSince", "nextWakeUp", "reason", "fingerprint"] {
        assert!(saga[field].is_string(), "{field}: {saga}");
    }
    let history = saga["history"].as_array().expect("a history");
    let told = text(&history.last().expect("an entry")["summary"]);
    assert!(told.contains("An operator is needed") && told.contains("give it up"), "{told}");
    let fingerprint = saga["fingerprint"].clone();
    assert_eq!(sagas(&world, json!({ "fingerprint": fingerprint })).await.len(), 1);
    assert_eq!(sagas(&world, json!({ "needsAttention": false })).await.len(), 0);
    assert_eq!(sagas(&world, json!({ "status": ["COMPENSATING"] })).await.len(), 1);

    mend(&world).await;
    let input = json!({ "bookingId": booking, "verb": "RETRY", "reason": "the gateway has found its charges" });
    let first = resolve(&world, input.clone()).await;
    assert_eq!(first["errors"], json!([]), "{first}");
    assert_eq!((&first["saga"]["bookingId"], first["position"].is_string()), (&json!(booking), true));
    until_status(&world, &booking, "COMPENSATED").await;
    let again = resolve(&world, input).await;
    assert_eq!(again["errors"], json!([]), "the same verb again, when it is so already");
    let history = again["saga"]["history"].as_array().expect("a history").clone();
    let verbs: Vec<_> = history.iter().filter(|entry| entry["type"] == "Resolved").collect();
    assert_eq!(verbs.len(), 1, "one verb, one event");
    let told = text(&verbs[0]["summary"]);
    assert!(told.contains("anonymous") && told.contains("the gateway has found its charges"), "{told}");
    let other = resolve(&world, json!({ "bookingId": booking, "verb": "GIVE_UP", "reason": "no" })).await;
    assert_eq!(error(&other), ("NOT_RESOLVABLE".to_owned(), json!(["input", "verb"])));
}

#[tokio::test]
async fn what_an_operator_says_wrong_is_told_with_its_field() {
    let world = World::begin().await;
    let booking = refunds_stuck(&world, 1).await.remove(0);
    let with = |change: Value| {
        let mut input = json!({ "bookingId": booking, "verb": "MARK_UNDONE", "reason": "given back in cash" });
        crate::world::merge(&mut input, change);
        input
    };
    for (change, code, path) in [
        (json!({ "bookingId": "nonsense" }), "NOT_FOUND", "bookingId"),
        (json!({ "bookingId": "booking_00000000000000000000000000" }), "NOT_FOUND", "bookingId"),
        (json!({ "reason": "" }), "INVALID_INPUT", "reason"),
        (json!({ "reason": "x".repeat(501) }), "INVALID_INPUT", "reason"),
        (json!({ "reason": "a\u{1b}b" }), "INVALID_INPUT", "reason"),
        (json!({ "reason": "card 4242 4242 4242 4242" }), "INVALID_INPUT", "reason"),
        (json!({ "verb": "MARK_DONE" }), "INVALID_INPUT", "reference"),
        (json!({ "reference": "ch_1" }), "INVALID_INPUT", "reference"),
        (json!({ "verb": "MARK_DONE", "reference": "ch_1" }), "NOT_RESOLVABLE", "verb"),
        (json!({ "fingerprint": " " }), "INVALID_INPUT", "fingerprint"),
        (json!({ "fingerprint": "undo-payment-UNAVAILABLE-00000000" }), "NOT_RESOLVABLE", "fingerprint"),
    ] {
        let payload = resolve(&world, with(change.clone())).await;
        assert_eq!(error(&payload), (code.to_owned(), json!(["input", path])), "{change}");
        assert_eq!((&payload["saga"], &payload["position"]), (&json!(null), &json!(null)));
    }
    assert!(world.events().await.iter().all(|event| event.event_type != "Resolved"), "nothing was marked");
    let waits = sagas(&world, json!({ "needsAttention": true })).await.remove(0);
    let keyed = with(json!({ "idempotencyKey": "op-1", "fingerprint": waits["fingerprint"] }));
    assert_eq!(resolve(&world, keyed.clone()).await["errors"], json!([]));
    assert_eq!(resolve(&world, keyed).await["errors"], json!([]), "the same key, one effect");
    let reused = resolve(&world, with(json!({ "idempotencyKey": "op-1", "reason": "another" }))).await;
    assert_eq!(error(&reused), ("IDEMPOTENCY_KEY_REUSED".to_owned(), json!(["input", "idempotencyKey"])));
    until_status(&world, &booking, "COMPENSATED").await;
}

#[tokio::test]
async fn one_decision_for_all_that_wait_for_the_same_reason_is_bounded_and_says_whether_more_is_left() {
    let world = World::begin().await;
    let bookings = refunds_stuck(&world, 3).await;
    let waiting = sagas(&world, json!({ "needsAttention": true })).await;
    let fingerprint = waiting[0]["fingerprint"].clone();
    assert!(waiting.iter().all(|saga| saga["fingerprint"] == fingerprint), "one reason: {waiting:?}");
    let ask = async |change: Value| {
        let mut input = json!({ "fingerprint": fingerprint, "verb": "GIVE_UP", "reason": "the gateway has closed" });
        crate::world::merge(&mut input, change);
        world.ask(RESOLVE_ALL, json!({ "input": input })).await["resolveSagas"].take()
    };
    for (change, path) in [
        (json!({ "verb": "MARK_DONE" }), "verb"),
        (json!({ "reason": " " }), "reason"),
        (json!({ "fingerprint": "" }), "fingerprint"),
        (json!({ "first": 0 }), "first"),
        (json!({ "first": 101 }), "first"),
    ] {
        let wrong = ask(change).await;
        assert_eq!(error(&wrong), ("INVALID_INPUT".to_owned(), json!(["input", path])));
        assert_eq!(wrong["results"], json!([]));
    }
    // Rows that tell what is no longer so: who waits for something else by now is left alone.
    let other = "undo-car-UNAVAILABLE-00000000";
    world
        .run(
            "CREATE TABLE told AS SELECT id, fingerprint FROM bookings WHERE fingerprint IS NOT NULL; \
             UPDATE bookings SET fingerprint = 'undo-car-UNAVAILABLE-00000000' WHERE fingerprint IS NOT NULL",
        )
        .await;
    let left_alone = ask(json!({ "fingerprint": other })).await;
    world.run("UPDATE bookings b SET fingerprint = t.fingerprint FROM told t WHERE t.id = b.id").await;
    assert_eq!(left_alone["results"].as_array().map(Vec::len), Some(3));
    for result in left_alone["results"].as_array().expect("results") {
        assert_eq!(error(result), ("NOT_RESOLVABLE".to_owned(), json!(["input", "fingerprint"])));
    }
    let some = ask(json!({ "first": 2 })).await;
    let taken: Vec<String> =
        some["results"].as_array().expect("results").iter().map(|one| text(&one["bookingId"])).collect();
    let longest: Vec<String> = waiting[..2].iter().map(|saga| text(&saga["bookingId"])).collect();
    assert_eq!((taken, &some["hasMore"]), (longest, &json!(true)), "who waits longest comes first");
    for booking in &bookings {
        // The read model follows: what was decided is not found any more.
        ask(json!({})).await;
        until_status(&world, booking, "FAILED").await;
    }
    let none = ask(json!({})).await;
    assert_eq!((&none["results"], &none["hasMore"]), (&json!([]), &json!(false)));
    assert_eq!(sagas(&world, json!({ "status": ["FAILED"] })).await.len(), 3);
    let resolved = world.events().await.iter().filter(|event| event.event_type == "Resolved").count();
    assert_eq!(resolved, 3, "each is an event of its own, once");
}

#[tokio::test]
async fn pages_of_sagas_go_on_where_they_ended_and_odd_filters_are_told() {
    let world = World::begin().await;
    for key in ["1", "2", "3"] {
        let input = json!({ "idempotencyKey": key, "hotel": null, "car": null, "payment": { "method": "NONE", "cardNumber": null } });
        world.book(world.trip(input)).await;
    }
    let page = world.ask(SAGAS, json!({ "filter": { "status": ["SUCCEEDED"] }, "first": 2 })).await["sagas"].take();
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let after = page["pageInfo"]["endCursor"].clone();
    let rest = world.ask(SAGAS, json!({ "first": 2, "after": after })).await["sagas"].take();
    assert_eq!(rest["nodes"].as_array().map(Vec::len), Some(1));
    let other = json!({ "filter": { "needsAttention": true }, "after": after });
    assert_eq!(world.send(SAGAS, other).await["errors"][0]["extensions"]["code"], "INVALID_INPUT");
    let long = json!({ "filter": { "fingerprint": "x".repeat(1_000) } });
    assert_eq!(world.send(SAGAS, long).await["errors"][0]["extensions"]["path"], json!(["filter", "fingerprint"]));
    let overdue = json!({ "nextWakeUpBefore": "2030-01-01T00:00:00Z" });
    assert_eq!(sagas(&world, overdue).await, [json!(null); 0], "what has ended is never woken");
}

/// Seconds after the world's beginning at which a trip of this test begins: enough for booking it before.
const BEGINS_AFTER_S: u64 = 5;

#[tokio::test]
async fn a_trip_that_has_begun_says_when_instead_of_being_cancelled_also_while_it_is_not_settled() {
    let world = World::begin().await;
    let rental =
        json!({ "pickUpAt": format!("2024-12-01T00:00:{BEGINS_AFTER_S:02}Z"), "dropOffAt": "2024-12-02T00:00:00Z" });
    world.run("ALTER TABLE sandbox_gateway_calls RENAME TO away").await;
    let input = json!({ "hotel": null, "flight": null, "car": rental, "wait": "ACCEPTED" });
    let pending = text(&world.book(world.trip(input)).await["booking"]["id"]);
    tokio::time::sleep(Duration::from_secs(BEGINS_AFTER_S + 1)).await;
    let refused = world.ask(CANCEL, json!({ "input": { "bookingId": pending } })).await["cancelBooking"].take();
    assert_eq!(error(&refused), ("NOT_CANCELLABLE".to_owned(), json!(["input", "bookingId"])));
    let told = text(&refused["errors"][0]["message"]);
    assert!(told.contains(&format!("began at 2024-12-01T00:00:{BEGINS_AFTER_S:02}Z")), "{told}");
    world.run("ALTER TABLE away RENAME TO sandbox_gateway_calls").await;
    until_status(&world, &pending, "SUCCEEDED").await;
    let approved = world.ask(CANCEL, json!({ "input": { "bookingId": pending } })).await["cancelBooking"].take();
    assert_eq!(error(&approved).0, "NOT_CANCELLABLE", "nor once it is approved");
}

#[tokio::test]
async fn cancelling_twice_is_the_same_and_one_event() {
    let world = World::begin().await;
    let input = json!({ "hotel": null, "car": null, "payment": { "method": "NONE", "cardNumber": null } });
    let booking = text(&world.book(world.trip(input)).await["booking"]["id"]);
    for _ in 0..2 {
        let cancelled = world.ask(CANCEL, json!({ "input": { "bookingId": booking } })).await["cancelBooking"].take();
        assert_eq!(cancelled["errors"], json!([]), "twice is the same");
    }
    let asked = world.events().await.iter().filter(|event| event.event_type == "CancellationRequested").count();
    assert_eq!(asked, 1);
}
