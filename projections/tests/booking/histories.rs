//! What happened to a trip, when that is much: a saga that waits for a year has some thousand lines.

use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_projections::reads::{
    BookingFilter, HISTORY_ENTRIES_FIRST, HISTORY_ENTRIES_MAX, Page, Reads, SagaFilter,
};
use traveladvisor_projections::runtime::Projectors;
use traveladvisor_projections::views::TimelineEntry;

use crate::support::{House, PLENTY, card};

/// Lines of a long history, told by turns by the saga and by the payment.
const LINES: i64 = 3_000;
const LONG: &str = "INSERT INTO booking_timeline (booking_id, position, at, stream_kind, event_type, summary, status, saga_status) \
    SELECT id, 1000 + n, now(), CASE WHEN n % 2 = 0 THEN 'trip_saga' ELSE 'payment' END, 'UndoFaulted', 'Line ' || n || '.', \
           'CANCELLING', 'COMPENSATING' FROM bookings, generate_series(1, $1) AS n WHERE id = $2";
/// The row tells no more than what the trip's own row has seen.
const SEEN: &str =
    "UPDATE bookings SET state = jsonb_set(state::jsonb, '{position}', to_jsonb(1000 + $1::bigint)) WHERE id = $2";

/// A trip with a long history, and one with a short one.
async fn long_and_short() -> (House, [BookingId; 2], Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    let trips = [
        house.request(1, "ada", "a@example.org", plan.clone()).await,
        house.request(2, "ada", "a@example.org", plan).await,
    ];
    house.deliver_all().await;
    house.catch_up(&reads).await;
    for statement in [LONG, SEEN] {
        let asked = sqlx::query(statement).bind(LINES).bind(trips[0].0);
        asked.execute(house.log.pool()).await.expect("the lines are written");
    }
    (house, trips, projectors, reads)
}

/// Bounded, in order, with the beginning and the newest.
fn assert_cut(lines: &[TimelineEntry], what: &str) {
    assert_eq!(lines.len(), HISTORY_ENTRIES_MAX, "{what}");
    assert!(lines.is_sorted_by(|before, behind| before.position < behind.position), "{what}: in order, none twice");
    assert!(lines[..5].iter().all(|line| line.position.0 < 1_000), "{what}: how it began");
    let newest = &lines[HISTORY_ENTRIES_FIRST..];
    let last = &newest.last().expect("a line").summary;
    assert!([LINES, LINES - 1].iter().any(|line| *last == format!("Line {line}.")), "{what}: {last}");
    assert!(newest[0].position.0 > 2_000, "{what}: what was left out stands in the middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_history_the_beginning_and_the_newest_are_read_and_what_is_left_out_is_counted() {
    let (house, [long, short], _projectors, reads) = long_and_short().await;
    let page = Page::first(10);
    let trips = reads.bookings(&BookingFilter::default(), &page).await.expect("readable");
    let sagas = reads.sagas(&SagaFilter::default(), &page).await.expect("readable");
    for (_, trip) in trips.items {
        assert_eq!(reads.booking(trip.id).await.expect("readable").expect("known"), trip);
        if trip.id == long {
            assert_cut(&trip.timeline, "the trip");
        } else {
            assert!((13..=HISTORY_ENTRIES_FIRST).contains(&trip.timeline.len()), "whole: {}", trip.timeline.len());
        }
    }
    for (_, saga) in sagas.items {
        assert_eq!(reads.saga(saga.booking).await.expect("readable").expect("known"), saga);
        assert!(saga.history.iter().all(|line| line.stream == StreamKind::TripSaga));
        if saga.booking == long {
            assert_cut(&saga.history, "the saga, of its own stream alone");
        }
    }
    let story = reads.story(long).await.expect("readable");
    assert_cut(&story.entries().cloned().collect::<Vec<_>>(), "the story");
    let whole: i64 = sqlx::query_scalar("SELECT count(*) FROM booking_timeline WHERE booking_id = $1")
        .bind(long.0)
        .fetch_one(house.log.pool())
        .await
        .expect("counted");
    assert_eq!(story.left_out + HISTORY_ENTRIES_MAX as u64, whole.unsigned_abs());
    assert_eq!(reads.story(short).await.expect("readable").left_out, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_look_at_histories_has_none_read() {
    let (house, [long, _], _projectors, reads) = long_and_short().await;
    sqlx::query("ALTER TABLE booking_timeline RENAME TO away").execute(house.log.pool()).await.expect("renamed");
    let page = Page::first(10);
    let bare = reads.without_history();
    assert_eq!(bare.bookings(&BookingFilter::default(), &page).await.expect("readable").items.len(), 2);
    assert_eq!(bare.sagas(&SagaFilter::default(), &page).await.expect("readable").items.len(), 2);
    assert_eq!(bare.booking(long).await.expect("readable").expect("known").timeline, []);
    assert_eq!(bare.saga(long).await.expect("readable").expect("known").history, []);
    assert!(reads.saga(long).await.is_err(), "with its history it is read from that table");
}
