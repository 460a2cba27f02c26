//! Automatic persisted queries over HTTP, by both methods.

use sha2::{Digest, Sha256};

use super::*;

const QUERY: &str = "query A { __typename }";

fn extensions(query: &str) -> Value {
    let hash = format!("{:x}", Sha256::digest(query));
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn by_hash(query: &str) -> Request<Body> {
    post(json!({ "extensions": extensions(query) }).to_string())
}

fn with_hash(query: &str, of: &str) -> Request<Body> {
    post(json!({ "query": query, "extensions": extensions(of) }).to_string())
}

async fn answers(api: &Api, requests: Vec<Request<Body>>) -> Vec<(StatusCode, Value)> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(read(router(api.clone()).oneshot(request).await.expect("an answer")).await);
    }
    answers
}

#[tokio::test]
async fn a_client_sends_a_query_once_and_its_hash_from_then_on_by_both_methods() {
    let encoded = extensions(QUERY).to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let by_get = || get(&format!("/graphql?extensions={encoded}"));
    let api = Api::alone(Ok(()));
    let found = answers(&api, vec![by_hash(QUERY), by_get(), with_hash(QUERY, QUERY), by_hash(QUERY), by_get()]).await;
    for (status, answer) in &found[..2] {
        assert_eq!(*status, StatusCode::OK);
        assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotFound");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
        assert!(answer.get("data").is_none(), "{answer}");
    }
    for (status, answer) in &found[2..] {
        assert_eq!((*status, &answer["data"]), (StatusCode::OK, &json!({ "__typename": "Query" })));
    }
}

#[tokio::test]
async fn the_newer_media_type_tells_by_the_status_that_a_query_is_not_known() {
    let asked = accepting(by_hash(QUERY), GRAPHQL);
    assert_eq!(error_of(asked).await, (StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_hash_of_something_else_is_refused_and_leaves_nothing() {
    let api = Api::alone(Ok(()));
    let found = answers(&api, vec![with_hash("{ evil: __typename }", QUERY), by_hash(QUERY)]).await;
    assert_eq!(found[0].1["errors"][0]["extensions"]["code"], "INVALID_INPUT");
    assert_eq!(found[1].1["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn what_the_limits_refuse_is_not_kept() {
    let deep = format!("{}{}", "{ a ".repeat(QUERY_DEPTH_MAX + 5), "}".repeat(QUERY_DEPTH_MAX + 5));
    let api = Api::alone(Ok(()));
    for query in [deep.as_str(), "{ nothing }", "{ broken("] {
        let found = answers(&api, vec![with_hash(query, query), by_hash(query)]).await;
        assert_ne!(found[0].1["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(found[1].1["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_malformed_extension_is_no_request() {
    for extension in [json!({ "version": 2, "sha256Hash": "0".repeat(64) }), json!({ "version": 1 }), json!("x")] {
        let asked = post(json!({ "query": QUERY, "extensions": { "persistedQuery": extension } }).to_string());
        assert_eq!(error_of(asked).await, (StatusCode::BAD_REQUEST, "INVALID_INPUT".into()));
    }
    assert_eq!(error_of(get("/graphql?query={a}&extensions=[]")).await.0, StatusCode::BAD_REQUEST);
}
