//! Read models as operators see them.

use serde_json::json;

use crate::world::World;

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
