//! Persisted queries on the ways that last.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::Server;
use crate::world::World;

const QUERY: &str = "{ __typename }";

/// An operation by its hash alone, or with its document.
fn subscribe(query: Option<&str>, of: &str) -> Value {
    let hash = format!("{:x}", Sha256::digest(of));
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    json!({ "type": "subscribe", "id": "a", "payload": { "query": query, "extensions": extensions } })
}

#[tokio::test]
async fn a_hash_is_enough_on_a_socket_once_its_document_was_sent_by_anybody() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    for (query, of, code) in [
        (None, QUERY, "PERSISTED_QUERY_NOT_FOUND"),
        (Some("{ evil: __typename }"), QUERY, "INVALID_INPUT"),
        (None, QUERY, "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        client.say(subscribe(query, of)).await;
        let answer = client.hear().await;
        assert_eq!((&answer["type"], &answer["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)));
    }
    let mut other = server.ready().await;
    for (client, query) in [(&mut client, Some(QUERY)), (&mut other, None)] {
        client.say(subscribe(query, QUERY)).await;
        assert_eq!(client.hear().await["payload"]["data"], json!({ "__typename": "Query" }));
        assert_eq!(client.hear().await["type"], "complete");
    }
    server.stop().await;
}
