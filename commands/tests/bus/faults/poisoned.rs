//! Records that nobody can read: set aside with the reason, told to whoever looks after them, and nothing waits behind them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::bus::Outbox;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::bus::Version;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{HotelId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::StoredEvent;
use traveladvisor_infra::kafka::{Incoming, Producer, RECORD_BYTES_MAX};
use traveladvisor_infra::testing::broker;
use uuid::Uuid;

use crate::bus::courier::Courier;
use crate::bus::records::{produce, read_all};
use crate::bus::{ALL_END, Cluster};
use crate::support::{card, decoded, hotel, metadata};

/// What is asked of hotels, and of flights.
const HOTEL_REQUESTS: &str = "booking_request_flow.booking.hotel.request_booking";
const FLIGHT_REQUESTS: &str = "booking_request_flow.booking.flight.request_booking";
/// Where letters of hotels are told.
const LETTERS: &str = "dead_letter_flow.hotel.operator.notify_dead_letter";
/// Bytes of a record that is nearly as large as a broker takes.
const LARGE: usize = 900_000;

/// Each is sent under the key of the hotel that good requests go to, so that these come behind it.
fn poisons(good: &Incoming, of_flight: &Incoming) -> Vec<Incoming> {
    let with = |payload: &[u8]| Incoming { payload: Some(payload.to_vec()), ..good.clone() };
    // A message of its own: one id has one letter.
    let spoilt = |number: u128, field: &str, value: Value| {
        let mut envelope: Value = serde_json::from_slice(good.payload.as_deref().expect("a value")).expect("JSON");
        envelope["message_id"] = json!(Uuid::from_u128(number));
        envelope[field] = value;
        with(envelope.to_string().as_bytes())
    };
    let another = HotelId::of("own", "another").stream().to_string();
    vec![
        with(b""),
        with(b"this is no envelope"),
        with(&[0xff, 0xfe, 0x00]),
        with(&vec![b'x'; LARGE]),
        spoilt(1, "version", json!(99)),
        spoilt(2, "payload", json!({ "more": 1 })),
        spoilt(3, "type", json!("another")),
        spoilt(5, "correlation_id", json!("this is no id")),
        spoilt(6, "causation_id", json!("x".repeat(LARGE))),
        Incoming { key: Some(another.into_bytes()), ..spoilt(4, "log", json!("of nobody")) },
        with(of_flight.payload.as_deref().expect("a value")),
    ]
}

pub(super) async fn letters(cluster: &Cluster, context: Context) -> Vec<StoredEvent> {
    let events = cluster.events(context).await.into_iter();
    events.filter(|event| event.stream.kind == StreamKind::DeadLetter).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_set_aside_once_and_told_and_holds_nothing_up() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.book_some("before", 1).await;
    cluster.until_ended(1).await;
    let good = read_all(&cluster.kafka, HOTEL_REQUESTS).await.remove(0);
    let of_flight = read_all(&cluster.kafka, FLIGHT_REQUESTS).await.remove(0);
    let poisons = poisons(&good, &of_flight);
    let producer = Producer::open(&cluster.kafka, "stranger").expect("a producer");
    for poison in &poisons {
        produce(&producer, poison).await;
    }
    // What comes behind them is handled.
    cluster.book_some("behind", 4).await;
    cluster.until_ended(5).await;
    let set_aside = async {
        while letters(&cluster, Context::Hotel).await.len() < poisons.len() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, set_aside).await.expect("every one of them is set aside");

    let told = async {
        while read_all(&cluster.kafka, LETTERS).await.len() < poisons.len() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, told).await.expect("every letter is told");
    // Read again, they are known.
    sqlx::raw_sql("UPDATE consumed_offsets SET \"offset\" = 0 WHERE source LIKE 'kafka:%'; DELETE FROM gone_back")
        .execute(cluster.logs[&Context::Hotel].pool())
        .await
        .expect("set back");
    cluster.book_some("after", 3).await;
    cluster.until_ended(8).await;
    cluster.judged(8).await;

    let letters = letters(&cluster, Context::Hotel).await;
    assert_eq!(letters.len(), poisons.len(), "one letter for each: {letters:?}");
    let places: BTreeSet<u64> = letters.iter().map(offset_of).collect();
    assert_eq!(places.len(), poisons.len(), "each names its record");
    for record in read_all(&cluster.kafka, LETTERS).await {
        let told = String::from_utf8(record.payload.expect("a value")).expect("text");
        assert!(!told.contains("this is no") && !told.contains("xxx"), "reasons quote nothing: {told}");
    }
    cluster.stop().await;
}

fn offset_of(letter: &StoredEvent) -> u64 {
    let Event::DeadLetter(DeadLetterEvent::RecordDeadLettered { topic, offset, failure, .. }) = decoded(letter) else {
        panic!("a record's letter: {letter:?}")
    };
    assert_eq!(topic, HOTEL_REQUESTS);
    assert!(!failure.message.is_empty());
    offset
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_that_nobody_can_read_is_a_fault_to_its_saga_which_asks_again() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    cluster.outbox = Outbox::Table;
    let mut spoilt = 0;
    let spoil = move |parcel: &mut traveladvisor_domain::bus::Parcel| {
        if parcel.topic.name == HOTEL_REQUESTS && spoilt == 0 {
            spoilt += 1;
            let spoilt =
                parcel.payload.replace(&format!("\"version\":{}", Version::default().number()), "\"version\":99");
            assert_ne!(spoilt, parcel.payload, "it was of today's version");
            parcel.payload = spoilt;
        }
    };
    let courier = Courier::begin(&cluster, 11, Box::new(spoil));
    let mut cluster = cluster.with_plenty().await;
    let booking = cluster.book("spoilt", PaymentPlan::None).await.expect("accepted");
    let story = cluster.until(booking, &["SagaSucceeded"]).await;
    assert!(story.contains(&"StepFaulted".to_owned()), "its saga hears of it: {story:?}");
    cluster.judged(1).await;
    let letters = letters(&cluster, Context::Hotel).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(metadata(&letters[0]).correlation, booking.to_string());
    let Event::DeadLetter(letter) = decoded(&letters[0]) else { panic!("a letter") };
    assert_eq!(letter.booking(), Some(booking));
    courier.end().await;
    cluster.stop().await;
}

/// Waits for so many letters of a context.
pub(super) async fn until_letters(cluster: &Cluster, context: Context, count: usize) -> Vec<StoredEvent> {
    let set_aside = async {
        loop {
            let letters = letters(cluster, context).await;
            if letters.len() >= count {
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, set_aside).await.expect("it is set aside")
}

/// A hotel that no record has room for.
fn enormous(code: &str) -> CallerCommand {
    CallerCommand::UpsertHotel(HotelDetails { code: code.to_owned(), name: "x".repeat(RECORD_BYTES_MAX), ..hotel(1) })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_a_record_is_set_aside_with_the_reason_and_holds_nothing_up() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.submit(Context::Hotel, enormous("relay")).await.expect("the log has room for it");
    // A request that is too large is answered to its saga, as one that nobody can read.
    let booking = cluster.book("large", card(&"x".repeat(RECORD_BYTES_MAX))).await.expect("accepted");
    let story = cluster.until(booking, &["StepFaulted"]).await;
    assert!(!story.contains(&"SagaSucceeded".to_owned()));
    cluster.book("beside", PaymentPlan::None).await.expect("accepted");
    cluster.until_ended(1).await;
    let mut all = until_letters(&cluster, Context::Hotel, 1).await;
    all.extend(until_letters(&cluster, Context::Booking, 1).await);
    cluster.stop().await;
    // Where a connector carries the rest, it never sees such a one.
    cluster.outbox = Outbox::Table;
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, enormous("table")).await.expect("the log has room for it");
    all.extend(until_letters(&cluster, Context::Hotel, 2).await.into_iter().skip(1));
    for letter in &all {
        let Event::DeadLetter(DeadLetterEvent::MessageDeadLettered { failure, .. }) = decoded(letter) else {
            panic!("a letter: {letter:?}")
        };
        assert!(failure.message.contains("bytes") && failure.message.len() < 200, "{}", failure.message);
    }
    cluster.stop().await;
}
