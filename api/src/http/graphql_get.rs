//! `GET /graphql`: the same parameters in the query string, for reads only.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{Request, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::negotiate::Media;
use super::sse::Taste;
use super::{Refusal, ask, gate, page, values, ws};
use crate::api::Api;
use crate::graphql::execute::{Allowed, Parameters};
use crate::graphql::persisted::PersistedQuery;
use crate::graphql::types::ErrorCode;

/// Why the query string is no GraphQL request.
const MALFORMED: &str =
    "The query string is no GraphQL request: give `query`, and `variables` and `extensions` as JSON objects.";
const NOT_ACCEPTABLE: &str =
    "No media type that we have is accepted: accept application/json or application/graphql-response+json.";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Answers a GET.
pub(super) async fn get(State(api): State<Api>, request: Request<Body>) -> Response {
    let (mut head, _body) = request.into_parts();
    if let Some(response) = ws::upgrade(&api, &mut head).await {
        return response;
    }
    let (uri, headers) = (head.uri, head.headers);
    if page::wanted(&uri, &headers) {
        return page::page(&headers);
    }
    let taste = Taste::of(&headers);
    let Some(media) = Media::accepted_beside(&headers, taste) else {
        let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::InvalidInput, NOT_ACCEPTABLE);
        return refusal.respond(Media::Json);
    };
    if let Some(refusal) = gate::refuses_get(&headers) {
        return refusal.respond(media);
    }
    let entered = match ask::enter(&api, &headers).await {
        Ok(entered) => entered,
        Err(refusal) => return refusal.respond(media),
    };
    let Some(parameters) = parameters(&uri) else {
        return Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, MALFORMED).respond(media);
    };
    ask::ask(&api, entered, parameters, Allowed::Queries, (media, taste)).await
}

fn parameters(uri: &Uri) -> Option<Parameters> {
    let Query(given) = Query::<QueryString>::try_from_uri(uri).ok()?;
    let variables = object(given.variables)?;
    let persisted = PersistedQuery::of(&object(given.extensions)?).ok()?;
    let query = given.query.or_else(|| persisted.map(|_| String::new()))?;
    let operation_name = given.operation_name.filter(|name| !name.is_empty());
    Some(Parameters { query, operation_name, variables, persisted })
}

/// A JSON object, or null where none is given.
fn object(text: Option<String>) -> Option<Value> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Some(Value::Null);
    };
    values::bounded(text.as_bytes()).ok()?;
    serde_json::from_str(&text).ok().filter(|value: &Value| value.is_object() || value.is_null())
}
