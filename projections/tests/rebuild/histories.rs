//! Random histories: live rows and rows made anew are the same, to the last byte.

use proptest::prelude::*;
use proptest::test_runner::Config;
use traveladvisor_infra::testing::chaos;

use super::{CRAMPED, ROOMY, rebuild_all, rows};
use crate::support::acts::{Act, act, carry_out};
use crate::support::{House, Supply, card};

/// Random histories of a short run.
const HISTORIES: u32 = 6;

async fn hold(acts: &[Act]) {
    let mut house = House::new().await;
    let plan = house.offer(Supply { rooms: 2, seats: 2, vehicles: 1 }, card()).await;
    let (projectors, reads) = house.read().await;
    for act in acts {
        carry_out(&mut house, &plan, *act).await;
    }
    house.catch_up(&reads).await;
    projectors.stop().await;
    let pool = &house.database.pool;
    let live = rows(pool, "public").await;
    assert!(live.iter().any(|row| row.starts_with("hotel_room_types ")), "there are rows to compare");
    for bytes_max in [ROOMY, CRAMPED] {
        let rebuilt = rebuild_all(&house.log, bytes_max).await;
        assert!(rebuilt.iter().all(|made| made.position == house.last && made.dead_letters == 0), "{rebuilt:?}");
        assert_eq!(rows(pool, "public").await, live, "with {bytes_max} bytes of memory");
        assert_eq!(rows(pool, "public_former").await, live, "and the former ones are kept");
        assert_eq!(rows(pool, "public_rebuild").await, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(Config { cases: HISTORIES * chaos(), failure_persistence: None, max_shrink_iters: 40, ..Config::default() })]

    #[test]
    fn rows_made_anew_are_the_live_ones(acts in prop::collection::vec(act(), 8..40)) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(hold(&acts));
    }
}
