//! Requests that are made to hurt: each is refused with its code, and before it costs anything.

use std::fmt::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use crate::admission::{Allowance, Places};
use crate::api::Api;
use crate::http::router;
use crate::limits::{BODY_BYTES_MAX, MUTATION_COMPLEXITY, QUERY_COMPLEXITY_MAX};

/// What a refusal may take at most, in a release build.
const REFUSED_WITHIN: Duration = Duration::from_millis(50);
/// How often each request is sent when it is measured.
const ROUNDS: u32 = 20;
/// By how much the process may have grown when all was sent that often.
const GROWTH_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A request and the code of its refusal.
struct Attack {
    name: &'static str,
    body: String,
    code: &'static str,
}

fn by_query(name: &'static str, query: &str, code: &'static str) -> Attack {
    Attack { name, body: json!({ "query": query }).to_string(), code }
}

fn by_variables(name: &'static str, variables: &str, code: &'static str) -> Attack {
    let query = "query($a: HotelFilter!) { hotels(filter: $a) { nodes { id } } }";
    Attack { name, body: format!("{{\"query\": \"{query}\", \"variables\": {variables}}}"), code }
}

fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

/// What is too much of something.
fn too_much() -> Vec<Attack> {
    const REFUSED: &str = "QUERY_TOO_COMPLEX";
    let nested = |open: &str, depth: usize, close: &str| open.repeat(depth) + &close.repeat(depth);
    let fragments = |count: usize, spread: &dyn Fn(usize) -> String| {
        numbered(count, |n| format!("fragment f{n} on Query {{ {} }} ", spread(n + 1)))
    };
    let twice = |n: usize| format!("...f{n} ...f{n}");
    let page = "bookings(first: 100) { nodes { id status version timeline { summary } } }";
    vec![
        by_query("1,000 aliases", &format!("{{ {} }}", numbered(1_000, |n| format!("a{n}: __typename "))), REFUSED),
        by_query("10,000 fields", &format!("{{ {} }}", "__typename ".repeat(10_000)), REFUSED),
        by_query("2,000 fields", &format!("{{ {} }}", "__typename ".repeat(2_000)), REFUSED),
        by_query("depth 50", &format!("{{ {} }}", "a { ".repeat(49) + "a" + &" }".repeat(49)), REFUSED),
        by_query("depth 10,000", &format!("{{ {} }}", nested("a { ", 10_000, " }")), REFUSED),
        by_query(
            "fragments that multiply",
            &format!("{{ ...f0 }} {} fragment f60 on Query {{ __typename }}", fragments(60, &twice)),
            REFUSED,
        ),
        by_query("a chain of fragments", &format!("{{ ...f0 }} {}", fragments(500, &|n| format!("...f{n}"))), REFUSED),
        by_query("1 MB of a query", &format!("{{ __typename }} #{}", "x".repeat(1_000_000)), REFUSED),
        by_query("1 MB of directives", &format!("{{ __typename {} }}", "@skip(if: false) ".repeat(58_000)), REFUSED),
        by_query("900 directives", &format!("{{ __typename {} }}", "@skip(if: false) ".repeat(900)), REFUSED),
        by_query("a text of 1 MB", &format!("{{ hotel(id: \"{}\") {{ id }} }}", "x".repeat(1_000_000)), REFUSED),
        by_query("4,000 operations", &numbered(4_000, |n| format!("query q{n} {{ __typename }} ")), REFUSED),
        by_query("600 operations", &numbered(600, |n| format!("query q{n} {{ __typename }} ")), REFUSED),
        by_query("pages of pages", &format!("{{ {} }}", numbered(60, |n| format!("a{n}: {page} "))), REFUSED),
        by_query("50 dear pages", &format!("{{ {} }}", numbered(50, |n| format!("a{n}: {page} "))), REFUSED),
        by_query(
            "50 writes",
            &format!(
                "mutation {{ {} }}",
                numbered(50, |n| format!("a{n}: cancelBooking(input: {{ bookingId: \"a\" }}) {{ position }} "))
            ),
            REFUSED,
        ),
        by_query(
            "an input value 5,000 deep",
            &format!("{{ hotels(filter: {}) {{ nodes {{ id }} }} }}", nested("{a:", 5_000, "}")),
            REFUSED,
        ),
        by_query("a type 5,000 deep", &format!("query($a: {}) {{ __typename }}", nested("[", 5_000, "]")), REFUSED),
        by_query(
            "a list of 100,000",
            &format!("{{ hotels(filter: [{}]) {{ nodes {{ id }} }} }}", "1,".repeat(100_000)),
            REFUSED,
        ),
        by_query(
            "introspection in itself",
            "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
            REFUSED,
        ),
        by_query(
            "introspection 50 times",
            &format!(
                "{{ {} }}",
                numbered(50, |n| format!(
                    "a{n}: __schema {{ types {{ fields {{ type {{ fields {{ name }} }} }} }} }} "
                ))
            ),
            REFUSED,
        ),
    ]
}

/// What is malformed, or out of its bounds.
fn malformed() -> Vec<Attack> {
    const REFUSED: &str = "INVALID_INPUT";
    let nested = |open: &str, depth: usize, close: &str| open.repeat(depth) + &close.repeat(depth);
    vec![
        by_query(
            "a circle of fragments",
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
            REFUSED,
        ),
        by_query("a circle that nobody enters", "{ __typename } fragment a on Query { ...a }", REFUSED),
        by_query("first: 1000000000", "{ hotels(filter: {}, first: 1000000000) { nodes { id } } }", REFUSED),
        by_query(
            "first: beyond numbers",
            "{ hotels(filter: {}, first: 99999999999999999999) { nodes { id } } }",
            REFUSED,
        ),
        by_query("an argument twice", "{ hotel(id: \"a\", id: \"b\") { id } }", REFUSED),
        by_query("an argument 500 times", &format!("{{ hotel({}) {{ id }} }}", "id: \"a\" ".repeat(500)), REFUSED),
        by_query("a variable twice", "query($a: ID!, $a: ID!) { hotel(id: $a) { id } }", REFUSED),
        by_query(
            "1,000 variables",
            &format!("query({}) {{ __typename }}", numbered(1_000, |n| format!("$a{n}: Int "))),
            REFUSED,
        ),
        by_query("no GraphQL", &"!".repeat(4_000), REFUSED),
        by_query("brackets that stay open", &"{a ".repeat(40), REFUSED),
        by_variables("variables 10,000 deep", &format!("{{\"a\": {}}}", nested("[", 10_000, "]")), REFUSED),
        by_variables("variables 100 deep", &format!("{{\"a\": {}}}", nested("[", 100, "]")), REFUSED),
        by_variables("200,000 variables", &format!("{{\"a\": [{}0]}}", "0,".repeat(200_000)), REFUSED),
        by_variables("200,000 empty lists", &format!("{{\"a\": [{}[]]}}", "[],".repeat(200_000)), REFUSED),
        by_variables("a variable of 1 MB", &format!("{{\"a\": \"{}\"}}", "x".repeat(1_000_000)), REFUSED),
        Attack { name: "a batch", body: format!("[{}0]", "{\"query\":\"{a}\"},".repeat(10_000)), code: REFUSED },
        Attack { name: "a body of 2 MB", body: " ".repeat(2 * BODY_BYTES_MAX), code: REFUSED },
    ]
}

async fn sent(api: &Api, body: String) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post("/graphql").header(CONTENT_TYPE, "application/json").body(Body::from(body));
    let response = router(api.clone()).oneshot(request.expect("a request")).await.expect("an answer");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    (head.status, head.headers, serde_json::from_slice(&bytes).expect("json"))
}

fn asking(query: &str) -> String {
    json!({ "query": query }).to_string()
}

#[tokio::test]
async fn every_abuse_is_refused_with_its_code() {
    let api = Api::alone(Ok(()));
    let mut passed = Vec::new();
    for attack in too_much().into_iter().chain(malformed()) {
        let (_, _, answer) = sent(&api, attack.body).await;
        let has_code = answer["errors"][0]["extensions"]["code"] == attack.code;
        let has_nothing = answer.get("data").is_none_or(|data| *data == Value::Null);
        if !has_code || !has_nothing {
            passed.push(format!("{}: {:.300}", attack.name, answer.to_string()));
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[tokio::test]
async fn every_answer_tells_what_it_cost_and_what_is_left() {
    let cost_per_minute = NonZeroU32::new(1_000_000);
    let api = Api::alone_with(Ok(()), Allowance { cost_per_minute, shared: None });
    let (_, headers, answer) = sent(&api, asking("{ a: __typename b: __typename }")).await;
    assert_eq!(
        answer["extensions"]["cost"],
        json!({ "requested": 2, "max": QUERY_COMPLEXITY_MAX, "remaining": 999_998 })
    );
    assert_eq!(headers["ratelimit-policy"], "\"cost\";q=1000000;qu=\"cost\";w=60");
    assert_eq!(headers["ratelimit"], "\"cost\";r=999998;t=1");
    let (_, _, answer) = sent(
        &api,
        asking(&format!("{{ {} }}", "hotels(filter: {}, first: 100) { nodes { id name city country } } ".repeat(41))),
    )
    .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    assert_eq!(answer["extensions"]["cost"]["requested"], json!(41 * (50 + 100 * 5)));
    let (_, _, answer) = sent(&api, asking("{ nothing }")).await;
    assert!(answer["extensions"]["cost"]["remaining"].is_u64(), "{answer}");
}

#[tokio::test]
async fn who_asks_for_too_much_is_told_when_to_come_back() {
    let cost_per_minute = NonZeroU32::new(u32::try_from(MUTATION_COMPLEXITY * 2 + 10).expect("a number"));
    let api = Api::alone_with(Ok(()), Allowance { cost_per_minute, shared: None });
    let write = || asking("mutation { cancelBooking(input: { bookingId: \"a\" }) { position } }");
    for _ in 0..2 {
        let (status, headers, _) = sent(&api, write()).await;
        assert_eq!((status, headers.contains_key("retry-after")), (StatusCode::OK, false));
    }
    let (status, headers, answer) = sent(&api, write()).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("RATE_LIMITED"))
    );
    let wait: u64 = headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((20..=30).contains(&wait), "{wait}");
    assert!(answer.get("data").is_none() && answer["extensions"]["cost"]["remaining"].is_u64(), "{answer}");
    let (status, _, _) = sent(&api, asking("{ __typename }")).await;
    assert_eq!(status, StatusCode::OK, "what is cheap still passes");
    let page = |name: &str| {
        format!("{name}: hotels(filter: {{}}, first: 100) {{ nodes {{ id name city country timeZone }} }} ")
    };
    let never = asking(&format!("{{ {}{} }}", page("a"), page("b")));
    let (_, _, answer) = sent(&api, never).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX",
        "what no minute could pay is no matter of time"
    );
}

#[tokio::test]
async fn where_no_place_is_free_nobody_is_kept_waiting() {
    let mut api = Api::alone(Ok(()));
    api.places = Places::new(0);
    let (status, headers, answer) = sent(&api, asking("{ __typename }")).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("OVERLOADED"))
    );
    assert!(headers.contains_key("retry-after"));
}

/// Bytes of memory that this process has, where the system tells.
fn resident() -> Option<u64> {
    const PAGE_BYTES: u64 = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split(' ').nth(1)?.parse().ok().map(|pages: u64| pages * PAGE_BYTES)
}

/// `just abuse`. Times are held against their bound in a release build only.
#[tokio::test]
#[ignore = "measures; for a release build"]
#[expect(clippy::print_stdout, reason = "what is measured is for people")]
async fn no_abuse_takes_long_or_leaves_anything_behind() {
    let api = Api::alone(Ok(()));
    let attacks: Vec<Attack> = too_much().into_iter().chain(malformed()).collect();
    let mut table = String::new();
    let mut slowest = Duration::ZERO;
    // What is made once, such as the list of all fields, is no growth.
    for attack in &attacks {
        sent(&api, attack.body.clone()).await;
    }
    let before = resident();
    for attack in &attacks {
        let mut worst = Duration::ZERO;
        for _ in 0..ROUNDS {
            let body = attack.body.clone();
            let began = Instant::now();
            sent(&api, body).await;
            worst = worst.max(began.elapsed());
        }
        let _ =
            writeln!(table, "{:<28} {:>9} bytes {:>9.3} ms", attack.name, attack.body.len(), worst.as_secs_f64() * 1e3);
        slowest = slowest.max(worst);
    }
    let grown = resident().zip(before).map_or(0, |(after, before)| after.saturating_sub(before));
    println!("{table}grown by {grown} bytes in {} requests", attacks.len() * ROUNDS as usize);
    assert!(grown < GROWTH_BYTES_MAX, "grown by {grown} bytes");
    assert!(cfg!(debug_assertions) || slowest < REFUSED_WITHIN, "{slowest:?}");
}
