//! What holds at the edge whatever stands behind it.

mod abuse;
mod over_http;
mod persisted;

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use axum::http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;
use traveladvisor_commands::Deciders;
use traveladvisor_commands::deciders::{Decider, Remote};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::config::Services;
use traveladvisor_infra::services::{Service, ServiceSettings};

use super::router;
use crate::api::Api;
use crate::limits::{BODY_BYTES_MAX, QUERY_DEPTH_MAX};

pub(super) const JSON: &str = "application/json";
pub(super) const GRAPHQL: &str = "application/graphql-response+json";

pub(super) async fn send(request: Request<Body>) -> Response<Body> {
    router(Api::alone(Ok(()))).oneshot(request).await.expect("an answer")
}

pub(super) fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql").header(CONTENT_TYPE, JSON).body(body.into()).expect("a request")
}

pub(super) fn ask(query: &str) -> Request<Body> {
    post(json!({ "query": query }).to_string())
}

pub(super) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

pub(super) fn accepting(mut request: Request<Body>, media: &str) -> Request<Body> {
    request.headers_mut().insert(ACCEPT, media.parse().expect("a value"));
    request
}

pub(super) async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let media = response.headers().get(CONTENT_TYPE).expect("a content type").to_str().expect("text").to_owned();
    assert!(media.starts_with(JSON) || media.starts_with(GRAPHQL), "{media}");
    let status = response.status();
    let bytes = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
    (status, serde_json::from_slice(&bytes).expect("json"))
}

pub(super) async fn error_of(request: Request<Body>) -> (StatusCode, String) {
    let (status, answer) = read(send(request).await).await;
    assert!(answer.get("data").is_none(), "{answer}");
    (status, answer["errors"][0]["extensions"]["code"].as_str().expect("a code").to_owned())
}

#[tokio::test]
async fn a_query_is_answered_by_both_methods() {
    let (status, answer) = read(send(ask("{ __typename }")).await).await;
    assert_eq!((status, &answer["data"]), (StatusCode::OK, &json!({ "__typename": "Query" })));
    let (status, answer) = read(send(get("/graphql?query=%7B__typename%7D")).await).await;
    assert_eq!((status, &answer["data"]), (StatusCode::OK, &json!({ "__typename": "Query" })));
    let skipped = "/graphql?query=query(%24a:Boolean!)%7Bsaga(bookingId:%22a%22)%20@include(if:%24a)%7Bstatus%7D%7D\
                   &variables=%7B%22a%22:false%7D";
    let (_, answer) = read(send(get(skipped)).await).await;
    assert_eq!(answer["data"], json!({}));
}

#[tokio::test]
async fn the_usual_introspection_fits_the_limits() {
    let types = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
    let query = format!(
        "query {{ __schema {{ queryType {{ name }} types {{ name fields(includeDeprecated: true) {{ name args {{ name \
         type {{ {types} }} }} type {{ {types} }} }} inputFields {{ type {{ {types} }} }} enumValues {{ name }} }} }} }}"
    );
    let (status, answer) = read(send(ask(&query)).await).await;
    assert_eq!(status, StatusCode::OK);
    assert!(answer.get("errors").is_none(), "{answer}");
}

#[tokio::test]
async fn what_is_no_request_has_a_status_of_its_own() {
    let bad = |body: &'static str| post(body);
    assert_eq!(error_of(bad("{")).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    assert_eq!(error_of(bad("{}")).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    assert_eq!(error_of(bad("[]")).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    assert_eq!(error_of(get("/graphql")).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    assert_eq!(error_of(get("/graphql?query={a}&variables=[]")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(error_of(accepting(ask("{ __typename }"), "text/html")).await.0, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(error_of(get("/nowhere")).await, (StatusCode::NOT_FOUND, "NOT_FOUND".into()));
    let text = Request::post("/graphql").header(CONTENT_TYPE, "text/plain").body(Body::from("{}")).expect("a request");
    assert_eq!(error_of(text).await, (StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn a_body_of_two_megabytes_is_refused_as_graphql_does() {
    let query = format!("{{ __typename }} #{}", "x".repeat(2 * BODY_BYTES_MAX));
    assert_eq!(error_of(ask(&query)).await, (StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn writes_go_by_post_only() {
    let mutation = "/graphql?query=mutation%7BcancelBooking(input:%7BbookingId:%22a%22%7D)%7Bposition%7D%7D";
    let response = send(get(mutation)).await;
    assert_eq!(response.headers()[ALLOW], "POST");
    let (status, _) = read(response).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let mut delete = get("/graphql");
    *delete.method_mut() = Method::DELETE;
    let response = send(delete).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = response.headers()[ALLOW].to_str().expect("text").to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn the_media_type_asked_for_decides_the_status_of_a_rejected_query() {
    let broken = "{ nothing }";
    assert_eq!(error_of(ask(broken)).await, (StatusCode::OK, "INVALID_INPUT".into()));
    assert_eq!(error_of(accepting(ask(broken), GRAPHQL)).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    let syntax = "{ booking(";
    assert_eq!(error_of(accepting(ask(syntax), GRAPHQL)).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn a_query_that_costs_too_much_is_refused() {
    let deep = format!(
        "{{ __schema {{ types {} }} }}",
        "{ fields { type ".repeat(QUERY_DEPTH_MAX) + "{ name }" + &" } }".repeat(QUERY_DEPTH_MAX)
    );
    assert_eq!(error_of(ask(&deep)).await.1, "QUERY_TOO_COMPLEX");
    let page =
        |n: usize| format!("a{n}: bookings(first: 100) {{ nodes {{ id status version timeline {{ summary }} }} }} ");
    let wide = format!("{{ {} }}", (0..60).map(page).collect::<String>());
    assert_eq!(error_of(ask(&wide)).await.1, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn no_depth_of_values_takes_the_process_down() {
    for depth in [100, 300, 1_000, 3_000, 10_000, 60_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        for query in [
            format!("{{ booking(id: {open}1{close}) {{ id }} }}"),
            format!(
                "{{ hotels(filter: {}1{}) {{ pageInfo {{ endCursor }} }} }}",
                "{a:".repeat(depth),
                "}".repeat(depth)
            ),
            format!("query($a: Int = {open}1{close}) {{ booking(id: $a) {{ id }} }}"),
        ] {
            assert_eq!(error_of(ask(&query)).await.1, "QUERY_TOO_COMPLEX");
        }
        let body = format!(
            "{{\"query\": \"query($a: ID!) {{ booking(id: $a) {{ id }} }}\", \"variables\": {{\"a\": {open}{close}}}}}"
        );
        let (_, answer) = read(send(post(body)).await).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{answer}");
    }
}

#[tokio::test]
async fn no_rejected_value_comes_back() {
    let card = "4242424242424242";
    let input = |payment: Value| json!({ "idempotencyKey": "k", "traveller": { "email": "a@b", "name": "n" }, "payment": payment });
    let query = "mutation($input: BookTripInput!) { bookTrip(input: $input) { position } }";
    for payment in [
        json!({ "method": card, "cardNumber": card }),
        json!({ "method": "CARD", "cardNumber": 4_242_424_242_424_242_u64 }),
        json!({ "method": "CARD", "cardNumber": [card] }),
        json!({ "method": "CARD", card: card }),
        json!({ "method": "CARD", "card\"Number": card }),
        json!(card),
        json!([card]),
    ] {
        let body = json!({ "query": query, "variables": { "input": input(payment) } }).to_string();
        let (_, answer) = read(send(post(body)).await).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{answer}");
        assert!(!answer.to_string().contains("4242"), "{answer}");
    }
    let inline = format!("{{ booking(id: {card}, {card}: 1) {{ id }} }}");
    let (_, answer) = read(send(ask(&inline)).await).await;
    assert!(!answer.to_string().contains("4242"), "{answer}");
}

#[tokio::test]
async fn the_field_that_graphql_rejects_is_named_in_the_extensions() {
    let query = "query($day: Date) { flights(filter: { departureDate: $day }) { pageInfo { hasNextPage } } }";
    let body = json!({ "query": query, "variables": { "day": "2024-13-45" } }).to_string();
    let (_, answer) = read(send(post(body)).await).await;
    assert_eq!(answer["errors"][0]["extensions"]["path"], json!(["filter", "departureDate"]), "{answer}");
}

#[tokio::test]
async fn a_fault_of_ours_says_only_that() {
    let (status, answer) = read(send(ask("{ hotel(id: \"hotel_00000000000000000000000000\") { id } }")).await).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["data"], json!({ "hotel": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
    assert_eq!(answer["errors"][0]["path"], json!(["hotel"]));
    assert!(!answer.to_string().contains("Data"), "{answer}");
}

#[tokio::test]
async fn arguments_out_of_bounds_are_refused_before_anything_is_read() {
    for (arguments, path) in [
        ("filter: {}, first: 101", json!(["first"])),
        ("filter: {}, first: 0", json!(["first"])),
        ("filter: {}, after: \"\\u0000\"", json!(["after"])),
        ("filter: { city: \"a\\u0000\" }", json!(["filter", "city"])),
        ("filter: { checkIn: \"2024-12-31\" }", json!(["filter", "checkOut"])),
        ("filter: { checkIn: \"2024-12-31\", checkOut: \"2024-12-30\" }", json!(["filter", "checkOut"])),
        ("filter: { rooms: 100 }", json!(["filter", "rooms"])),
    ] {
        let query = format!("{{ hotels({arguments}) {{ pageInfo {{ hasNextPage }} }} }}");
        let (_, answer) = read(send(ask(&query)).await).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["path"], path, "{answer}");
    }
}

#[tokio::test]
async fn health_tells_whether_and_why() {
    let (status, answer) = read(send(get("/health/ready")).await).await;
    assert_eq!((status, answer["status"].as_str()), (StatusCode::OK, Some("ready")));
    let waiting = || router(Api::alone(Err("the projections are catching up")));
    let (status, answer) = read(waiting().oneshot(get("/health/ready")).await.expect("an answer")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer["reason"], "the projections are catching up");
    let (status, _) = read(waiting().oneshot(get("/health/live")).await.expect("an answer")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn it_is_told_which_processes_get_no_commands() {
    let services = Services { hotel: Some("http://127.0.0.1:1,http://127.0.0.1:2".to_owned()), ..Services::default() };
    let service = Service::new(Context::Hotel, &services, ServiceSettings::default()).expect("a service");
    let deciders = Deciders::each(|context| match context {
        Context::Hotel => Decider::There(Remote::new(service.clone())),
        _ => Decider::Nobody,
    });
    let response = router(Api { deciders, ..Api::alone(Ok(())) }).oneshot(get("/metrics")).await.expect("an answer");
    let bytes = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    for process in ["http://127.0.0.1:1", "http://127.0.0.1:2"] {
        let line = format!("traveladvisor_service_breaker_open{{role=\"hotel\",process=\"{process}\"}} 0\n");
        assert!(text.contains(&line), "{text}");
    }
}

#[tokio::test]
async fn requests_and_positions_are_counted() {
    let router = router(Api::alone(Ok(())));
    for path in ["/nowhere", "/elsewhere", "/health/live"] {
        router.clone().oneshot(get(path)).await.expect("an answer");
    }
    let response = router.oneshot(get("/metrics")).await.expect("an answer");
    let bytes = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    assert!(text.contains("traveladvisor_http_requests_total{route=\"other\",status=\"4xx\"} 2\n"), "{text}");
    assert!(text.contains("traveladvisor_projection_position{projection=\"booking\"} 42\n"), "{text}");
    assert!(text.contains("traveladvisor_gather_lag_events{log=\"hotel\"} 7\n"), "{text}");
}
