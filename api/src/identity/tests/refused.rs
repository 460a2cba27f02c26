//! Tokens that must be refused: each with 401, none with a fault of ours, none with a word of what was in it.

use ring::hmac;

use super::signer::{encode, unsigned};
use super::*;
use crate::limits::{SUBJECT_BYTES_MAX, TOKEN_BYTES_MAX};

/// Refuses all of these, and takes the token that they were made from.
async fn refuses(world: &World, cases: &[(&str, String)]) {
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK, "it would refuse anything");
    let fetches = world.issuer.fetches();
    for (name, token) in cases {
        let (status, code, challenge) = world.ask(&[&format!("Bearer {token}")]).await;
        assert_eq!((status, code), (StatusCode::UNAUTHORIZED, json!("UNAUTHENTICATED")), "{name}");
        assert!(challenge.contains("error=\"invalid_token\""), "{name}: {challenge}");
        assert!(!challenge.contains(SUBJECT) && challenge.len() < 300, "{name}: {challenge}");
    }
    assert_eq!(world.status(&world.token(json!({}))).await, StatusCode::OK, "and goes on taking good ones");
    assert_eq!(world.issuer.fetches(), fetches, "bad tokens make no work for the issuer");
    assert_eq!(world.issuer.strays(), 0);
}

#[tokio::test]
async fn no_token_is_taken_whose_signature_proves_nothing() {
    let world = World::begin().await;
    let claims = world.claims();
    let good = world.token(json!({}));
    let (message, signature) = good.rsplit_once('.').expect("parts");
    let (header, _) = message.split_once('.').expect("parts");
    let richer = with(claims.clone(), json!({ "scope": "operations" })).to_string();
    let mut flipped = signature.as_bytes().to_vec();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).expect("text");
    let by_secret = |secret: &[u8], alg: &str| {
        let message = unsigned(&json!({ "alg": alg, "kid": "rsa", "typ": "JWT" }), &claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", encode(tag.as_ref()))
    };
    let public = world.rsa.jwk("sig");
    let modulus = public["n"].as_str().expect("a modulus");
    let stranger = Signer::ec("stranger");
    let none = |alg: &str| unsigned(&json!({ "alg": alg, "kid": "rsa" }), &claims);
    refuses(
        &world,
        &[
            ("none", format!("{}.", none("none"))),
            ("None", format!("{}.", none("None"))),
            ("none with a signature", format!("{}.{signature}", none("none"))),
            ("HS256 with the public modulus", by_secret(modulus.as_bytes(), "HS256")),
            ("HS256 with the published key", by_secret(public.to_string().as_bytes(), "HS256")),
            ("HS256 that says RS256", by_secret(modulus.as_bytes(), "RS256")),
            ("one bit of the signature flipped", format!("{message}.{flipped}")),
            ("another payload", format!("{header}.{}.{signature}", encode(richer.as_bytes()))),
            ("no signature", format!("{message}.")),
            ("the signature of another token", {
                let other = world.token(json!({ "sub": "other" }));
                format!("{message}.{}", other.rsplit_once('.').expect("parts").1)
            }),
            ("an EC signature under an RSA key", world.ec.sign(&json!({ "kid": "rsa" }), &claims)),
            ("an RSA signature under an EC key", world.rsa.sign(&json!({ "kid": "ec" }), &claims)),
            ("RSA that says ES256", world.rsa.sign(&json!({ "alg": "ES256" }), &claims)),
            ("an RSA key for PKCS 1 that says PS256", {
                let mut pinned = world.rsa.jwk("sig");
                (pinned["kid"], pinned["alg"]) = ("pinned".into(), "RS256".into());
                world.issuer.behaviour().keys.push(pinned);
                world.pass(crate::limits::KEYS_FRESH);
                world.rsa.sign_by(Algorithm::Ps256, &json!({ "kid": "pinned" }), &claims)
            }),
            ("RS512", world.rsa.sign(&json!({ "alg": "RS512" }), &claims)),
            ("the encryption key", world.encryption.sign(&json!({}), &claims)),
            ("a key that it brings along", stranger.sign(&json!({ "jwk": stranger.jwk("sig"), "kid": "ec" }), &claims)),
            ("a key that it brings along alone", {
                stranger.sign(&json!({ "jwk": stranger.jwk("sig"), "kid": null }), &claims)
            }),
            ("a key that it says is elsewhere", {
                let place = format!("http://{}/evil", world.issuer.address);
                stranger.sign(&json!({ "jku": place, "x5u": place, "kid": "ec" }), &claims)
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn no_token_is_taken_that_is_not_for_us_or_not_now() {
    let world = World::begin().await;
    let url = world.issuer.url();
    let long = "x".repeat(SUBJECT_BYTES_MAX + 1);
    let cases = [
        ("wrong issuer", json!({ "iss": "https://id.example" })),
        ("issuer with a slash more", json!({ "iss": format!("{url}/") })),
        ("issuer in a list", json!({ "iss": [url, "https://id.example"] })),
        ("no issuer", json!({ "iss": null })),
        ("wrong audience", json!({ "aud": "account" })),
        ("wrong audiences", json!({ "aud": ["account", "booking"] })),
        ("no audience", json!({ "aud": null })),
        ("empty audience", json!({ "aud": [] })),
        ("an object as audience", json!({ "aud": { AUDIENCE: true } })),
        ("expired", json!({ "exp": world.at(-3600) })),
        ("no expiry", json!({ "exp": null })),
        ("expiry as a text", json!({ "exp": "4102444800" })),
        ("expiry out of the calendar", json!({ "exp": 1e300 })),
        ("not yet valid", json!({ "nbf": world.at(3600) })),
        ("issued in the future", json!({ "iat": world.at(3600) })),
        ("not-before as a text", json!({ "nbf": "soon" })),
        ("no subject", json!({ "sub": null })),
        ("empty subject", json!({ "sub": "" })),
        ("a number as subject", json!({ "sub": 17 })),
        ("endless subject", json!({ "sub": long })),
        ("an ID token of Keycloak", json!({ "typ": "ID" })),
        ("a refresh token", json!({ "typ": "Refresh" })),
        ("an ID token with a nonce", json!({ "typ": null, "nonce": "n" })),
        ("an ID token with a hash", json!({ "typ": null, "at_hash": "h" })),
        ("an ID token with nothing", json!({ "typ": null, "azp": AUDIENCE, "scope": null })),
        ("an ID token that names no client", json!({ "typ": null, "azp": null, "scope": null })),
        ("an ID token for several", json!({ "typ": null, "azp": AUDIENCE, "aud": [AUDIENCE, "web"], "scope": null })),
        ("bound to a key of its owner", json!({ "cnf": { "jkt": "thumb" } })),
        ("8 KB", json!({ "groups": "x".repeat(8 * 1024) })),
    ];
    let cases: Vec<(&str, String)> = cases.map(|(name, changes)| (name, world.token(changes))).into();
    assert!(cases.last().is_some_and(|(_, token)| token.len() > TOKEN_BYTES_MAX));
    refuses(&world, &cases).await;
}

#[tokio::test]
async fn no_token_is_taken_that_is_out_of_shape() {
    let world = World::begin().await;
    let claims = world.claims();
    let good = world.token(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let signed = |header: &Value| world.rsa.sign(header, &claims);
    refuses(
        &world,
        &[
            ("one part", parts[0].to_owned()),
            ("two parts", format!("{}.{}", parts[0], parts[1])),
            ("four parts", format!("{good}.{}", parts[2])),
            ("empty parts", "..".to_owned()),
            ("no header", format!(".{}.{}", parts[1], parts[2])),
            ("header cut off", format!("{}.{}.{}", &parts[0][..10], parts[1], parts[2])),
            ("payload cut off", format!("{}.{}.{}", parts[0], &parts[1][..40], parts[2])),
            ("signature cut off", good[..good.len() - 8].to_owned()),
            ("padding", format!("{good}==")),
            ("a payload that is no object", world.rsa.sign(&json!({}), &json!([1]))),
            ("a payload of depth 5000", {
                let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
                format!("{}.{}.{}", parts[0], encode(deep.as_bytes()), parts[2])
            }),
            ("what must be understood", signed(&json!({ "crit": ["exp"], "exp": 1 }))),
            ("nothing that must be understood", signed(&json!({ "crit": [] }))),
            ("unencoded", signed(&json!({ "b64": false, "crit": ["b64"] }))),
            ("encrypted", signed(&json!({ "enc": "A128GCM" }))),
            ("compressed", signed(&json!({ "zip": "DEF" }))),
            ("a logout token", signed(&json!({ "typ": "logout+jwt" }))),
            ("a proof of possession", signed(&json!({ "typ": "dpop+jwt" }))),
            ("no algorithm", signed(&json!({ "alg": null }))),
            ("a number as key id", signed(&json!({ "kid": 1 }))),
            ("no key id among two RSA keys", {
                let mut second = world.encryption.jwk("sig");
                second["kid"] = "rsa-2".into();
                world.issuer.behaviour().keys.push(second);
                world.pass(crate::limits::KEYS_FRESH);
                signed(&json!({ "kid": null }))
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn one_header_with_one_token_or_nothing() {
    let world = World::begin().await;
    let token = world.token(json!({}));
    let good = format!("Bearer {token}");
    for values in [
        &[good.as_str(), good.as_str()][..],
        &[&good, "Basic YTpi"],
        &[&format!("{good}, {good}")],
        &[&format!("Bearer {good}")],
        &[&format!("{good} x")],
        &[&format!("{good} ")],
        &[&format!("Bearer\t{token}")],
        &[&format!("Bearer {}", token.replacen('.', " .", 1))],
        &[&token],
        &["Bearer"],
        &["Bearer "],
        &["Bearer ="],
        &[""],
        &["Basic YTpi"],
        &[&format!("Token {token}")],
    ] {
        let (status, code, challenge) = world.ask(values).await;
        assert_eq!((status, code), (StatusCode::UNAUTHORIZED, json!("UNAUTHENTICATED")), "{values:?}");
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
    }
    let (status, _, challenge) = world.ask(&[]).await;
    assert_eq!((status, challenge.as_str()), (StatusCode::UNAUTHORIZED, "Bearer realm=\"traveladvisor\""));
    assert_eq!(world.issuer.fetches(), 0, "nobody had to be asked");
}
