//! Read models as operators see them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

/// Generous: only a defect takes this long.
const LIMIT: Duration = Duration::from_mins(2);

const PROJECTIONS: &str = "{ projections { name version generation state reason position lagEvents lagIsExact lagMs eventsPerSecond \
     deadLetters waiting lastError lastErrorAt formerVersion rebuildPhase rebuildProgress } }";

#[tokio::test]
async fn operators_are_told_how_the_read_models_are_doing() {
    let world = World::begin().await;
    world.book(world.trip(json!({}))).await;
    let letters = "INSERT INTO projection_dead_letters (name, generation, position, key, reason) VALUES \
         ('booking', 1, 1, 'booking_01jqz5v3p8e5r8s2k7x9m4w6ta', 'it is old'), \
         ('booking', 1, 2, 'booking_01jqz5v3p8e5r8s2k7x9m4w6ta', NULL), \
         ('booking', 7, 3, 'booking_01jqz5v3p8e5r8s2k7x9m4w6ta', 'of other rows')";
    world.run(letters).await;
    world
        .run("UPDATE projection_checkpoints SET stopped_reason = 'its rows are old' WHERE name = 'car_availability'")
        .await;
    let answer = world.ask(PROJECTIONS, json!({})).await;
    let all = answer["projections"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let of = |name: &str| all.iter().find(|projection| projection["name"] == name).expect(name);
    let booking = of("booking");
    assert!(booking["version"].as_u64() > Some(0) && booking["state"] == "live", "{booking}");
    assert_eq!((&booking["deadLetters"], &booking["waiting"]), (&json!(1), &json!(1)), "{booking}");
    let cars = of("car_availability");
    assert_eq!((&cars["state"], &cars["reason"]), (&json!("stopped"), &json!("its rows are old")), "{cars}");
}

const CHANGED: &str = "projection { name generation state formerVersion } errors { code message path }";

async fn change(world: &World, mutation: &str, name: &str) -> Value {
    let query = format!("mutation($name: String!) {{ {mutation}(name: $name) {{ {CHANGED} }} }}");
    world.ask(&query, json!({ "name": name })).await[mutation].take()
}

async fn reaches(world: &World, name: &str, generation: &str) {
    let reached = async {
        loop {
            let answer = world.ask("{ projections { name generation rebuildPhase } }", json!({})).await;
            let all = answer["projections"].as_array().cloned().unwrap_or_default();
            let is_there = |told: &Value| {
                told["name"] == name && told["generation"] == generation && told["rebuildPhase"].is_null()
            };
            if all.iter().any(is_there) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, reached).await.expect("it gets there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_a_read_model_made_anew_and_goes_back() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let begun = change(&world, "rebuildProjection", "booking").await;
    assert_eq!((&begun["projection"]["name"], &begun["errors"]), (&json!("booking"), &json!([])), "{begun}");
    reaches(&world, "booking", "2").await;
    let trip = format!("{{ booking(id: {}) {{ status }} }}", booked["booking"]["id"]);
    assert_eq!(world.ask(&trip, json!({})).await["booking"]["status"], "APPROVED");
    let back = change(&world, "rollbackProjection", "booking").await;
    assert_eq!((&back["projection"]["generation"], &back["errors"]), (&json!("1"), &json!([])), "{back}");
    assert_eq!(world.ask(&trip, json!({})).await["booking"]["status"], "APPROVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_to_a_read_model_says_why() {
    let world = World::begin().await;
    for (mutation, name, code) in [
        ("rebuildProjection", "bookings", "NOT_FOUND"),
        ("rollbackProjection", "", "NOT_FOUND"),
        ("rollbackProjection", "car_availability", "NOT_FOUND"),
    ] {
        let refused = change(&world, mutation, name).await;
        let error = &refused["errors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &json!(["name"])), "{refused}");
        assert!(error["message"].as_str().is_some_and(|message| message.ends_with('.')), "{refused}");
        assert_eq!(refused["projection"], Value::Null);
    }
}
