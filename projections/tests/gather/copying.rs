//! Copied once and in order, whoever is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use traveladvisor_infra::testing::chaos;

use super::{LOGS, Logs};
use crate::support::House;
use crate::support::random::{Dice, history};

const TRIPS: u64 = 16;

#[tokio::test(flavor = "multi_thread")]
async fn what_several_logs_tell_is_copied_once_and_in_order_however_often_whoever_copies_is_killed() {
    for seed in 0..u64::from(chaos()) {
        let mut dice = Dice::new(seed);
        let mut house = House::new().await;
        history(&mut house, &mut dice, TRIPS).await;
        let mut logs = Logs::of(house).await;
        logs.set_clocks(&mut dice).await;
        let (mut told, mut places) = (0, BTreeSet::new());
        while told < logs.count("public").await.unsigned_abs() {
            // Two processes, of which one copies. Both are killed in the middle.
            let gatherers = [logs.gatherer(), logs.gatherer()];
            for _ in 0..10 {
                let log = LOGS[usize::try_from(dice.roll(LOGS.len() as u64)).expect("a place")];
                told += logs.tell_caused(log, 1 + dice.roll(15)).await;
                tokio::time::sleep(Duration::from_millis(dice.roll(12))).await;
            }
            if dice.roll(3) == 0 {
                // The answer of a statement is lost.
                logs.number(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                        AND query LIKE '%gather_events%' AND pid <> pg_backend_pid()",
                )
                .await;
                tokio::time::sleep(Duration::from_millis(dice.roll(300))).await;
            }
            drop(gatherers);
            places.insert(logs.count("reading").await);
            // As if the lease had run out.
            sqlx::query("UPDATE reading.owners SET held_until = NULL").execute(logs.pool()).await.expect("expired");
        }
        assert!(places.len() > 2, "it was killed in the middle: {places:?}");
        let gatherer = logs.gatherer();
        logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
        gatherer.stop().await;
        logs.assert_gathered().await;
        for log in LOGS {
            let stands = format!(
                "SELECT count(*) FROM reading.gathered_logs g WHERE g.log = '{log}' AND g.position = \
                                  (SELECT coalesce(max(position), 0) FROM {log}.events)"
            );
            assert_eq!(logs.number(&stands).await, 1, "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_server_has_all_logs_the_read_log_goes_as_things_happened() {
    let mut house = House::new().await;
    history(&mut house, &mut Dice::new(7), 3).await;
    let mut logs = Logs::of(house).await;
    logs.tell_all().await;
    let gatherer = logs.gatherer();
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    gatherer.stop().await;
    let disorder = "SELECT count(*) FROM (SELECT h.position - lag(h.position) OVER (ORDER BY r.position) AS step \
        FROM public.events h JOIN reading.events r USING (aggregate_type, aggregate_id, sequence)) steps WHERE step < 0";
    assert_eq!(logs.number(disorder).await, 0);
}
