//! The switch, and the way back.

use traveladvisor_projections::reads::{BookingFilter, Page};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{REBUILD_BYTES_MAX, RebuildError, rollback};

use super::rebuild_some;
use crate::support::{House, PLENTY, card};

#[tokio::test(flavor = "multi_thread")]
async fn live_projectors_go_on_with_the_new_rows_and_after_a_rollback_with_the_former_ones() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let first = rebuild_some(&house.log, &[ProjectionName::Booking], REBUILD_BYTES_MAX).await.expect("rebuilt");
    assert_eq!((first[0].generation, first[0].position), (2, house.last));
    house.request(2, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;

    let back = rollback(&house.log, ProjectionName::Booking).await.expect("rolled back");
    assert_eq!((back.generation, back.from_generation), (1, 2));
    house.request(3, "ada", "ada@example.org", plan).await;
    house.catch_up(&reads).await;
    assert_eq!(reads.bookings(&BookingFilter::default(), &Page::default()).await.expect("read").items.len(), 3);
    let forth = rollback(&house.log, ProjectionName::Booking).await.expect("and forth");
    assert_eq!((forth.generation, forth.from_generation), (2, 1));
    let again = rebuild_some(&house.log, &[ProjectionName::Booking], REBUILD_BYTES_MAX).await.expect("rebuilt");
    assert_eq!(again[0].generation, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_former_rows_there_is_no_way_back() {
    let house = House::new().await;
    let refused = rollback(&house.log, ProjectionName::Booking).await.expect_err("refused");
    assert!(matches!(refused, RebuildError::NoFormer { name: "booking" }), "{refused}");
}
