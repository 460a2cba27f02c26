//! Members, their points, campaigns and vouchers, through the API.

mod bad_input;
mod campaigns;
mod foreign;
mod points;
mod vouchers;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};

use crate::world::{BOOK, World, merge, text};

const TRAVELLER: [Scope; 2] = [Scope::BookingsRead, Scope::BookingsWrite];
const SIGN_UP: &str = "mutation($input: SignUpInput!) { signUp(input: $input) { \
     member { id status email nickname firstName lastName contactNumber gender version points { balance entries { nodes { type points } } } } \
     position errors { code message path } } }";
const OPEN: &str = "mutation($input: OpenCampaignInput!) { openCampaign(input: $input) { \
     campaign { id code status granted budget reward { kind points percent } } position errors { code message path } } }";
const GRANT: &str = "mutation($input: GrantRewardInput!) { grantReward(input: $input) { \
     reward { id kind points percent isUsable } member { id points { balance } } position errors { code message path } } }";
const ME: &str = "query($at: Position) { me(atLeast: $at) { id email nickname status version \
     points { balance entries(first: 50) { nodes { id position type points balance campaignId rewardId bookingId reason value { amount } } } } \
     vouchers { nodes { id kind isUsable bookingId discount { amount } } } bookings { nodes { id status } } } }";

fn headers(email: &str, scopes: &[Scope]) -> HeaderMap {
    let token = development_token(email, scopes, None).token;
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().expect("a header"))])
}

/// A traveller with an address; the same address is the same person.
fn traveller(email: &str) -> HeaderMap {
    headers(email, &TRAVELLER)
}

fn ada() -> HeaderMap {
    traveller("ada@example.com")
}

fn bob() -> HeaderMap {
    traveller("bob@example.com")
}

/// What somebody says of themselves, changed by merging `change` into it.
fn profile(email: &str, change: Value) -> Value {
    let mut whole = json!({
        "idempotencyKey": format!("sign up {email}"), "email": email, "nickname": "nick",
        "firstName": "Ada", "lastName": "Lovelace", "contactNumber": "+44 20 7946 0000",
    });
    merge(&mut whole, change);
    whole
}

/// The payload of a mutation of this name, asked by somebody.
async fn change(world: &World, query: &str, input: Value, by: &HeaderMap) -> Value {
    let mut answer = world.send_with(query, json!({ "input": input }), by.clone()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let members = answer["data"].as_object_mut().expect("data");
    members.iter_mut().next().map(|(_, payload)| payload.take()).expect("a payload")
}

/// The payload without errors.
async fn done(world: &World, query: &str, input: Value, by: &HeaderMap) -> Value {
    let payload = change(world, query, input, by).await;
    assert_eq!(payload["errors"], json!([]), "{payload}");
    payload
}

/// Who signs up with an address, as the person whom it names; the member's id.
async fn signed_up(world: &World, email: &str) -> String {
    text(&done(world, SIGN_UP, profile(email, json!({})), &traveller(email)).await["member"]["id"])
}

/// The caller as a member, at a position.
async fn me(world: &World, by: &HeaderMap, at: &Value) -> Value {
    let mut answer = world.send_with(ME, json!({ "at": at }), by.clone()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["me"].take()
}

/// A campaign in order, which opened before the world began.
fn campaign(code: &str, action: &str, reward: Value) -> Value {
    let mut whole = json!({ "code": code, "name": "A campaign", "description": "What it is about", "action": action,
        "opensAt": "2024-11-01T00:00:00Z" });
    whole["reward"] = reward;
    whole
}

/// Lists a campaign; its id.
async fn listed(world: &World, campaign: Value) -> String {
    let input = json!({ "idempotencyKey": format!("list {}", campaign["code"]), "campaign": campaign });
    text(&done(world, OPEN, input, &HeaderMap::new()).await["campaign"]["id"])
}

/// What sign-up brings in this world: so many points.
async fn world_with_points(points: &str) -> World {
    let world = World::begin().await;
    listed(&world, campaign("WELCOME", "SIGNUP", json!({ "points": points }))).await;
    world
}

/// A trip by somebody, finished; its payload.
async fn booked(world: &World, trip: Value, by: &HeaderMap) -> Value {
    let mut answer = world.send_with(BOOK, json!({ "input": world.trip(trip) }), by.clone()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["bookTrip"].take()
}

/// Code and path of each error of a payload.
fn told(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["errors"].as_array().unwrap_or_else(|| panic!("no errors: {payload}"));
    let path = |error: &Value| {
        let steps = error["path"].as_array().expect("a path").iter().map(text).collect::<Vec<_>>();
        steps.join(".")
    };
    errors.iter().map(|error| (text(&error["code"]), path(error))).collect()
}

/// One error, as [`told`] tells it.
fn one(code: &str, path: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), path.to_owned())]
}
