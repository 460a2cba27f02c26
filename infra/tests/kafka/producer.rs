//! What the relay relies on.

use std::sync::Arc;

use traveladvisor_infra::kafka::{Consumer, Outgoing, RECORD_BYTES_MAX, SendError, UNSENT_RECORDS_MAX};
use traveladvisor_infra::testing::broker;

use super::{Stored, make, next_message, open, text};

#[tokio::test]
async fn records_of_one_key_are_read_in_the_order_in_which_they_were_sent() {
    let settings = broker::settings().await;
    make(&settings, "orders", 4).await;
    let producer = open(&settings);
    let mut acknowledged = Vec::new();
    for number in 0..400_u32 {
        let key = format!("hotel_{}", number % 5);
        let headers = [("id", number.to_string()), ("content-type", "application/json".to_owned())];
        let value = number.to_string();
        let record = Outgoing { topic: "orders", key: &key, headers: &headers, payload: value.as_bytes() };
        acknowledged.push(producer.send(&record).expect("it is taken"));
    }
    for answer in acknowledged {
        answer.await.expect("every one is acknowledged");
    }
    assert_eq!(producer.unsent(), 0);
    let (consumer, mut events) =
        Consumer::open(&settings, "readers", &["orders"], Arc::new(Stored::default())).expect("a consumer");
    let mut last = [None; 5];
    for _ in 0..400 {
        let message = next_message(&mut events).await;
        let number: u32 = text(&message).parse().expect("a number");
        let key = usize::try_from(number % 5).expect("small");
        assert_eq!(message.key.as_deref(), Some(format!("hotel_{key}").as_bytes()));
        assert_eq!(message.header("id"), Some(number.to_string().as_str()));
        assert_eq!(message.topic, "orders");
        assert!(last[key] < Some(number), "{number} came after {:?}", last[key]);
        last[key] = Some(number);
    }
    consumer.close().await;
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_at_once_and_the_next_one_goes_on() {
    let settings = broker::settings().await;
    make(&settings, "large", 1).await;
    let producer = open(&settings);
    let large = vec![b'x'; RECORD_BYTES_MAX + 1];
    let refused = producer.send(&Outgoing { topic: "large", key: "k", headers: &[], payload: &large });
    let Err(SendError::Refused(error)) = refused.map(drop) else { panic!("it was taken") };
    assert!(error.is_refusal() && !error.is_fatal(), "{error}");
    super::send(&producer, "large", [("k".to_owned(), "small".to_owned())]).await;
}

#[tokio::test]
async fn a_producer_without_a_broker_takes_what_its_queue_holds_and_no_more() {
    let settings = traveladvisor_infra::kafka::KafkaSettings {
        // Nobody listens there.
        brokers: "127.0.0.1:1".to_owned(),
        topic_prefix: String::new(),
    };
    let producer = open(&settings);
    let record = Outgoing { topic: "t", key: "k", headers: &[], payload: b"value" };
    for _ in 0..UNSENT_RECORDS_MAX {
        drop(producer.send(&record).expect("there is room"));
    }
    assert!(matches!(producer.send(&record).map(drop), Err(SendError::Full)));
    assert!(!producer.flush(std::time::Duration::from_millis(50)).await);
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_named_with_what_to_do() {
    let settings = broker::settings().await;
    let producer = open(&settings);
    let record = Outgoing { topic: "nowhere", key: "k", headers: &[], payload: b"value" };
    let error = producer.send(&record).expect("it is taken").await.expect_err("there is no such topic");
    assert!(error.to_string().contains("kafka topics apply"), "{error}");
    assert!(!error.is_fatal());
}
