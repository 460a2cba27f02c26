//! Bulkhead, breaker and budget: a gateway that is unwell is left in peace, and holds up nobody longer than it must.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use traveladvisor_infra::gateway::{CallError, HttpGateway, PaymentGateway};

use super::world::{AT_LAST, World};
use super::{charge, done, soon};

const APPROVES: &str = "tok_sandbox_approves";

async fn call(gateway: &HttpGateway, key: &str) -> Result<(), CallError> {
    gateway.call(&charge(key, APPROVES, 1_000), soon(gateway)).await.map(|_| ())
}

fn says(result: &Result<(), CallError>, words: &str) -> bool {
    matches!(result, Err(CallError::NotSent(reason)) if reason.contains(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_opens_when_calls_fail_and_closes_when_one_succeeds() {
    let world = World::begin().await;
    let gateway = world.client(|settings| {
        settings.breaker_requests_min = 5;
        settings.breaker_open_for = Duration::from_millis(500);
    });
    world.inject(&json!({"faultRate": 1.0})).await;
    for n in 0..5 {
        let failed = call(&gateway, &format!("failed-{n}")).await;
        assert!(matches!(failed, Err(CallError::Unknown(_))), "{failed:?}");
    }
    let refused = call(&gateway, "refused").await;
    assert!(says(&refused, "breaker is open"), "{refused:?}");
    assert_eq!(world.injected("faults").await, 5, "the gateway is left in peace");
    assert!(gateway.look_up("failed-0").await.is_err(), "look-ups have a breaker of their own, and the gateway fails");
    world.heal().await;
    assert_eq!(gateway.look_up("failed-0").await, Ok(None), "which is not open after one failure");
    let closed = tokio::time::timeout(AT_LAST, async {
        while says(&call(&gateway, "healed").await, "breaker is open") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    closed.await.expect("it lets one try after a while");
    let all = join_all((0..8).map(|n| gateway.look_up(if n % 2 == 0 { "healed" } else { "refused" }))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    for n in 0..8 {
        call(&gateway, &format!("after-{n}")).await.expect("closed again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_refused_or_faulted_do_not_open_the_breaker() {
    let world = World::begin().await;
    let gateway = world.client(|settings| settings.breaker_requests_min = 3);
    for n in 0..10 {
        for token in ["tok_sandbox_declines", "tok_sandbox_processing_error"] {
            let call = charge(&format!("{token}-{n}"), token, 1_000);
            gateway.call(&call, soon(&gateway)).await.expect("a statement of the gateway, which is well");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hangs_fills_its_bulkhead_and_leaves_look_ups_and_tokens_alone() {
    let world = World::begin().await;
    let gateway = world.client(|settings| {
        settings.at_once_max = 3;
        settings.call_timeout = Duration::from_secs(20);
    });
    world.inject(&json!({"latencyMs": 3_000})).await;
    let keys: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
    let calls = async { join_all(keys.iter().map(|key| call(&gateway, key))).await };
    let others = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.heal().await;
        (gateway.look_up("else").await, gateway.tokenise(&"4242424242424242".into()).await)
    };
    let (results, (look_up, token)) = futures::future::join(calls, others).await;
    assert_eq!(look_up, Ok(None));
    token.expect("travellers are served meanwhile");
    let refused = results.iter().filter(|result| says(result, "too many requests")).count();
    assert_eq!((refused, results.iter().filter(|result| result.is_ok()).count()), (7, 3), "{results:?}");
    assert_eq!(world.ledger().await.len(), 3, "who was refused has sent nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_are_tried_again_until_the_budget_is_used_up() {
    let world = World::begin().await;
    let gateway = world.client(|settings| {
        settings.tries_max = 4;
        settings.retry_pause = Duration::from_millis(1);
        settings.retry_pause_max = Duration::from_millis(2);
        settings.budget_per_second_min = 1;
        settings.budget_share = 0.0;
        settings.budget_ttl = Duration::from_secs(10);
        settings.breaker_requests_min = 10_000;
    });
    world.inject(&json!({"faultRate": 1.0})).await;
    assert!(gateway.look_up("c").await.is_err());
    assert_eq!(world.injected("faults").await, 4, "one try and three further ones");
    for _ in 0..30 {
        assert!(gateway.look_up("c").await.is_err());
    }
    // 31 first tries, and about ten further ones, where without a budget there would be 93.
    let tries = world.injected("faults").await;
    assert!((35..=51).contains(&tries), "{tries}");
    world.heal().await;
    assert_eq!(gateway.look_up("c").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_fails_now_and_then_is_answered_all_the_same() {
    let world = World::begin().await;
    let gateway = world.client(|settings| {
        settings.tries_max = 20;
        settings.budget_per_second_min = 100;
        settings.breaker_requests_min = 10_000;
    });
    let taken = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await.expect("answered");
    done(taken.clone());
    world.inject(&json!({"faultRate": 0.4, "lostAnswerRate": 0.2})).await;
    for _ in 0..10 {
        assert_eq!(gateway.look_up("c").await, Ok(Some(taken.clone())));
    }
}
