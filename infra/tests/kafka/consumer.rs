//! What a participant relies on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc::Receiver;
use traveladvisor_infra::kafka::{Consumer, EVENTS_MAX, Event, Offsets};
use traveladvisor_infra::testing::broker;

use super::{Stored, make, next, next_message, numbered, open, send, spec, text};

#[tokio::test]
async fn reading_begins_where_the_log_says_and_goes_where_it_is_sought() {
    let settings = broker::settings().await;
    make(&settings, "asked", 1).await;
    send(&open(&settings), "asked", numbered("k", 0..10)).await;
    let (consumer, mut events) =
        Consumer::open(&settings, "asking", &["asked"], Stored::starting_at("asked", 0, 7)).expect("a consumer");
    assert_eq!(next(&mut events).await, Event::Assigned { topic: "asked".to_owned(), partition: 0, from: 7 });
    for number in 7..10 {
        let message = next_message(&mut events).await;
        assert_eq!((message.offset, text(&message)), (number, number.to_string()));
    }
    consumer.seek("asked", 0, 3);
    assert_eq!(next(&mut events).await, Event::Assigned { topic: "asked".to_owned(), partition: 0, from: 3 });
    assert_eq!(next_message(&mut events).await.offset, 3);
    // Not this member's: nothing happens.
    consumer.seek("asked", 5, 1);
    assert_eq!(next_message(&mut events).await.offset, 4);
    consumer.close().await;
}

#[tokio::test]
async fn an_offset_that_the_topic_has_not_is_told_before_reading_goes_on() {
    let settings = broker::settings().await;
    make(&settings, "anew", 1).await;
    send(&open(&settings), "anew", numbered("k", 0..2)).await;
    let (_consumer, mut events) =
        Consumer::open(&settings, "left", &["anew"], Stored::starting_at("anew", 0, 100)).expect("a consumer");
    let topic = "anew".to_owned();
    assert_eq!(next(&mut events).await, Event::Assigned { topic: topic.clone(), partition: 0, from: 100 });
    assert_eq!(next(&mut events).await, Event::Moved { topic, partition: 0, asked: 100, found: 0 });
    assert_eq!(next_message(&mut events).await.offset, 0);
}

/// A log that cannot be asked at first.
struct AwayAtFirst(AtomicU32);

impl Offsets for AwayAtFirst {
    fn next_of<'a>(&'a self, _: &'a str, _: i32) -> BoxFuture<'a, Result<u64, String>> {
        let answer = if self.0.fetch_add(1, Ordering::Relaxed) < 2 { Err("away".to_owned()) } else { Ok(1) };
        async move { answer }.boxed()
    }
}

#[tokio::test]
async fn a_log_that_cannot_say_where_to_read_on_is_asked_again() {
    let settings = broker::settings().await;
    make(&settings, "later", 1).await;
    send(&open(&settings), "later", numbered("k", 0..2)).await;
    let offsets = Arc::new(AwayAtFirst(AtomicU32::new(0)));
    let (_consumer, mut events) = Consumer::open(&settings, "patient", &["later"], offsets).expect("a consumer");
    assert_eq!(next_message(&mut events).await.offset, 1);
}

/// Takes in what happens until a member holds this many partitions of each topic.
async fn holds(events: &mut Receiver<Event>, held: &mut BTreeSet<(String, i32)>, count: usize) {
    while held.len() != count {
        match next(events).await {
            Event::Assigned { topic, partition, .. } => {
                held.insert((topic, partition));
            }
            Event::Revoked { topic, partition } => {
                held.remove(&(topic, partition));
            }
            Event::Message(_) | Event::Moved { .. } => {}
        }
    }
}

#[tokio::test]
async fn two_members_share_the_partitions_and_equal_numbers_of_two_topics_go_together() {
    let settings = broker::settings().await;
    let specs = [spec("request", 4), spec("cancel", 4)];
    traveladvisor_infra::kafka::admin::topics_apply(&settings, &specs).await.expect("the broker answers");
    let open = || Consumer::open(&settings, "pair", &["request", "cancel"], Arc::new(Stored::default()));
    let (first, mut of_first) = open().expect("a consumer");
    let mut held_first = BTreeSet::new();
    holds(&mut of_first, &mut held_first, 8).await;
    let (second, mut of_second) = open().expect("a consumer");
    let mut held_second = BTreeSet::new();
    tokio::join!(
        async {
            // Everything is taken away before half of it comes back.
            holds(&mut of_first, &mut held_first, 0).await;
            holds(&mut of_first, &mut held_first, 4).await;
        },
        holds(&mut of_second, &mut held_second, 4),
    );
    for (topic, partition) in &held_first {
        assert!(!held_second.contains(&(topic.clone(), *partition)), "{topic} {partition} has two readers");
    }
    for held in [&held_first, &held_second] {
        let of = |name: &str| -> Vec<i32> {
            held.iter().filter(|(topic, _)| topic == name).map(|(_, number)| *number).collect()
        };
        assert_eq!(of("request"), of("cancel"), "one number is one writer");
    }
    // Who leaves in order hands over at once.
    second.close().await;
    holds(&mut of_first, &mut held_first, 0).await;
    holds(&mut of_first, &mut held_first, 8).await;
    first.close().await;
}

#[tokio::test]
async fn a_reader_that_is_slow_gets_everything_once_and_keeps_its_partitions() {
    let settings = broker::settings().await;
    make(&settings, "many", 1).await;
    let count = EVENTS_MAX * 3;
    let producer = open(&settings);
    for number in 0..count {
        let value = number.to_string();
        let record =
            traveladvisor_infra::kafka::Outgoing { topic: "many", key: "k", headers: &[], payload: value.as_bytes() };
        drop(producer.send(&record).expect("there is room"));
    }
    assert!(producer.flush(super::PATIENCE).await);
    let (consumer, mut events) =
        Consumer::open(&settings, "slow", &["many"], Arc::new(Stored::default())).expect("a consumer");
    assert!(matches!(next(&mut events).await, Event::Assigned { .. }));
    // Long enough that the channel is full and the partition is paused.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for number in 0..count {
        let Event::Message(message) = next(&mut events).await else { panic!("the partition was lost") };
        assert_eq!(message.offset, u64::try_from(number).expect("small"));
    }
    while consumer.lag().first().is_none_or(|lag| lag.end.is_none()) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(
        consumer.lag().first().map(|lag| (lag.read, lag.unread())),
        Some((u64::try_from(count).expect("small"), 0))
    );
    consumer.close().await;
}
