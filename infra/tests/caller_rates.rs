//! What callers spend, counted by several processes together.

use std::num::NonZeroU32;
use std::time::Duration;

use traveladvisor_infra::caller_rates::CallerRates;
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

const PER_MINUTE: NonZeroU32 = NonZeroU32::new(100).expect("a number");

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_let_a_caller_spend_its_minute_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let processes = [CallerRates::new(database.pool.clone()), CallerRates::new(database.pool.clone())];
    let spend = |n: usize| {
        let process = processes[n % 2].clone();
        async move { process.spend("ada", 10, PER_MINUTE).await.expect("counted") }
    };
    let all = futures::future::join_all((0..30).map(spend)).await;
    let paid = all.iter().filter(|spent| spent.wait.is_none()).count();
    // Ten fill the minute; ten come back every six seconds, should this machine be that slow.
    assert!((10..=20).contains(&paid), "{paid}");
    let refused = all.iter().filter_map(|spent| spent.wait).max().expect("some are refused");
    assert!(refused <= Duration::from_secs(6), "{refused:?}");
    assert!(all.iter().all(|spent| spent.full_in <= Duration::from_mins(1)));
    assert_eq!(processes[0].spend("bob", 100, PER_MINUTE).await.expect("counted").wait, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_comes_back_and_a_refusal_takes_nothing() {
    let database = TestDatabase::create(SCHEMA).await;
    let rates = CallerRates::new(database.pool.clone());
    assert_eq!(rates.spend("ada", 100, PER_MINUTE).await.expect("counted").wait, None);
    for _ in 0..20 {
        let wait = rates.spend("ada", 100, PER_MINUTE).await.expect("counted").wait.expect("nothing is left");
        assert!(wait <= Duration::from_mins(1), "{wait:?}");
    }
    let earlier = "UPDATE caller_rates SET full_at = full_at - interval '1 minute'";
    sqlx::query(earlier).execute(&database.pool).await.expect("a minute goes by");
    assert_eq!(rates.spend("ada", 100, PER_MINUTE).await.expect("counted").wait, None);
}
