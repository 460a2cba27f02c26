//! A trip one of whose events is of an older shape, as people see it.

use chrono::{DateTime, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::views::{BookingStatus, SagaStatus};

use crate::rebuild::{rebuild_some, rows};
use crate::support::{House, PLENTY, card};

/// Version 1 of what is an approval and the wish to cancel today.
const SETTLED: &str = r#"{"BookingSettled":{"nth":1}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_split_event_is_taken_in_whole_and_is_one_line_of_the_timeline() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    let older = house.request(1, "ada", "ada@example.org", plan.clone()).await;
    let settled = house.append_raw(older.stream(), "BookingSettled", SETTLED.to_owned()).await;
    let today = house.request(2, "ada", "ada@example.org", plan).await;
    for event in [
        BookingEvent::BookingApproved { attempt: 1, earns: None },
        BookingEvent::CancellationRequested { reason: None },
    ] {
        house.append(today.stream(), &Event::Booking(event)).await;
    }
    house.catch_up(&reads).await;

    let shown = reads.booking(older).await.expect("readable").expect("it is there");
    let expected = reads.booking(today).await.expect("readable").expect("it is there");
    assert_eq!((shown.status, shown.saga_status), (BookingStatus::Cancelling, SagaStatus::Processing));
    assert_eq!((shown.status, shown.saga_status), (expected.status, expected.saga_status));
    assert_eq!((shown.version, shown.position), (2, settled), "one place of its stream and of the log");

    let [_, line] = &shown.timeline[..] else { panic!("two lines: {:?}", shown.timeline) };
    let [_, approved, wished] = &expected.timeline[..] else { panic!("three lines: {:?}", expected.timeline) };
    assert_eq!((line.position, line.status), (settled, wished.status));
    assert_eq!(line.summary, format!("{}; {}", approved.summary, wished.summary));

    let end: DateTime<Utc> = "9999-12-31T23:59:59Z".parse().expect("an instant");
    assert_eq!(reads.booking_as_of(older, end).await, Ok(Some(shown)), "and as the log tells it");

    let followed = rows(&house.database.pool, "public").await;
    rebuild_some(&house.log, &[ProjectionName::Booking], 1 << 20).await.expect("rebuilt");
    assert_eq!(rows(&house.database.pool, "public").await, followed, "and as it is made anew");
}
