//! Every code of the closed list, provoked: a code that nobody can meet has no place in it, and one that is met must stand there.

use std::collections::BTreeSet;
use std::time::Duration;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};
use traveladvisor_domain::id::{CampaignId, MemberId, RewardId};
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, TokeniseError, UnknownOutcome};

use crate::world::{BOOK, Gateway, UPSERT_CAR, UPSERT_FLIGHT, World, car, flight, merge};

/// A card at which the gateway never answers.
const HANGS: &str = "4000000000000119";
/// A card at which it panics.
const PANICS: &str = "4000000000000127";
/// Commands at once that are more than the engine keeps waiting, and more than the edge lets in.
const CROWD: usize = 4_000;

/// How a code is met; the answer has it somewhere.
type Provoke = for<'w> fn(&'w World) -> BoxFuture<'w, Value>;

/// One row for each code of the schema.
const PROVOKED: &[(&str, Provoke)] = &[
    ("INVALID_INPUT", |world| ask(world, "{ hotels(filter: {}, first: 0) { pageInfo { hasNextPage } } }")),
    ("NOT_FOUND", |world| ask(world, "mutation { cancelBooking(input: { bookingId: \"x\" }) { errors { code } } }")),
    ("IDEMPOTENCY_KEY_REUSED", |world| {
        let twice =
            ["1", "2"].map(|name| json!({ "idempotencyKey": "reused", "traveller": { "name": name }, "car": null }));
        book_all(world, twice.into())
    }),
    ("VERSION_CONFLICT", |world| async { cancel(world, json!({ "expectedVersion": 99 })).await }.boxed()),
    ("CONFLICT", |world| {
        let both = "mutation { a: rebuildProjection(name: \"booking\") { errors { code } } \
             b: rebuildProjection(name: \"payment_ledger\") { errors { code } } }";
        ask(world, both)
    }),
    ("SOLD_OUT", |world| book(world, json!({ "hotel": { "rooms": 3 } }))),
    ("STOP_SELL", |world| {
        async {
            let nights = json!({ "hotelId": world.hotel, "roomType": "DBL", "from": "2025-03-01", "to": "2025-03-02", "stopSell": true });
            let close = "mutation($i: ChangeAllotmentInput!) { changeAllotment(input: $i) { errors { code } } }";
            world.ask(close, json!({ "i": nights })).await;
            book(world, json!({ "hotel": { "checkIn": "2025-03-01", "checkOut": "2025-03-02" } })).await
        }
        .boxed()
    }),
    ("PAST", |world| book(world, json!({ "hotel": { "checkIn": "2024-11-10", "checkOut": "2024-11-12" } }))),
    ("UNKNOWN_ROOM_TYPE", |world| book(world, json!({ "hotel": { "roomType": "X" } }))),
    ("UNKNOWN_CABIN", |world| book(world, json!({ "flight": { "cabin": "X" } }))),
    ("PRICE_CHANGED", |world| book(world, json!({ "expectedTotal": { "amount": "1", "currency": "GBP" } }))),
    ("CURRENCY_MISMATCH", |world| {
        async {
            let mut other = flight();
            merge(&mut other, json!({ "code": "EUR" }));
            other["cabins"][0]["price"]["currency"] = json!("EUR");
            let listed = world.ask(UPSERT_FLIGHT, json!({ "input": other })).await;
            book(world, json!({ "flight": { "flightId": listed["upsertFlight"]["flight"]["id"] } })).await
        }
        .boxed()
    }),
    ("PAYMENT_DECLINED", |world| book(world, json!({ "payment": { "cardNumber": "4000000000000002" } }))),
    ("INSUFFICIENT_FUNDS", |world| book(world, json!({ "payment": { "cardNumber": "4000000000009995" } }))),
    ("PAYMENT_METHOD_UNAVAILABLE", |world| {
        book(world, json!({ "payment": { "method": "POINTS", "cardNumber": null } }))
    }),
    ("NOT_CANCELLABLE", |world| {
        async {
            let rental = json!({ "pickUpAt": world.in_seconds(4), "dropOffAt": "2024-12-05T00:00:00Z" });
            let booked = book(world, json!({ "hotel": null, "flight": null, "car": rental })).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            cancel_that(world, json!({ "bookingId": booked["data"]["bookTrip"]["booking"]["id"] })).await
        }
        .boxed()
    }),
    ("NOT_RESOLVABLE", |world| {
        async {
            let booked = book(world, json!({ "hotel": null, "car": null })).await;
            let resolve = "mutation($i: ResolveSagaInput!) { resolveSaga(input: $i) { errors { code } } }";
            let input = json!({ "bookingId": booked["data"]["bookTrip"]["booking"]["id"], "verb": "RETRY", "reason": "why not" });
            world.send(resolve, json!({ "i": input })).await
        }
        .boxed()
    }),
    ("ALREADY_EXISTS", |world| ask_all(world, vec![sign_up("1"), sign_up("2")])),
    ("MEMBER_CLOSED", |world| ask_all(world, vec![sign_up("1"), CLOSE_MEMBER.to_owned(), sign_up("2")])),
    ("VOUCHER_USED", |world| {
        async {
            let voucher = voucher(world, "percent: 10").await;
            let twice = ["1", "2"].map(|key| json!({ "idempotencyKey": key, "voucher": voucher, "car": null }));
            book_all(world, twice.into()).await
        }
        .boxed()
    }),
    ("VOUCHER_EXPIRED", |world| {
        async {
            let voucher = voucher(world, "percent: 10, validDays: 1").await;
            let later = world.another_at("2025-01-05T00:00:00Z").await;
            later.ask(BOOK, json!({ "input": world.trip(json!({ "voucher": voucher })) })).await
        }
        .boxed()
    }),
    ("VOUCHER_NOT_APPLICABLE", |world| {
        async {
            let voucher = voucher(world, "percent: 10, minimumTotal: { amount: \"9999\", currency: \"GBP\" }").await;
            book(world, json!({ "voucher": voucher })).await
        }
        .boxed()
    }),
    ("CAMPAIGN_CLOSED", |world| {
        let id = CampaignId::of("own", "C");
        let close = format!("mutation {{ closeCampaign(input: {{ campaignId: \"{id}\" }}) {{ errors {{ code }} }} }}");
        ask_all(world, vec![sign_up("1"), list("2024-01-01", "percent: 1"), close, grant()])
    }),
    ("CAMPAIGN_NOT_OPEN", |world| ask_all(world, vec![sign_up("1"), list("2025-01-01", "percent: 1"), grant()])),
    ("UNAUTHENTICATED", |world| as_somebody(world, "nobody's")),
    ("FORBIDDEN", |world| {
        as_somebody(world, &development_token("ada@example.com", &[Scope::BookingsRead], None).token)
    }),
    ("QUERY_TOO_COMPLEX", |world| {
        let page = "bookings(first: 100) { nodes { id status version timeline { summary } } }";
        let pages: Vec<String> = (0..60).map(|number| format!("a{number}: {page}")).collect();
        async move { world.send(&format!("{{ {} }}", pages.join(" ")), json!({})).await }.boxed()
    }),
    ("OVERLOADED", |world| crowd(world).boxed()),
    ("UNAVAILABLE", |world| {
        ask(world, "{ booking(id: \"booking_00000000000000000000000000\", atLeast: \"999999\") { id } }")
    }),
    ("DEADLINE_EXCEEDED", |world| book(world, json!({ "payment": { "cardNumber": HANGS } }))),
    ("INTERNAL", |world| book(world, json!({ "payment": { "cardNumber": PANICS } }))),
];

fn ask<'w>(world: &'w World, query: &'static str) -> BoxFuture<'w, Value> {
    async move { world.send(query, json!({})).await }.boxed()
}

/// Asks for all of this, one after the other; answers the last.
fn ask_all(world: &World, queries: Vec<String>) -> BoxFuture<'_, Value> {
    async move {
        let mut answer = Value::Null;
        for query in queries {
            answer = world.send(&query, json!({})).await;
        }
        answer
    }
    .boxed()
}

const CLOSE_MEMBER: &str = "mutation { closeMember(input: {}) { errors { code } } }";

/// Whoever asks signs up.
fn sign_up(key: &str) -> String {
    format!(
        "mutation {{ signUp(input: {{ idempotencyKey: \"{key}\", email: \"a@b\", nickname: \"a\", firstName: \"a\", lastName: \"a\", \
         contactNumber: \"1\" }}) {{ errors {{ code }} }} }}"
    )
}

/// Lists a campaign that opens on a day and grants such vouchers for reviews.
fn list(opens: &str, terms: &str) -> String {
    format!(
        "mutation {{ openCampaign(input: {{ idempotencyKey: \"c\", campaign: {{ code: \"C\", name: \"C\", description: \"C\", \
         action: REVIEW, reward: {{ voucher: {{ {terms} }} }}, opensAt: \"{opens}T00:00:00Z\" }} }}) {{ errors {{ code }} }} }}"
    )
}

/// Grants its reward to the only member.
fn grant() -> String {
    let (member, campaign) = (MemberId::of("anonymous"), CampaignId::of("own", "C"));
    format!(
        "mutation {{ grantReward(input: {{ idempotencyKey: \"g\", memberId: \"{member}\", campaignId: \"{campaign}\", \
         cause: \"review\" }}) {{ errors {{ code }} }} }}"
    )
}

/// A voucher of such terms, of whoever asks.
async fn voucher(world: &World, terms: &str) -> String {
    let granted = ask_all(world, vec![sign_up("1"), list("2024-01-01", terms), grant()]).await;
    assert_eq!(granted["data"]["grantReward"]["errors"], json!([]), "{granted}");
    RewardId::of(CampaignId::of("own", "C"), "review").to_string()
}

/// Asks for what only operators may.
fn as_somebody<'w>(world: &'w World, token: &str) -> BoxFuture<'w, Value> {
    let bearer = format!("Bearer {token}").parse().expect("a value");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    async move { world.send_with("{ projections { name } }", json!({}), headers).await }.boxed()
}

fn book(world: &World, change: Value) -> BoxFuture<'_, Value> {
    book_all(world, vec![change])
}

/// Books these trips, one after the other, each with a key of its own unless it has one; answers the last.
fn book_all(world: &World, changes: Vec<Value>) -> BoxFuture<'_, Value> {
    async move {
        let mut answer = Value::Null;
        for change in changes {
            let mut wanted = json!({ "idempotencyKey": change.to_string().chars().filter(char::is_ascii_alphabetic).collect::<String>() });
            merge(&mut wanted, change);
            answer = world.send(BOOK, json!({ "input": world.trip(wanted) })).await;
        }
        answer
    }
    .boxed()
}

async fn cancel(world: &World, change: Value) -> Value {
    let booked = book(world, json!({ "hotel": null, "car": null })).await;
    let mut input = json!({ "bookingId": booked["data"]["bookTrip"]["booking"]["id"] });
    merge(&mut input, change);
    cancel_that(world, input).await
}

async fn cancel_that(world: &World, input: Value) -> Value {
    let query = "mutation($i: CancelBookingInput!) { cancelBooking(input: $i) { errors { code } } }";
    world.send(query, json!({ "i": input })).await
}

/// More at once than there is room for, while the log takes nothing in; the first that is turned away.
async fn crowd(world: &World) -> Value {
    let lock = world.hold_the_log().await;
    let listing = |number: usize| {
        let mut fleet = car();
        merge(&mut fleet, json!({ "code": format!("crowd {number}") }));
        async move { world.send(UPSERT_CAR, json!({ "input": fleet })).await }
    };
    let mut answers: FuturesUnordered<_> = (0..CROWD).map(listing).collect();
    let first = tokio::time::timeout(Duration::from_secs(20), answers.next()).await;
    drop(answers);
    drop(lock);
    first.ok().flatten().unwrap_or_default()
}

/// The sandbox, but for two cards.
struct Odd(Gateway);

impl PaymentGateway for Odd {
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        match card_number.expose_secret() {
            HANGS => futures::future::pending().boxed(),
            PANICS => async { panic!("{}: not to be told", module_path!()) }.boxed(),
            _ => self.0.tokenise(card_number),
        }
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        self.0.call(call, expires_at)
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        self.0.look_up(key)
    }

    fn request_lifetime(&self) -> Duration {
        self.0.request_lifetime()
    }
}

/// A world whose gateway hangs at one card and panics at another.
pub(crate) async fn odd_world() -> World {
    World::begin_beside(|gateway| std::sync::Arc::new(Odd(gateway))).await
}

/// The codes of an answer, wherever they stand.
fn codes(answer: &Value) -> BTreeSet<String> {
    let below = |values: Vec<&Value>| values.into_iter().flat_map(codes).collect();
    match answer {
        Value::Array(items) => below(items.iter().collect()),
        Value::Object(members) => {
            let own = members.get("code").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain::<BTreeSet<_>>(below(members.values().collect())).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn listed() -> BTreeSet<String> {
    let document = parse_schema(traveladvisor_api::sdl()).expect("the schema parses");
    let kinds = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) if definition.node.name.node == "ErrorCode" => {
            Some(definition.node.kind)
        }
        _ => None,
    });
    let values = kinds.flat_map(|kind| if let TypeKind::Enum(kind) = kind { kind.values } else { Vec::new() });
    values.map(|value| value.node.value.node.to_string()).collect()
}

#[tokio::test]
async fn every_code_can_be_met_and_is_the_only_one_told() {
    let meet = async |(code, provoke): &(&str, Provoke)| {
        let world = odd_world().await;
        let answer = provoke(&world).await;
        assert_eq!(codes(&answer), BTreeSet::from([(*code).to_owned()]), "{code}: {answer}");
    };
    // The deadline takes its time; the others are met meanwhile, one after the other.
    let (slow, others): (Vec<_>, Vec<_>) = PROVOKED.iter().partition(|(code, _)| *code == "DEADLINE_EXCEEDED");
    let meet_all = async |all: Vec<&(&str, Provoke)>| {
        for row in all {
            meet(row).await;
        }
    };
    tokio::join!(meet_all(slow), meet_all(others));
}

#[test]
fn no_code_of_the_schema_is_without_a_way_to_meet_it() {
    let provoked: BTreeSet<String> = PROVOKED.iter().map(|(code, _)| (*code).to_owned()).collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(code, _)| (*code).to_owned()).collect();
    assert_eq!(provoked.union(&elsewhere).cloned().collect::<BTreeSet<_>>(), listed());
    for (code, place) in ELSEWHERE {
        let path = format!("{}/{place}", env!("CARGO_MANIFEST_DIR"));
        let tests = std::fs::read_to_string(&path).expect(&path);
        assert!(tests.contains("#[tokio::test]"), "{place} has no tests");
        assert!(tests.contains(&format!("\"{code}\"")), "no test in {place} meets {code}");
    }
}

/// Codes that need a world with limits of its own, or no world at all, and the files of the tests that meet them.
const ELSEWHERE: &[(&str, &str)] =
    &[("RATE_LIMITED", "src/http/tests/abuse.rs"), ("PERSISTED_QUERY_NOT_FOUND", "src/http/tests/persisted.rs")];
