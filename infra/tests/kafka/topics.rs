//! `kafka topics apply`.

use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::kafka::admin::{Applied, TopicSpec, health, topics, topics_apply};
use traveladvisor_infra::testing::broker;

use super::spec;

async fn apply(settings: &KafkaSettings, specs: &[TopicSpec]) -> Vec<Applied> {
    let report = topics_apply(settings, specs).await.expect("the broker answers");
    assert_eq!(report.is_done(), !report.topics.iter().any(|(_, applied)| matches!(applied, Applied::Refused(_))));
    report.topics.into_iter().map(|(_, applied)| applied).collect()
}

#[tokio::test]
async fn topics_are_made_once_and_grow_and_are_never_made_smaller() {
    let settings = broker::settings().await;
    let requests = spec("requests", 2);
    let offers = TopicSpec { compacted: true, retention_ms: None, ..spec("offers", 1) };
    let both = [requests.clone(), offers.clone()];
    assert_eq!(apply(&settings, &both).await, [Applied::Created, Applied::Created]);
    assert_eq!(apply(&settings, &both).await, [Applied::Unchanged, Applied::Unchanged]);
    let more = [TopicSpec { partitions: 5, ..requests.clone() }, TopicSpec { retention_ms: Some(60_000), ..offers }];
    assert_eq!(apply(&settings, &more).await, [Applied::Grown { from: 2 }, Applied::Changed]);
    assert_eq!(apply(&settings, &both[..1]).await, [Applied::Unchanged]);
    let found = topics(&settings).await.expect("the broker answers");
    let seen: Vec<_> = found
        .iter()
        .map(|topic| (topic.name.as_str(), topic.partitions, topic.retention_ms, topic.compacted))
        .collect();
    assert_eq!(seen, [("offers", 1, Some(60_000), true), ("requests", 5, Some(3_600_000), false)]);
}

#[tokio::test]
async fn more_copies_than_brokers_are_refused_with_what_to_do() {
    let settings = broker::settings().await;
    let applied = apply(&settings, &[TopicSpec { replication: 3, ..spec("copied", 1) }]).await;
    let [Applied::Refused(sentence)] = applied.as_slice() else { panic!("{applied:?}") };
    assert!(sentence.contains("--replication"), "{sentence}");
}

#[tokio::test]
async fn a_broker_that_is_away_is_named_with_what_to_do() {
    let settings = KafkaSettings { brokers: "127.0.0.1:1".to_owned(), topic_prefix: String::new() };
    let error = topics_apply(&settings, &[spec("t", 1)]).await.expect_err("nobody listens there");
    assert!(error.is_away(), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(health(&broker::settings().await).await.is_ok());
}
