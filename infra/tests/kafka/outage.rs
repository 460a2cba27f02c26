//! The broker is killed, or says nothing for a while.

use std::sync::Arc;

use traveladvisor_infra::kafka::{Consumer, Outgoing};
use traveladvisor_infra::testing::broker::Broker;

use super::{PATIENCE, Stored, make, next_message, open, text};

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_has_everything_once_and_in_order() {
    let broker = Broker::start().await;
    let settings = broker.settings();
    make(&settings, "flow", 2).await;
    let (consumer, mut events) =
        Consumer::open(&settings, "faithful", &["flow"], Arc::new(Stored::default())).expect("a consumer");
    let producer = open(&settings);
    let mut acknowledged = Vec::new();
    for number in 0..3_000_u32 {
        let (key, value) = (format!("hotel_{}", number % 3), number.to_string());
        let record = Outgoing { topic: "flow", key: &key, headers: &[], payload: value.as_bytes() };
        acknowledged.push(producer.send(&record).expect("there is room"));
        match number {
            // In the middle of what it stores.
            1_000 => broker.kill(),
            2_000 => broker.start_again().await,
            _ => tokio::task::yield_now().await,
        }
    }
    assert!(producer.flush(PATIENCE).await, "everything is sent in the end");
    for answer in acknowledged {
        answer.await.expect("nothing is given up");
    }
    let mut next_of = [0_u32, 1, 2];
    for _ in 0..3_000 {
        let message = next_message(&mut events).await;
        let number: u32 = text(&message).parse().expect("a number");
        let key = usize::try_from(number % 3).expect("small");
        assert_eq!(number, next_of[key], "hotel_{key}: lost, doubled or out of order");
        next_of[key] += 3;
    }
    consumer.close().await;
}

#[tokio::test]
async fn a_broker_that_says_nothing_for_longer_than_a_session_is_read_on_where_it_stood() {
    let broker = Broker::start().await;
    let settings = broker.settings();
    make(&settings, "quiet", 1).await;
    let (consumer, mut events) =
        Consumer::open(&settings, "waiting", &["quiet"], Arc::new(Stored::default())).expect("a consumer");
    let producer = open(&settings);
    super::send(&producer, "quiet", super::numbered("k", 0..2)).await;
    assert_eq!(next_message(&mut events).await.offset, 0);
    let frozen = broker.freeze();
    let late = producer.send(&Outgoing { topic: "quiet", key: "k", headers: &[], payload: b"2" }).expect("it is taken");
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    drop(frozen);
    late.await.expect("it is acknowledged in the end");
    let mut last = next_message(&mut events).await;
    while text(&last) != "2" {
        last = next_message(&mut events).await;
    }
    consumer.close().await;
}
