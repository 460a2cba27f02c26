//! What an operator is told at three in the morning.

use std::time::Duration;

use crate::world::World;

/// Longest time until what must be told is told.
const LIMIT: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_need_an_operator_are_told() {
    let world = World::begin().await;
    let payload = r#"{"RecordDeadLettered":{"topic":"t","partition":2,"offset":17,"booking":null,"instruction":null}}"#;
    let letter = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         VALUES ('dead_letter', 'letter_00000000000000000000000000', 1, 'RecordDeadLettered', '1', '{payload}', '{{}}', clock_timestamp())"
    );
    world.run(&letter).await;
    let name = "traveladvisor_dead_letters{log=\"booking\",outlook=\"needs_operator\"}";
    let told = async {
        while world.told_metric(name).await.as_deref() != Some("1") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, told).await.expect("it is told");
    assert_eq!(world.metric("traveladvisor_dead_letters{log=\"booking\",outlook=\"comes_again\"}").await, "0");
}
