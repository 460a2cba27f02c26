//! What a gateway over HTTP says, and how often.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::gateway::{CallError, HttpGateway, HttpSettings, PaymentGateway, TokeniseError, issuer_of};

use super::world::{World, entry};
use super::{charge, code, done, past, refund, soon};

async fn token(gateway: &HttpGateway, number: &str) -> String {
    gateway.tokenise(&SecretString::from(number)).await.expect("a token").token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_knows_its_own_tokens_by_its_name_also_after_it_has_moved() {
    let (here, there) = (World::begin().await, World::begin().await);
    let (first, second) = (here.client(|_| {}), there.client(|_| {}));
    let token = token(&first, "4242424242424242").await;
    assert!(first.issued(&token) && !second.issued(&token) && !first.issued("tok_sandbox_approves"));
    let name = issuer_of(&token).expect("a name").to_owned();
    let moved = there.client(|_| {}).named(&name).expect("a name");
    assert!(moved.issued(&token));
    let call = charge("moved", &token, 1_234);
    done(moved.call(&call, soon(&moved)).await.expect("answered"));
    for bad in ["", "pay.example/eu", "pay example"] {
        assert!(there.client(|_| {}).named(bad).is_err(), "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_test_card_is_charged_refused_or_faulted_as_it_says() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    let mut outcomes = Vec::new();
    for number in ["4242 4242 4242 4242", "4000000000000002", "4000000000009995", "4000000000000119"] {
        let call = charge(number, &token(&gateway, number).await, 1_234);
        let outcome = gateway.call(&call, soon(&gateway)).await.expect("answered");
        assert_eq!(gateway.look_up(number).await, Ok(Some(outcome.clone())), "a look-up tells the same");
        outcomes.push(outcome);
    }
    assert!(matches!(&outcomes[0], GatewayOutcome::Done { .. }), "{outcomes:?}");
    assert!(matches!(&outcomes[1], GatewayOutcome::Refused(failure) if failure.code == Code::PaymentDeclined));
    assert!(matches!(&outcomes[2], GatewayOutcome::Refused(failure) if failure.code == Code::InsufficientFunds));
    assert!(matches!(&outcomes[3], GatewayOutcome::Faulted(failure) if failure.code == Code::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_not_taken_is_told_apart_and_its_number_is_in_no_error() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    for (number, error) in
        [("4242424242424241", TokeniseError::Malformed), ("5555555555554444", TokeniseError::NotATestCard)]
    {
        let found = gateway.tokenise(&SecretString::from(number)).await.expect_err("no token");
        assert_eq!(found, error);
        assert!(!format!("{found} {found:?}").contains(number));
    }
    world.inject(&json!({"outage": true})).await;
    let away = gateway.tokenise(&SecretString::from("4242424242424242")).await;
    assert_eq!(away, Err(TokeniseError::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_given_back_in_parts_over_http_and_never_beyond_what_was_taken() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    let taken =
        done(gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await.expect("answered"));
    let given = |key: &'static str, minor| {
        let (gateway, taken) = (&gateway, &taken);
        async move { gateway.call(&refund(key, taken, minor), soon(gateway)).await.expect("answered") }
    };
    done(given("r1", 400).await);
    done(given("r2", 500).await);
    let beyond = given("r3", 101).await;
    assert!(matches!(beyond, GatewayOutcome::Refused(_)) && code(&beyond) == Code::Conflict, "{beyond:?}");
    done(given("r4", 100).await);
    assert_eq!(code(&given("r5", 1).await), Code::Conflict, "nothing is left");
    let unknown = gateway.call(&refund("r6", "ch_nobody", 1), soon(&gateway)).await.expect("answered");
    assert_eq!(code(&unknown), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_charged_once_and_not_for_something_else() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    let first = gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await;
    assert_eq!(gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await, first);
    let other = gateway.call(&charge("c", "tok_sandbox_approves", 2_000), soon(&gateway)).await;
    assert!(matches!(&other, Err(CallError::Unknown(reason)) if reason.contains("422 KEY_REUSED")), "{other:?}");
    assert_eq!(world.ledger().await, [entry("c", "done", 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_delivers_everything_twice_charges_and_refunds_once() {
    let world = World::begin().await;
    world.inject(&json!({"duplicateRate": 1.0})).await;
    let gateway = world.client(|_| {});
    let taken =
        done(gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await.expect("answered"));
    done(gateway.call(&refund("r", &taken, 600), soon(&gateway)).await.expect("answered"));
    tokio::time::timeout(super::world::AT_LAST, async {
        while world.ledger().await != [entry("c", "done", 2), entry("r", "done", 2)] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("each has come twice");
    assert_eq!(world.injected("duplicates").await, 2);
    done(gateway.call(&refund("rest", &taken, 400), soon(&gateway)).await.expect("400 are left, not less"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_too_late_is_not_carried_out_then_or_ever() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    let unsent = gateway.call(&charge("a", "tok_sandbox_approves", 1_000), past()).await;
    assert!(matches!(unsent, Err(CallError::NotSent(_))), "{unsent:?}");
    assert_eq!(gateway.look_up("a").await, Ok(None));
    // A process whose clock is behind, or that stood still after it had looked at it, sends it all the same.
    let behind = Behind(TimeDelta::hours(1));
    let sleepy = HttpGateway::new(&world.url(""), None, Arc::new(behind), HttpSettings::default()).expect("a client");
    let late = sleepy.call(&charge("b", "tok_sandbox_approves", 1_000), past()).await.expect("answered");
    assert!(matches!(late, GatewayOutcome::Faulted(_)), "{late:?}");
    assert_eq!(gateway.look_up("b").await, Ok(Some(late.clone())));
    let again = gateway.call(&charge("b", "tok_sandbox_approves", 1_000), soon(&gateway)).await;
    assert_eq!(again, Ok(late), "in time it would have been done; the first one counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_would_live_longer_than_the_longest_is_not_taken() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    let far = soon(&gateway) + TimeDelta::hours(1);
    let refused = gateway.call(&charge("c", "tok_sandbox_approves", 1_000), far).await;
    assert!(matches!(&refused, Err(CallError::Unknown(reason)) if reason.contains("400")), "{refused:?}");
    assert_eq!(gateway.look_up("c").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_none_is_told_how_to_be_sent_and_has_no_effect() {
    let world = World::begin().await;
    let right = json!({"token": "tok_sandbox_approves", "minor": 100, "currency": "USD"});
    let wrong = json!({"token": "tok_sandbox_approves", "minor": -1, "currency": "USD"});
    let large = json!({"token": "x".repeat(100_000), "minor": 100, "currency": "USD"});
    let at = soon(&world.client(|_| {})).to_rfc3339();
    let asked = [
        (&right, None, Some(at.as_str()), "idempotency-key"),
        (&right, Some("k"), None, "expires-at"),
        (&right, Some("k"), Some("soon"), "expires-at"),
        (&wrong, Some("k"), Some(&at), "minor"),
        (&json!({"minor": 1}), Some("k"), Some(&at), "token"),
        (&large, Some("k"), Some(&at), "length limit"),
    ];
    for (body, key, expiry, says) in asked {
        let mut request = reqwest::Client::new().post(world.url("/v1/charges")).body(body.to_string());
        for (name, value) in [("Idempotency-Key", key), ("Expires-At", expiry)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "{says}: {}", answer.status());
        let told = answer.text().await.expect("a body");
        assert!(told.contains(says), "{says}: {told}");
    }
    assert_eq!(world.ledger().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_ended_and_started_again_remembers_every_call() {
    let mut world = World::begin().await;
    let gateway = world.client(|_| {});
    let first = gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await.expect("answered");
    let taken = done(first.clone());
    done(gateway.call(&refund("r", &taken, 600), soon(&gateway)).await.expect("answered"));
    world.restart().await;
    // A client of its own: the former one's connections have ended, and a call on one of these would be unknown at first.
    let gateway = world.client(|_| {});
    assert_eq!(gateway.call(&charge("c", "tok_sandbox_approves", 1_000), soon(&gateway)).await, Ok(first));
    let beyond = gateway.call(&refund("s", &taken, 401), soon(&gateway)).await.expect("answered");
    assert_eq!(code(&beyond), Code::Conflict, "what was given back before counts");
    assert_eq!(world.ledger().await, [entry("c", "done", 2), entry("r", "done", 1), entry("s", "refused", 1)]);
}

/// A clock that is behind the machine's.
struct Behind(TimeDelta);

impl Clock for Behind {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() - self.0
    }
}
