//! Keys come and go.

use axum::http::header::RETRY_AFTER;
use futures::future::join_all;

use super::*;
use crate::limits::{KEYS_FRESH, KEYS_PAUSE, KEYS_STALE_MAX};

/// How many ask at once.
const MANY: usize = 50;

/// A token that outlives every test.
fn lasting(world: &World, signer: &Signer) -> String {
    signer.sign(&json!({}), &with(world.claims(), json!({ "exp": world.at(1_000_000) })))
}

#[tokio::test]
async fn however_many_come_first_the_keys_are_fetched_once() {
    let world = World::begin().await;
    let token = world.token(json!({}));
    let statuses = join_all((0..MANY).map(|_| world.status(&token))).await;
    assert_eq!(statuses, [StatusCode::OK; MANY]);
    assert_eq!(world.issuer.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_opens_at_once_with_one_fetch_for_all() {
    let world = World::begin().await;
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK);
    let next = Signer::ec("next");
    world.issuer.behaviour().keys = vec![next.jwk("sig")];
    world.pass(KEYS_PAUSE);
    let token = lasting(&world, &next);
    let statuses = join_all((0..MANY).map(|_| world.status(&token))).await;
    assert_eq!(statuses, [StatusCode::OK; MANY]);
    assert_eq!(world.issuer.fetches(), 2);
    assert_eq!(world.status(&lasting(&world, &world.rsa)).await, StatusCode::UNAUTHORIZED, "the former one is gone");
}

#[tokio::test]
async fn a_key_that_was_withdrawn_opens_nothing_once_the_keys_are_no_longer_fresh() {
    let world = World::begin().await;
    let former = lasting(&world, &world.rsa);
    assert_eq!(world.status(&former).await, StatusCode::OK);
    world.issuer.behaviour().keys = vec![world.ec.jwk("sig")];
    assert_eq!(world.status(&former).await, StatusCode::OK, "nobody has asked yet");
    world.pass(KEYS_FRESH);
    assert_eq!(world.status(&former).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.status(&lasting(&world, &world.ec)).await, StatusCode::OK);
}

#[tokio::test]
async fn made_up_keys_do_not_make_us_ask_again_and_again() {
    let world = World::begin().await;
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let forged = ids.map(|id| world.rsa.sign(&json!({ "kid": id }), &world.claims()));
    for token in &forged {
        assert_eq!(world.status(token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.issuer.fetches(), 1);
    world.pass(KEYS_PAUSE);
    for token in &forged {
        assert_eq!(world.status(token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.issuer.fetches(), 2);
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_that_is_away_locks_nobody_out_for_a_while() {
    let world = World::begin().await;
    let token = lasting(&world, &world.rsa);
    assert_eq!(world.status(&token).await, StatusCode::OK);
    world.issuer.behaviour().status = Some(StatusCode::INTERNAL_SERVER_ERROR);
    world.pass(KEYS_FRESH);
    assert_eq!(world.status(&token).await, StatusCode::OK, "on the keys that are there");
    assert_eq!(world.issuer.fetches(), 2);
    assert_eq!(world.status(&token).await, StatusCode::OK);
    assert_eq!(world.issuer.fetches(), 2, "it is not asked with every request");
    world.pass(KEYS_STALE_MAX);
    let (status, code, challenge) = world.ask(&[&format!("Bearer {token}")]).await;
    assert_eq!((status, code), (StatusCode::SERVICE_UNAVAILABLE, json!("UNAVAILABLE")));
    assert_eq!(challenge, "", "it is not the token's fault");
    world.issuer.behaviour().status = None;
    world.pass(KEYS_PAUSE);
    assert_eq!(world.status(&token).await, StatusCode::OK, "and it comes back by itself");
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_from_those_who_wait() {
    let world = World::begin().await;
    let token = world.token(json!({}));
    let (identity, headers) = (world.identity.clone(), bearer(&token));
    let first = tokio::spawn(async move { identity.caller(&headers).await.is_ok() });
    while world.issuer.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert_eq!(world.status(&token).await, StatusCode::OK);
    assert_eq!(world.issuer.fetches(), 1);
}

#[tokio::test]
async fn without_any_keys_callers_are_told_to_come_back() {
    let world = World::begin().await;
    world.issuer.behaviour().hangs = true;
    let refusal = world.identity.caller(&bearer(&world.token(json!({})))).await.expect_err("no keys");
    assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refusal.headers[RETRY_AFTER], KEYS_PAUSE.as_secs().to_string());
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_old_keys_no_younger() {
    let world = World::begin().await;
    let former = lasting(&world, &world.rsa);
    assert_eq!(world.status(&former).await, StatusCode::OK);
    world.issuer.behaviour().keys = vec![world.ec.jwk("sig")];
    *world.clock.0.lock().expect("the clock") -= TimeDelta::from_std(KEYS_FRESH).expect("a span");
    let former = lasting(&world, &world.rsa);
    assert_eq!(world.status(&former).await, StatusCode::UNAUTHORIZED);
}
