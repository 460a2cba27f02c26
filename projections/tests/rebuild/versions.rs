//! Rows that another version of the fold has made.

use std::time::Duration;

use traveladvisor_projections::reads::{ReadError, Reads};
use traveladvisor_projections::runtime::rebuild::{RebuildError, rollback};
use traveladvisor_projections::runtime::{ProjectionName, Projectors};

use super::verify::verified;
use super::{ROOMY, rebuild_some, rows};
use crate::support::{House, LIMIT, PLENTY, card};

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_version_stand_still_until_they_are_rebuilt_and_then_the_live_projector_goes_on() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    projectors.stop().await;
    let live = rows(&house.database.pool, "public").await;
    let other = "UPDATE projection_checkpoints SET version = 99 WHERE name = 'booking'";
    sqlx::query(other).execute(&house.database.pool).await.expect("changed");
    let projectors = Projectors::start(house.log.clone());
    let reads = Reads::new(&house.log, &projectors);
    let second = house.request(2, "ada", "ada@example.org", plan).await;
    let waited = reads.wait_for(ProjectionName::Booking, house.last, LIMIT).await;
    let Err(ReadError::Behind { why: Some(why), .. }) = waited else { panic!("{waited:?}") };
    assert!(why.contains("99") && why.contains("rebuild it"), "{why}");
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("the others go on");
    let told: Option<String> =
        sqlx::query_scalar("SELECT stopped_reason FROM projection_checkpoints WHERE name = 'booking'")
            .fetch_one(&house.database.pool)
            .await
            .expect("the database answers");
    assert_eq!(told, Some(why), "other processes can read it");
    let booking: Vec<_> = live.iter().filter(|row| row.starts_with("bookings ")).cloned().collect();
    let now = rows(&house.database.pool, "public").await;
    assert_eq!(now.into_iter().filter(|row| row.starts_with("bookings ")).collect::<Vec<_>>(), booking, "untouched");

    let rebuilt = rebuild_some(&house.log, &[ProjectionName::Booking], ROOMY).await.expect("rebuilt");
    assert_eq!((rebuilt[0].position, rebuilt[0].generation), (house.last, 2));
    assert!(reads.booking(second).await.expect("readable").is_some(), "it is in the new rows");
    house.deliver_all().await;
    let going_on = async {
        while reads.wait_for(ProjectionName::Booking, house.last, LIMIT).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, going_on).await.expect("it goes on by itself, in the same process");
    assert!(!verified(&house, ProjectionName::Booking).await.has_drifted());

    let refused = rollback(&house.log, ProjectionName::Booking).await.expect_err("nobody here can go on with them");
    assert!(matches!(refused, RebuildError::UnknownVersion { name: "booking", found: 99, .. }), "{refused}");
    projectors.stop().await;
}
