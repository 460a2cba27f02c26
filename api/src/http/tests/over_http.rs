//! What "GraphQL over HTTP" asks for beyond what its audit suite looks at, and what no browser may be made to send.

use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::json;

use super::{GRAPHQL, JSON, accepting, ask, error_of, get, post, read, send};
use crate::limits::BODY_BYTES_MAX;

const TYPENAME: &str = "/graphql?query=%7B__typename%7D";

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
    request
}

fn by(method: Method, mut request: Request<Body>) -> Request<Body> {
    *request.method_mut() = method;
    request
}

#[tokio::test]
async fn whatever_is_no_request_is_told_so_in_both_media_types_and_without_data() {
    let bodies = [
        "",
        " ",
        "null",
        "1",
        "\"{ __typename }\"",
        "{",
        "{}",
        "[]",
        r#"[{"query": "{ __typename }"}]"#,
        r#"{"query": null}"#,
        r#"{"query": ["{ __typename }"]}"#,
        r#"{"query": "{ __typename }", "operationName": {}}"#,
        r#"{"query": "{ __typename }", "variables": "{}"}"#,
        r#"{"query": "{ __typename }", "extensions": []}"#,
        r#"{"query": "{ __typename }"} more"#,
        "query=%7B__typename%7D",
    ];
    for media in [JSON, GRAPHQL] {
        for body in bodies {
            let answered = error_of(accepting(post(body), media)).await;
            assert_eq!(answered, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()), "{media} {body:?}");
        }
        let answered = error_of(accepting(post(&b"{\"query\": \"\xff\"}"[..]), media)).await;
        assert_eq!(answered.0, StatusCode::BAD_REQUEST, "{media}, not UTF-8");
        for query in ["", "?", "?variables={}", "?query=%7Ba%7D&query=%7Bb%7D", "?query=%7Ba%7D&variables=a"] {
            let answered = error_of(accepting(get(&format!("/graphql{query}")), media)).await;
            assert_eq!(answered, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()), "{media} {query:?}");
        }
    }
}

#[tokio::test]
async fn what_the_document_lacks_is_a_request_error_by_the_media_type() {
    for query in
        ["", "#", "{", "{ nothing }", "query A { __typename } query B { __typename }", "fragment F on Query { a }"]
    {
        let (status, answer) = read(send(accepting(ask(query), GRAPHQL)).await).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query:?} {answer}");
        assert!(answer.get("data").is_none(), "{query:?} {answer}");
        let (status, answer) = read(send(accepting(ask(query), JSON)).await).await;
        assert_eq!(status, StatusCode::OK, "{query:?} {answer}");
        assert!(answer.get("data").is_none(), "{query:?} {answer}");
    }
    let body = json!({ "query": "query A { __typename }", "operationName": "B" }).to_string();
    assert_eq!(error_of(accepting(post(body), GRAPHQL)).await.0, StatusCode::BAD_REQUEST);
    let body = json!({ "query": "query($id: ID!) { hotel(id: $id) { id } }" }).to_string();
    assert_eq!(error_of(accepting(post(body), GRAPHQL)).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_answer_has_the_media_type_asked_for_and_names_its_charset() {
    for (accept, media) in [
        (GRAPHQL, GRAPHQL),
        ("application/graphql-response+json;q=0.4, application/json;q=0.3, */*;q=0.1", GRAPHQL),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("text/csv, application/*;q=0.5", JSON),
    ] {
        for request in [ask("{ __typename }"), ask("{ nothing }"), post("{"), get(TYPENAME), get("/graphql")] {
            let response = send(accepting(request, accept)).await;
            assert_eq!(response.headers()[CONTENT_TYPE], format!("{media}; charset=utf-8"), "{accept}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }
    for request in [ask("{ __typename }"), get(TYPENAME)] {
        assert_eq!(error_of(accepting(request, "application/xml, image/*")).await.0, StatusCode::NOT_ACCEPTABLE);
    }
}

#[tokio::test]
async fn only_plain_json_is_read() {
    let sent = |name: HeaderName, value: &str| {
        let mut request = ask("{ __typename }");
        request.headers_mut().insert(name, value.parse().expect("a value"));
        request
    };
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "application/graphql"]
    {
        let answered = error_of(sent(CONTENT_TYPE, media)).await;
        assert_eq!(answered, (StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT".into()), "{media}");
    }
    assert_eq!(
        error_of(sent(CONTENT_TYPE, "application/json; charset=utf-16")).await.0,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(error_of(sent(CONTENT_ENCODING, "gzip")).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send(sent(CONTENT_ENCODING, "identity")).await.status(), StatusCode::OK);
    let mut unnamed = ask("{ __typename }");
    unnamed.headers_mut().remove(CONTENT_TYPE);
    assert_eq!(error_of(unnamed).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_said_and_not_a_byte_more() {
    let body = |bytes: usize| {
        let frame = json!({ "query": "{ __typename }", "more": "" }).to_string();
        let filling = "x".repeat(bytes - frame.len());
        json!({ "query": "{ __typename }", "more": filling }).to_string()
    };
    assert_eq!(send(post(body(BODY_BYTES_MAX))).await.status(), StatusCode::OK);
    assert_eq!(error_of(post(body(BODY_BYTES_MAX + 1))).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_methods_hear_which_there_are() {
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
        let response = send(by(method.clone(), ask("{ __typename }"))).await;
        assert_eq!(response.headers()[ALLOW], "GET,HEAD,POST,OPTIONS", "{method}");
        let (status, answer) = read(response).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{method}");
    }
    let mutation = get("/graphql?query=mutation%7B__typename%7D");
    let response = send(mutation).await;
    assert_eq!(
        (response.status(), &response.headers()[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().expect("a value"))
    );
    let chosen = "/graphql?query=query%20Q%7B__typename%7Dmutation%20M%7B__typename%7D&operationName=";
    assert_eq!(send(get(&format!("{chosen}Q"))).await.status(), StatusCode::OK);
    assert_eq!(send(get(&format!("{chosen}M"))).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(by(Method::HEAD, get(&format!("{chosen}M")))).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let named = |request| with(request, "x-request-id", "4bf92f3577b34da6");
    let answered = send(named(get(TYPENAME))).await;
    let response = send(named(by(Method::HEAD, get(TYPENAME)))).await;
    assert_eq!((response.status(), response.headers()), (answered.status(), answered.headers()));
    assert!(to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body").is_empty());
}

#[tokio::test]
async fn a_browser_that_asks_for_another_origin_hears_no_yes() {
    let asked = with(with(by(Method::OPTIONS, get("/graphql")), "origin", "https://evil.example"), "host", "localhost");
    let response = send(with(asked, "access-control-request-method", "POST")).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()[ALLOW], "GET,HEAD,POST,OPTIONS");
    assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")), "{response:?}");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_ask_by_get() {
    let foreign = || with(get(TYPENAME), "sec-fetch-site", "cross-site");
    assert_eq!(error_of(foreign()).await, (StatusCode::FORBIDDEN, "FORBIDDEN".into()));
    assert_eq!(error_of(with(get(TYPENAME), "origin", "https://evil.example")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(send(with(foreign(), "apollo-require-preflight", "true")).await.status(), StatusCode::OK);
    assert_eq!(send(with(get(TYPENAME), "sec-fetch-site", "same-origin")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn in_development_a_foreign_name_for_this_machine_is_answered_nowhere() {
    for path in ["/graphql", "/metrics", "/health/live", "/nowhere"] {
        let answered = error_of(with(get(path), HOST.as_str(), "evil.example:8072")).await;
        assert_eq!(answered, (StatusCode::MISDIRECTED_REQUEST, "FORBIDDEN".into()), "{path}");
    }
    let write = with(ask("mutation { __typename }"), HOST.as_str(), "evil.example");
    assert_eq!(error_of(write).await.0, StatusCode::MISDIRECTED_REQUEST);
    for host in ["localhost:8072", "127.0.0.1", "[::1]:8072"] {
        assert_eq!(send(with(ask("{ __typename }"), HOST.as_str(), host)).await.status(), StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn variables_and_the_operation_are_taken_from_the_query_string() {
    let path = "/graphql?query=query%20Q(%24a:String!)%7B__type(name:%24a)%7Bname%7D%7D&operationName=Q&variables=";
    let (_, answer) = read(send(get(&format!("{path}%7B%22a%22:%22Hotel%22%7D"))).await).await;
    assert_eq!(answer["data"], json!({ "__type": { "name": "Hotel" } }));
    assert_eq!(error_of(accepting(get(path), GRAPHQL)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(error_of(accepting(get(&format!("{path}null")), GRAPHQL)).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_missing_variable_is_an_error_of_the_request_and_executes_nothing() {
    for (query, variables) in [
        ("query($a: ID!) { hotel(id: $a) { id } }", json!({})),
        ("query($a: ID!) { hotel(id: $a) { id } }", json!({ "a": null })),
        ("query($a: String!) { hotels(filter: { city: $a }) { nodes { id } } }", json!({ "b": "x" })),
        ("query($a: Boolean!) { hotel(id: \"x\") @include(if: $a) { id } }", json!({})),
        ("mutation($a: BookTripInput!) { bookTrip(input: $a) { position } }", json!({})),
    ] {
        let body = || json!({ "query": query, "variables": variables }).to_string();
        let answered = error_of(accepting(post(body()), GRAPHQL)).await;
        assert_eq!(answered, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()), "{query} {variables}");
        assert_eq!(error_of(accepting(post(body()), JSON)).await.0, StatusCode::OK, "{query} {variables}");
    }
    let chosen = "query A { __typename } query B($a: ID!) { hotel(id: $a) { id } }";
    let body = json!({ "query": chosen, "operationName": "A" }).to_string();
    assert_eq!(send(accepting(post(body), GRAPHQL)).await.status(), StatusCode::OK, "another operation's variables");
    let preset = "query($a: String! = \"Hotel\") { __type(name: $a) { name } }";
    let (_, answer) = read(send(ask(preset)).await).await;
    assert_eq!(answer["data"]["__type"]["name"], "Hotel");
}
