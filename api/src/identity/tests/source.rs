//! Where keys come from: from the issuer and from nobody else.

use super::*;

/// Refuses to take keys from there.
async fn takes_no_keys(world: &World, why: &str) {
    let (status, code, _) = world.ask(&[&format!("Bearer {}", world.token(json!({})))]).await;
    assert_eq!((status, code), (StatusCode::SERVICE_UNAVAILABLE, json!("UNAVAILABLE")), "{why}");
    assert_eq!(world.issuer.strays(), 0, "{why}");
}

#[tokio::test]
async fn who_describes_another_issuer_is_not_asked_for_keys() {
    let world = World::begin().await;
    world.issuer.behaviour().description = Some(json!({ "issuer": format!("{}/", world.issuer.url()) }));
    takes_no_keys(&world, "a slash more").await;
    assert_eq!(world.issuer.fetches(), 0);
}

#[tokio::test]
async fn keys_come_from_no_unsafe_place() {
    for place in ["http://192.0.2.1/keys", "https://127.0.0.1:1/keys", "file:///etc/passwd", "keys", ""] {
        let world = World::begin().await;
        world.issuer.behaviour().description = Some(json!({ "jwks_uri": place }));
        takes_no_keys(&world, place).await;
    }
}

#[tokio::test]
async fn keys_may_be_told_apart_by_a_query() {
    let world = World::begin().await;
    let keys = format!("http://{}/keys?p=b2c_1_sign_in", world.issuer.address);
    world.issuer.behaviour().description = Some(json!({ "jwks_uri": keys }));
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK);
    assert_eq!((world.issuer.fetches(), world.issuer.strays()), (1, 0));
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let world = World::begin().await;
    world.issuer.behaviour().redirect = Some(format!("http://{}/elsewhere", world.issuer.address));
    takes_no_keys(&world, "a redirect").await;
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let world = World::begin().await;
    world.issuer.behaviour().padding = 1024 * 1024;
    takes_no_keys(&world, "a megabyte").await;
}

#[tokio::test]
async fn keys_that_cannot_sign_are_none() {
    let world = World::begin().await;
    let weak = json!({ "kty": "RSA", "kid": "rsa", "use": "sig", "e": "AQAB", "n": signer::encode(&[0xC5; 255]) });
    let mut wrapping = world.rsa.jwk("sig");
    wrapping["alg"] = "RSA-OAEP".into();
    let secret = json!({ "kty": "oct", "kid": "rsa", "k": "c2VjcmV0", "alg": "HS256" });
    let mut short = world.ec.jwk("sig");
    short["x"] = "AA".into();
    let mut ops = world.rsa.jwk("sig");
    (ops["use"], ops["key_ops"]) = (json!("sig"), json!(["encrypt"]));
    world.issuer.behaviour().keys =
        vec![weak, wrapping, secret, short, ops, world.rsa.jwk("enc"), json!({ "kty": "AKP" }), json!(17)];
    takes_no_keys(&world, "none of these").await;
    // One among them that can is enough: what is not understood takes nothing from it.
    world.issuer.behaviour().keys.push(world.ec.jwk("sig"));
    world.pass(crate::limits::KEYS_PAUSE);
    assert_eq!(world.status(&world.ec.sign(&json!({}), &world.claims())).await, StatusCode::OK);
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_settings_may_say_where_the_keys_are() {
    let world = World::begin().await;
    // Its description is not needed then, and may be wrong.
    world.issuer.behaviour().description = Some(json!({ "issuer": "https://other.example" }));
    let jwks_url = Some(format!("http://{}/keys", world.issuer.address));
    let identity = trusting(&Trusted { jwks_url, ..World::trusted(&world.issuer) }, &world.clock);
    assert!(identity.caller(&bearer(&world.token(json!({})))).await.is_ok());
    assert_eq!(identity.look().await.expect("keys"), Some(2));
}
