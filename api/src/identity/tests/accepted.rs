//! Tokens that must be taken: whoever has one would be locked out otherwise.

use axum::http::header::ACCEPT;
use traveladvisor_infra::clock::SystemClock;

use super::*;
use crate::caller::{Caller, Scope};
use crate::limits::TOKEN_LEEWAY;

/// The rights of a caller, by name.
fn rights(caller: &Caller) -> Vec<&'static str> {
    Scope::ALL.into_iter().filter(|scope| caller.may(*scope)).map(Scope::as_str).collect()
}

#[tokio::test]
async fn a_good_token_tells_who_asks_what_they_may_and_until_when() {
    let world = World::begin().await;
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK);
    let caller = world.caller(&world.token(json!({}))).await;
    assert_eq!(caller.owner(), format!("{}#{SUBJECT}", world.issuer.url()));
    assert_eq!(rights(&caller), ["bookings:read", "bookings:write"]);
    let leeway = TOKEN_LEEWAY.as_secs().cast_signed();
    assert_eq!(caller.expires_at().map(|at| at.timestamp()), Some(world.at(300 + leeway)));
}

#[tokio::test]
async fn every_kind_of_key_that_is_taken_opens() {
    let world = World::begin().await;
    let ed = Signer::ed("ed");
    let mut any_rsa = world.rsa.jwk("sig");
    any_rsa["kid"] = "pss".into();
    world.issuer.behaviour().keys.extend([ed.jwk("sig"), any_rsa]);
    let claims = world.claims();
    for token in [
        world.rsa.sign(&json!({}), &claims),
        world.ec.sign(&json!({}), &claims),
        ed.sign(&json!({}), &claims),
        world.rsa.sign_by(Algorithm::Ps256, &json!({ "kid": "pss" }), &claims),
        // With one EC key alone there is no doubt which one it was.
        world.ec.sign(&json!({ "kid": null }), &claims),
    ] {
        assert_eq!(world.status(&token).await, StatusCode::OK, "{token}");
    }
}

#[tokio::test]
async fn what_good_issuers_write_differently_is_taken() {
    let world = World::begin().await;
    for changes in [
        json!({ "aud": ["account", AUDIENCE] }),
        json!({ "aud": [AUDIENCE] }),
        json!({ "typ": null }),
        json!({ "scope": null, "scp": ["bookings:read"] }),
        json!({ "typ": null, "scope": null, "scp": ["bookings:read"], "azp": null }),
        json!({ "typ": null, "scope": null, "client_id": "booking-batch", "azp": null }),
        // Rights as roles alone: it was given to a client that it is not for.
        json!({ "typ": null, "scope": null, "azp": "booking-batch", "roles": ["operations"] }),
        json!({ "exp": 4_102_444_800.5 }),
        json!({ "iat": null, "azp": null }),
        json!({ "nonce": "n" }),
        json!({ "more": { "groups": ["a", "b"] } }),
    ] {
        assert_eq!(world.status(&world.token(changes.clone())).await, StatusCode::OK, "{changes}");
    }
    let named = with(world.claims(), json!({ "typ": null, "scope": null, "azp": null }));
    assert_eq!(world.status(&world.rsa.sign(&json!({ "typ": "at+jwt" }), &named)).await, StatusCode::OK);
    for header in [
        json!({ "typ": null }),
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "application/at+JWT" }),
        // Others may fetch keys from there; we know where ours are.
        json!({ "jku": "https://elsewhere.example/keys", "x5u": "https://elsewhere.example/chain", "x5t": "AA" }),
    ] {
        let token = world.rsa.sign(&header, &world.claims());
        assert_eq!(world.status(&token).await, StatusCode::OK, "{header}");
    }
    let token = world.token(json!({}));
    for value in [format!("bearer {token}"), format!("BEARER   {token}")] {
        assert_eq!(world.ask(&[&value]).await.0, StatusCode::OK, "{value}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_no_more() {
    let world = World::begin().await;
    let leeway = TOKEN_LEEWAY.as_secs().cast_signed();
    for (claim, inside, outside) in
        [("exp", -leeway + 1, -leeway), ("nbf", leeway, leeway + 1), ("iat", leeway, leeway + 1)]
    {
        let at = |seconds: i64| world.token(json!({ claim: world.at(seconds) }));
        assert_eq!(world.status(&at(inside)).await, StatusCode::OK, "{claim}");
        assert_eq!(world.status(&at(outside)).await, StatusCode::UNAUTHORIZED, "{claim}");
    }
}

#[tokio::test]
async fn a_stream_opened_with_a_token_within_the_leeway_does_not_end_at_once() {
    let world = World::begin().await;
    // Streams end by the machine's clock.
    *world.clock.0.lock().expect("the clock") = SystemClock.now();
    let token = world.token(json!({ "exp": world.at(-10) }));
    let request =
        Request::post("/graphql").header(CONTENT_TYPE, "application/json").header(ACCEPT, "text/event-stream");
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::from(r#"{"query":"{ __typename }"}"#)).expect("a request");
    let response = world.router.clone().oneshot(request).await.expect("an answer");
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
    let events = String::from_utf8(bytes.to_vec()).expect("text");
    assert!(events.contains(r#""__typename":"Query""#) && !events.contains("expired"), "{events}");
    let caller = world.caller(&token).await;
    assert!(caller.expires_at().is_some_and(|at| at > SystemClock.now()), "and so for a socket: {caller:?}");
}

#[tokio::test]
async fn rights_come_from_scopes_and_from_roles_only_where_the_settings_say_so() {
    let world = World::begin().await;
    let token = world.token(json!({
        "scope": "profile", "scp": ["supply:write", "bookings:*"],
        "realm_access": { "roles": ["operations", "admin"] }, "https://x.example/roles": "bookings:read",
    }));
    assert_eq!(rights(&world.caller(&token).await), ["supply:write"]);
    for (claim, expected) in [
        ("realm_access.roles", vec!["supply:write", "operations"]),
        ("https://x.example/roles", vec!["bookings:read", "supply:write"]),
        ("realm_access.nothing", vec!["supply:write"]),
    ] {
        let trusted = Trusted { roles_claim: Some(claim.to_owned()), ..World::trusted(&world.issuer) };
        let caller = trusting(&trusted, &world.clock).caller(&bearer(&token)).await.expect("a caller");
        assert_eq!(rights(&caller), expected, "{claim}");
    }
}

#[tokio::test]
async fn an_owner_is_one_person_of_one_issuer_and_no_address() {
    let world = World::begin().await;
    let mut owners = Vec::new();
    for subject in ["auth0|17", "ada@example.org", "ADA@example.org", "ada lovelace", &"x".repeat(255)] {
        let owner = world.caller(&world.token(json!({ "sub": subject }))).await.owner().to_owned();
        assert_eq!(owner, world.caller(&world.token(json!({ "sub": subject }))).await.owner(), "always the same");
        assert!(owner.starts_with(&format!("{}#", world.issuer.url())), "{owner}");
        assert!(!owner.contains("example.org") && !owner.contains("lovelace") && owner.len() < 400, "{owner}");
        owners.push(owner);
    }
    owners.sort();
    owners.dedup();
    assert_eq!(owners.len(), 5, "{owners:?}");
}
