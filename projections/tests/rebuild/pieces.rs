//! Random histories, and rebuilds that are killed wherever they are and begun again.

use std::pin::pin;
use std::task::Poll;

use proptest::prelude::*;
use proptest::test_runner::Config;
use sqlx::Row;
use traveladvisor_infra::testing::chaos;
use traveladvisor_projections::runtime::ProjectionName;

use super::{CRAMPED, ROOMY, rebuild_all, rebuild_some, rows};
use crate::support::acts::{Act, TRIPS, act, carry_out, trip};
use crate::support::{House, Supply, card};

/// Random histories of a short run.
const HISTORIES: u32 = 4;
/// After so many steps at most a rebuild is killed; a whole one has about as many.
const STEPS_MAX: u32 = 400;

/// Where a rebuild is killed, and how much memory it has.
fn kill() -> impl Strategy<Value = (u32, usize)> {
    (0..STEPS_MAX, prop_oneof![Just(ROOMY), Just(CRAMPED)])
}

/// Lets something go on for so many steps and drops it, as a kill would. Whether it came to its end before.
async fn is_over_within<T>(work: impl Future<Output = T>, steps: u32) -> bool {
    let mut work = pin!(work);
    let mut left = steps;
    std::future::poll_fn(|context| {
        if work.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        Poll::Pending
    })
    .await
}

async fn hold(acts: &[Act], kills: &[(u32, usize)]) {
    let mut house = House::new().await;
    let plan = house.offer(Supply { rooms: 2, seats: 2, vehicles: 1 }, card()).await;
    let (projectors, reads) = house.read().await;
    let mut kills = kills.iter();
    let pool = house.database.pool.clone();
    for (place, act) in acts.iter().enumerate() {
        carry_out(&mut house, &plan, *act).await;
        // Once in the middle, with the live projectors at work, and the rest at the end.
        if place == acts.len() / 2
            && let Some((steps, bytes_max)) = kills.next()
        {
            is_over_within(rebuild_some(&house.log, &ProjectionName::ALL, *bytes_max), *steps).await;
        }
    }
    house.catch_up(&reads).await;
    let mut trips = Vec::new();
    for number in 1..=TRIPS {
        trips.push(reads.booking(trip(number)).await.expect("readable"));
    }
    projectors.stop().await;
    let live = rows(&pool, "public").await;
    for (steps, bytes_max) in kills {
        is_over_within(rebuild_some(&house.log, &ProjectionName::ALL, *bytes_max), *steps).await;
        assert_eq!(rows(&pool, "public").await, live, "killed after {steps} steps, with {bytes_max} bytes of memory");
    }
    for bytes_max in [ROOMY, CRAMPED] {
        let rebuilt = rebuild_all(&house.log, bytes_max).await;
        assert!(rebuilt.iter().all(|made| made.position == house.last && made.dead_letters == 0), "{rebuilt:?}");
        assert_eq!(rows(&pool, "public").await, live, "at last, with {bytes_max} bytes of memory");
        assert_eq!(rows(&pool, "public_rebuild").await, Vec::<String>::new(), "nothing is left of those killed");
    }
    let head = sqlx::query("SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1").fetch_one(&pool).await;
    let head = head.expect("the database answers").get("recorded_at");
    for (number, shown) in (1..=TRIPS).zip(trips) {
        assert_eq!(reads.booking(trip(number)).await.expect("readable"), shown, "rows made anew are read alike");
        assert_eq!(reads.booking_as_of(trip(number), head).await.expect("readable"), shown, "so is the log's end");
    }
}

proptest! {
    #![proptest_config(Config { cases: HISTORIES * chaos(), failure_persistence: None, max_shrink_iters: 20, ..Config::default() })]

    #[test]
    fn rows_made_anew_in_pieces_with_kills_are_the_live_ones_and_what_the_log_says(
        acts in prop::collection::vec(act(), 8..40),
        kills in prop::collection::vec(kill(), 2..5),
    ) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(hold(&acts, &kills));
    }
}
