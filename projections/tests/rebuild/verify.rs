//! Live rows held against the log: what was changed by hand is found, and nothing else.

use tokio::sync::watch;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{Position, Stretch};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{
    Progress, REBUILD_BYTES_MAX, Rate, Rebuild, RebuildError, Verified, prepare, scratch, verify,
};

use super::{rebuild_some, rows};
use crate::support::members::reward_for;
use crate::support::{House, PLENTY, card};

const FAST: Rate = Rate::Unlimited;

pub(crate) async fn verified(house: &House, name: ProjectionName) -> Verified {
    let how = Rebuild { rate: FAST, ..Rebuild::default() };
    verify(&house.log, name, how, &watch::Sender::new(Progress::START)).await.expect("compared")
}

/// Three trips, one of them cancelled, one paid with points and cheaper by a voucher, read to the end.
async fn booked_house() -> House {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    let second = house.request(2, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.cancel(second).await;
    house.deliver_all().await;
    book_as_member(&mut house, 3).await;
    house.catch_up(&reads).await;
    projectors.stop().await;
    house
}

/// A member books a trip with the points of a campaign and the voucher for having referred another one.
async fn book_as_member(house: &mut House, number: u128) {
    let [_, referral] = house.list_campaigns().await;
    let member = house.sign_up("ada", "ada@example.org", None).await;
    let other = house.sign_up("bob", "bob@example.org", Some(member)).await;
    let plan = house.offer(PLENTY, PaymentPlan::Points).await;
    let plan = house.booked_by(&plan, member, Some(reward_for(referral, other)));
    assert!(plan.discount.is_some(), "the voucher can be used");
    house.request(number, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
}

async fn run(house: &House, statement: &str) {
    let changed = sqlx::query(statement).execute(&house.database.pool).await.expect("the statement runs");
    assert!(changed.rows_affected() > 0, "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_as_the_log_says_have_not_drifted() {
    let house = booked_house().await;
    for name in ProjectionName::ALL {
        let compared = verified(&house, name).await;
        assert!(!compared.has_drifted(), "{compared:?}");
        assert_eq!(compared.position, house.last);
        assert!(compared.tables.iter().any(|table| table.rows > 0), "{compared:?}");
    }
    let left = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public_verify'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&house.database.pool).await.expect("counted");
    assert_eq!(left, 0, "nothing is left of the comparison");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_changed_missing_and_too_many_are_found_and_told() {
    let house = booked_house().await;
    for statement in [
        "UPDATE bookings SET status = 'APPROVED' WHERE status = 'CANCELLED'",
        "UPDATE booking_timeline SET summary = summary || '!' WHERE position % 2 = 0 AND event_type = 'StepSucceeded'",
        "DELETE FROM booking_timeline WHERE event_type = 'SagaStarted'",
        "UPDATE flight_sales SET sold = sold + 1",
        "INSERT INTO hotel_nights (hotel_id, room_type, night, sold) SELECT id, 'DBL', '2030-01-01', 1 FROM hotels",
    ] {
        run(&house, statement).await;
    }
    let booking = verified(&house, ProjectionName::Booking).await;
    let [bookings, timeline] = &booking.tables[..] else { panic!("{booking:?}") };
    assert_eq!(bookings.differences, 1);
    let first = &bookings.first[0];
    assert!(first.live.as_ref().is_some_and(|row| row.contains(r#""status":"APPROVED""#)), "{first:?}");
    assert!(first.log.as_ref().is_some_and(|row| row.contains(r#""status":"CANCELLED""#)), "{first:?}");
    assert!(timeline.differences > 2);
    assert_eq!(timeline.first.iter().filter(|row| row.live.is_none()).count(), 3, "{timeline:?}");
    assert_eq!(verified(&house, ProjectionName::FlightAvailability).await.tables[2].differences, 1);
    let hotel = verified(&house, ProjectionName::HotelAvailability).await;
    assert!(hotel.tables[2].first.iter().any(|row| row.log.is_none()), "{hotel:?}");
    assert!(!verified(&house, ProjectionName::CarAvailability).await.has_drifted());
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_members_points_campaigns_and_vouchers_is_found_in_the_row_where_it_is() {
    let house = booked_house().await;
    for (statement, name, table) in [
        ("UPDATE members SET email_key = 'eve@example.org' WHERE identity = 'bob'", ProjectionName::Members, 0),
        ("UPDATE points_accounts SET balance = balance + 1 WHERE balance <> 1000000", ProjectionName::Points, 0),
        ("DELETE FROM points_entries WHERE type = 'REDEEM'", ProjectionName::Points, 1),
        ("UPDATE campaigns SET granted = granted + 1 WHERE action = 'REFERRAL'", ProjectionName::Campaigns, 0),
        (
            "UPDATE vouchers SET used_by = NULL, discount_minor = NULL, currency = NULL WHERE used_by IS NOT NULL",
            ProjectionName::Vouchers,
            0,
        ),
        ("UPDATE payment_ledger SET redeemed_minor = 0 WHERE redeemed_minor > 0", ProjectionName::PaymentLedger, 0),
    ] {
        let sound = verified(&house, name).await.tables[table].differences;
        run(&house, statement).await;
        let damaged = verified(&house, name).await.tables[table].differences;
        assert_eq!((sound, damaged), (0, 1), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_that_lag_are_held_against_the_log_as_of_where_they_are() {
    let mut house = booked_house().await;
    let before = house.last;
    house.cancel(crate::support::acts::trip(1)).await;
    house.deliver_all().await;
    let compared = verified(&house, ProjectionName::Booking).await;
    assert_eq!((compared.position, compared.has_drifted()), (before, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stretch_of_the_log_is_folded_into_a_schema_of_its_own() {
    let mut house = booked_house().await;
    let then = rows(&house.database.pool, "public").await;
    let until = house.last;
    house.cancel(crate::support::acts::trip(1)).await;
    house.deliver_all().await;
    let (_projectors, _reads) = house.read().await;
    assert_ne!(rows(&house.database.pool, "public").await, then);
    let how = Rebuild { rate: FAST, ..Rebuild::default() };
    let stretch = Stretch { after: Position::START, until };
    let progress = watch::Sender::new(Progress::START);
    prepare(&house.log, "tuesday").await.expect("there is none");
    let made = scratch(&house.log, &ProjectionName::ALL, stretch, ("tuesday", how), &progress).await.expect("made");
    assert!(made.iter().all(|made| made.position == until && made.dead_letters == 0), "{made:?}");
    assert_eq!(rows(&house.database.pool, "tuesday").await, then, "what was shown then");
    for taken in ["tuesday", "public", "public_rebuild", "pg_catalog"] {
        let refused = prepare(&house.log, taken).await;
        assert!(matches!(refused, Err(RebuildError::SchemaExists(name)) if name == taken));
    }
    assert_eq!(rows(&house.database.pool, "tuesday").await, then, "it was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_dropped_is_told_and_made_anew() {
    let house = booked_house().await;
    let before = rows(&house.database.pool, "public").await;
    sqlx::query("DROP TABLE booking_timeline").execute(&house.database.pool).await.expect("dropped");
    let how = Rebuild { rate: FAST, ..Rebuild::default() };
    let told = verify(&house.log, ProjectionName::Booking, how, &watch::Sender::new(Progress::START)).await;
    assert!(matches!(told, Err(RebuildError::LostTable("booking_timeline"))), "{told:?}");
    rebuild_some(&house.log, &[ProjectionName::Booking], REBUILD_BYTES_MAX).await.expect("made anew");
    assert_eq!(rows(&house.database.pool, "public").await, before);
}
