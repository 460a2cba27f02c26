//! Tokens on the way that real ones take: an issuer over HTTP, its keys, and the router that a request comes to.

mod accepted;
mod development;
mod issuer;
mod refused;
mod renewal;
mod signer;
mod source;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tower::ServiceExt;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::config::Trusted;

use self::issuer::TestIssuer;
use self::signer::{Algorithm, Signer};
use super::Identity;
use crate::api::Api;
use crate::caller::Caller;
use crate::http::router;

const AUDIENCE: &str = "booking-api";
const SUBJECT: &str = "3f1b3a52-6a0c-4a57-9d9e-0f8f2b7f6f10";
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A clock that stands until it is moved.
struct HandClock(Mutex<DateTime<Utc>>);

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("the clock")
    }
}

/// An issuer with one key of each kind, and who trusts it.
struct World {
    issuer: TestIssuer,
    clock: Arc<HandClock>,
    identity: Identity,
    router: Router,
    rsa: Signer,
    ec: Signer,
    /// Published for encryption.
    encryption: Signer,
}

impl World {
    async fn begin() -> Self {
        let (rsa, ec, encryption) = (Signer::rsa("rsa", 1), Signer::ec("ec"), Signer::rsa("enc", 2));
        let issuer = TestIssuer::start(vec![rsa.jwk("sig"), ec.jwk("sig"), encryption.jwk("enc")]).await;
        let start = "2026-06-01T12:00:00Z".parse().expect("an instant");
        let clock = Arc::new(HandClock(Mutex::new(start)));
        let identity = trusting(&Self::trusted(&issuer), &clock);
        let router = router(Api { identity: identity.clone(), ..Api::alone(Ok(())) });
        Self { issuer, clock, identity, router, rsa, ec, encryption }
    }

    fn trusted(issuer: &TestIssuer) -> Trusted {
        Trusted { issuer: issuer.url(), audience: AUDIENCE.to_owned(), jwks_url: None, roles_claim: None }
    }

    /// Lets time pass.
    fn pass(&self, time: Duration) {
        let mut now = self.clock.0.lock().expect("the clock");
        *now += TimeDelta::from_std(time).expect("a span");
    }

    /// Seconds since 1970, now and so many later.
    fn at(&self, seconds: i64) -> i64 {
        self.clock.now().timestamp() + seconds
    }

    /// What a good token says.
    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url(), "aud": AUDIENCE, "sub": SUBJECT, "azp": "booking-web", "typ": "Bearer",
            "iat": self.at(-10), "exp": self.at(300), "scope": "openid bookings:read bookings:write",
        })
    }

    /// A good token, but for these claims; null takes one away.
    fn token(&self, changes: Value) -> String {
        self.rsa.sign(&json!({}), &with(self.claims(), changes))
    }

    /// The status of the answer to a request with these values of `Authorization`, its GraphQL code and its challenge.
    async fn ask(&self, values: &[&str]) -> (StatusCode, Value, String) {
        let mut request = Request::post("/graphql").header(CONTENT_TYPE, "application/json");
        for value in values {
            request = request.header(AUTHORIZATION, *value);
        }
        let request = request.body(Body::from(r#"{"query":"{ __typename }"}"#)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let (status, challenge) = (response.status(), challenge.unwrap_or_default().to_owned());
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        (status, answer["errors"][0]["extensions"]["code"].clone(), challenge)
    }

    /// The status of the answer to a request with this token.
    async fn status(&self, token: &str) -> StatusCode {
        self.ask(&[&format!("Bearer {token}")]).await.0
    }

    /// Whom a token names.
    async fn caller(&self, token: &str) -> Caller {
        self.identity.caller(&bearer(token)).await.expect("a caller")
    }
}

fn trusting(trusted: &Trusted, clock: &Arc<HandClock>) -> Identity {
    Identity::trusting(trusted, clock.clone()).expect("settings")
}

fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a value");
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

/// An object with other members; null takes one away.
fn with(mut object: Value, changes: Value) -> Value {
    let (Some(members), Value::Object(changes)) = (object.as_object_mut(), changes) else { panic!("objects") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name)
        } else {
            members.insert(name, value)
        };
    }
    object
}
