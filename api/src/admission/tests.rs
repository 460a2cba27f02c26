use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use governor::clock::FakeRelativeClock;

use super::local::Local;
use super::*;
use crate::limits::RATE_KEYS_MAX;

const LIMIT: NonZeroU32 = NonZeroU32::new(600).expect("a number");

fn headers(rate: &Rate) -> Vec<String> {
    let mut headers = HeaderMap::new();
    rate.tell(&mut headers);
    let text = |name: &str| headers.get(name).map(|value| value.to_str().expect("text").to_owned());
    ["ratelimit-policy", "ratelimit", "retry-after"].into_iter().filter_map(text).collect()
}

#[test]
fn a_caller_is_told_what_is_left_and_when_to_come_back() {
    let clock = FakeRelativeClock::default();
    let accounts = Local::with_clock(LIMIT, clock.clone());
    let first = accounts.spend("ada", 500);
    assert!(first.is_paid());
    assert_eq!(headers(&first), ["\"cost\";q=600;qu=\"cost\";w=60", "\"cost\";r=100;t=50"]);
    let second = accounts.spend("ada", 200);
    assert!(!second.is_paid());
    // 100 are missing, and ten come back each second.
    assert_eq!(headers(&second), ["\"cost\";q=600;qu=\"cost\";w=60", "\"cost\";r=100;t=50", "10"]);
    assert!(accounts.spend("bob", 600).is_paid(), "another's account is another");
    clock.advance(Duration::from_secs(9));
    assert!(!accounts.spend("ada", 200).is_paid());
    clock.advance(Duration::from_secs(1));
    let third = accounts.spend("ada", 200);
    assert_eq!((third.is_paid(), third.remaining()), (true, 0));
}

#[test]
fn a_refusal_takes_nothing() {
    let accounts = Local::with_clock(LIMIT, FakeRelativeClock::default());
    assert!(accounts.spend("ada", 600).is_paid());
    for _ in 0..100 {
        assert_eq!(accounts.spend("ada", 600).retry_after_s(), 60);
    }
}

#[test]
fn no_number_of_callers_fills_the_memory_or_goes_without_limit() {
    let clock = FakeRelativeClock::default();
    let accounts = Local::with_clock(LIMIT, clock.clone());
    for n in 0..RATE_KEYS_MAX + 5_000 {
        accounts.spend(&format!("caller {n}"), 600);
    }
    assert!(accounts.accounts() <= RATE_KEYS_MAX + 1024, "{}", accounts.accounts());
    let late: Vec<Rate> = (0..5_000).map(|n| accounts.spend(&format!("late {n}"), 600)).collect();
    assert!(late.iter().any(|rate| !rate.is_paid()), "those who share an account share its limit");
    clock.advance(Duration::from_secs(61));
    assert!(accounts.spend("somebody", 600).is_paid());
    assert!(accounts.accounts() < 10, "who has a full account again is forgotten");
}

#[test]
fn who_finds_no_place_is_told_at_once() {
    let places = Places::new(1);
    let place = places.enter().expect("room");
    assert!(places.enter().is_none());
    let refusal = overloaded();
    assert_eq!(refusal.code, ErrorCode::Overloaded);
    assert_eq!((refusal.status.as_u16(), &refusal.headers["retry-after"]), (503, &HeaderValue::from_static("1")));
    drop(place);
    assert!(places.enter().is_some());
}

#[tokio::test]
async fn while_the_database_is_away_each_process_counts_by_itself() {
    let nowhere = sqlx::PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").expect("an address");
    let allowance = Allowance { cost_per_minute: Some(LIMIT), shared: Some(CallerRates::new(nowhere)) };
    let rates = Rates::new(allowance, false);
    let (ada, cost) = (Caller::development(), Cost { requested: 500, max: 600, remaining: None });
    assert!(rates.spend(&ada, &cost).await.is_paid(), "nobody is refused for it");
    assert!(!rates.spend(&ada, &cost).await.is_paid(), "and nobody let through without limit");
}
