//! Lists of trips: filters, and pages that neither skip nor repeat while trips are added.

use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::{PaymentPlan, TripPlan};
use traveladvisor_projections::reads::{BookingFilter, CursorEnd, Page, ReadError, Reads};
use traveladvisor_projections::views::{BookingStatus, SagaStatus};

use crate::support::{House, PLENTY};

async fn ids(reads: &Reads, filter: BookingFilter) -> Vec<u128> {
    let page = Page::first(100);
    let slice = reads.bookings(&filter, &page).await.expect("readable");
    slice.items.into_iter().map(|(_, booking)| booking.id.0.as_u128()).collect()
}

async fn plan(house: &mut House) -> TripPlan {
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    TripPlan { flight: None, car: None, ..plan }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_skip_nor_repeat_while_trips_are_added() {
    let mut house = House::new().await;
    let plan = plan(&mut house).await;
    for number in 1..=7 {
        house.request(number, "ada", "a@b.c", plan.clone()).await;
    }
    let (_projectors, reads) = house.read().await;
    let mut page = Page::first(3);
    let mut seen = Vec::new();
    for number in 100.. {
        let slice = reads.bookings(&BookingFilter::default(), &page).await.unwrap();
        assert_eq!(slice.has_previous, page.after.is_some());
        seen.extend(slice.items.iter().map(|(_, booking)| booking.id.0.as_u128()));
        assert!(slice.items.iter().all(|(_, booking)| !booking.timeline.is_empty()));
        if !slice.has_next {
            break;
        }
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
        house.request(number, "ada", "a@b.c", plan.clone()).await;
        house.catch_up(&reads).await;
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1], "the newest first, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_holds_by_itself_and_with_others() {
    let mut house = House::new().await;
    let plan = plan(&mut house).await;
    let (_projectors, reads) = house.read().await;
    let begin = house.now;
    house.request(1, "ada", "Ada@Example.org", plan.clone()).await;
    house.deliver_all().await;
    let between = house.now;
    house.request(2, "bob", "bob@example.org", plan.clone()).await;
    house.deliver_all().await;
    house.cancel(BookingId(uuid::Uuid::from_u128(2))).await;
    house.deliver_all().await;
    house.request(3, "bob", "ada@example.org", plan).await;
    house.catch_up(&reads).await;
    let all = BookingFilter::default;
    assert_eq!(ids(&reads, all()).await, [3, 2, 1]);
    assert_eq!(ids(&reads, BookingFilter { owner: Some("bob".into()), ..all() }).await, [3, 2]);
    assert_eq!(ids(&reads, BookingFilter { owner: Some("b%".into()), ..all() }).await, [0_u128; 0]);
    assert_eq!(ids(&reads, BookingFilter { owner: Some("b\0".into()), ..all() }).await, [0_u128; 0]);
    let email = BookingFilter { traveller_email: Some("ADA@example.ORG".into()), ..all() };
    assert_eq!(ids(&reads, email.clone()).await, [3, 1]);
    assert_eq!(ids(&reads, BookingFilter { owner: Some("bob".into()), ..email }).await, [3]);
    let status = vec![BookingStatus::Approved, BookingStatus::Pending];
    assert_eq!(ids(&reads, BookingFilter { status, ..all() }).await, [3, 1]);
    let saga_status = vec![SagaStatus::Compensated];
    assert_eq!(ids(&reads, BookingFilter { saga_status, ..all() }).await, [2]);
    let second = chrono::TimeDelta::seconds(1);
    assert_eq!(ids(&reads, BookingFilter { created_from: Some(between + second), ..all() }).await, [3, 2]);
    assert_eq!(ids(&reads, BookingFilter { created_to: Some(between + second), ..all() }).await, [1]);
    assert_eq!(ids(&reads, BookingFilter { created_to: Some(begin), ..all() }).await, [0_u128; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_pages_are_answered_or_refused_never_a_failure() {
    let mut house = House::new().await;
    let plan = plan(&mut house).await;
    house.request(1, "ada", "a@b.c", plan).await;
    let (_projectors, reads) = house.read().await;
    let filter = BookingFilter::default();
    let none = reads.bookings(&filter, &Page::first(0)).await.unwrap();
    assert_eq!((none.items.len(), none.has_next), (0, true));
    let huge = reads.bookings(&filter, &Page::first(usize::MAX)).await.unwrap();
    assert_eq!((huge.items.len(), huge.has_next), (1, false));
    for cursor in ["", "nonsense", "00", "5b5d"] {
        let page = Page::first(1).after(cursor.to_owned());
        assert_eq!(reads.bookings(&filter, &page).await, Err(ReadError::BadCursor(CursorEnd::After)), "{cursor}");
    }
}
