//! `kafka topics`: what an operator makes before services may talk.

use std::process::Output;

use serde_json::{Value, json};
use traveladvisor_infra::kafka::admin::{self, Size};
use traveladvisor_infra::testing::broker;

use crate::support::{Home, code, told};

#[test]
fn topics_without_a_broker_say_what_is_to_be_done() {
    let home = Home::new();
    let unnamed = home.run(&["kafka", "topics", "apply"]);
    assert_eq!(code(&unnamed), 2, "{}", told(&unnamed));
    assert!(told(&unnamed).contains("TRAVELADVISOR_KAFKA_BROKERS"), "{}", told(&unnamed));
    for verb in ["apply", "list"] {
        let mut command = home.command(&["kafka", "topics", verb]);
        let away = command.env("TRAVELADVISOR_KAFKA_BROKERS", "127.0.0.1:1").output().expect("it starts");
        assert_eq!(code(&away), 5, "{}", told(&away));
    }
    assert!(!home.data_dir().exists(), "no database is needed");
}

#[tokio::test]
async fn the_doctor_tells_what_is_wrong_with_broker_and_topics_and_what_to_do() {
    let (home, settings) = (Home::new(), broker::settings().await);
    assert_eq!(code(&home.run(&["migrate"])), 0);
    let doctor = |brokers: &str| -> (i32, Value) {
        let mut command = home.command(&["doctor", "--json"]);
        command.env("TRAVELADVISOR_KAFKA_BROKERS", brokers);
        let output = command.env("TRAVELADVISOR_KAFKA_TOPIC_PREFIX", &settings.topic_prefix).output();
        let output = output.expect("it starts");
        (code(&output), serde_json::from_slice(&output.stdout).expect("one JSON value"))
    };
    let check = |report: &Value, name: &str| -> (bool, String) {
        let checks = report["checks"].as_array().expect("checks").clone();
        let found = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"));
        (found["ok"] == true, found["detail"].as_str().expect("a sentence").to_owned())
    };

    let (ended, report) = doctor("127.0.0.1:1");
    let (ok, told) = check(&report, "broker");
    assert!(ended == 5 && !ok && told.contains("kafka.brokers"), "{ended}: {told}");

    let (ended, report) = doctor(&settings.brokers);
    let (ok, told) = check(&report, "topics");
    assert!(ended == 3 && !ok && told.contains("missing") && told.contains("kafka topics apply"), "{ended}: {told}");

    let size = |partitions| Size { partitions, replication: 1 };
    let specs = admin::specs(size(2));
    assert!(admin::topics_apply(&settings, &specs).await.expect("the broker answers").is_done());
    let (ended, report) = doctor(&settings.brokers);
    let (ok, told) = check(&report, "topics");
    assert!(ended == 0 && ok && told.contains("2 partitions"), "{ended}: {told}");

    // Somebody has added partitions to one topic alone.
    let larger = &admin::specs(size(3))[..1];
    assert!(admin::topics_apply(&settings, larger).await.expect("the broker answers").is_done());
    let (ended, report) = doctor(&settings.brokers);
    let (ok, told) = check(&report, "topics");
    assert!(ended == 3 && !ok && told.contains("fewer partitions") && told.contains("kafka topics apply"), "{told}");
}

#[tokio::test]
async fn an_operator_makes_the_topics_and_adds_partitions() {
    let (home, settings) = (Home::new(), broker::settings().await);
    let run = |arguments: &[&str]| -> Output {
        let mut command = home.command(&["kafka", "topics"]);
        command.args(arguments).env("TRAVELADVISOR_KAFKA_BROKERS", &settings.brokers);
        command.env("TRAVELADVISOR_KAFKA_TOPIC_PREFIX", &settings.topic_prefix).output().expect("it starts")
    };
    let json = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).expect("one JSON value") };
    assert_eq!(code(&run(&["list"])), 3, "nothing is there");

    let made = run(&["apply", "--partitions", "2", "--json"]);
    assert_eq!(code(&made), 0, "{}", told(&made));
    let topics = json(&made)["topics"].as_array().expect("topics").clone();
    assert!(topics.len() > 30 && topics.iter().all(|topic| topic["outcome"] == "created"), "{}", told(&made));

    let again = run(&["apply", "--json"]);
    assert_eq!(json(&again)["partitions"], 2, "without a number it stays as it is");
    assert!(json(&again)["topics"].as_array().expect("topics").iter().all(|topic| topic["outcome"] == "unchanged"));

    let fewer = run(&["apply", "--partitions", "1"]);
    assert_eq!(code(&fewer), 2, "{}", told(&fewer));
    let grown = run(&["apply", "--partitions", "3", "--json"]);
    assert_eq!(json(&grown)["topics"][0]["outcome"], "grown", "{}", told(&grown));

    let listed = run(&["list", "--json"]);
    assert_eq!(code(&listed), 0, "{}", told(&listed));
    let request = json(&listed)["topics"]
        .as_array()
        .expect("topics")
        .iter()
        .find(|topic| topic["name"] == "booking_request_flow.booking.hotel.request_booking")
        .cloned();
    let expected = json!({
        "name": "booking_request_flow.booking.hotel.request_booking", "partitions": 3, "replication": 1,
        "retentionMs": 7 * 24 * 3_600_000, "compacted": false, "state": "asItShouldBe"
    });
    assert_eq!(request, Some(expected));
    assert!(told(&run(&["list"])).contains("compacted"));
}
