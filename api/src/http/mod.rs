//! HTTP: a thin layer of our own around the GraphQL schema, after "GraphQL over HTTP".

mod accept;
mod answer;
mod ask;
mod body;
mod commands;
mod gate;
mod graphql_get;
mod graphql_post;
mod health;
mod idempotency;
mod metrics;
mod negotiate;
mod page;
mod patient;
mod peers;
pub(crate) mod request_id;
mod serve;
mod sse;
mod streams;
#[cfg(test)]
mod tests;
mod values;
mod ws;

use axum::Router;
use axum::body::Body;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use traveladvisor_infra::services::COMMANDS;

pub(crate) use self::answer::Refusal;
pub use self::commands::Handover;
pub(crate) use self::metrics::Metrics;
use self::negotiate::Media;
pub use self::serve::serve;
pub(crate) use self::streams::Streams;
use crate::api::Api;
use crate::graphql::types::ErrorCode;

/// What `/graphql` answers, for the header `Allow`.
const GRAPHQL_METHODS: &str = "GET,HEAD,POST,OPTIONS";

/// All routes.
pub fn router(api: Api) -> Router {
    let commands = match api.handover {
        Handover::Closed => Router::new(),
        Handover::ThisMachine | Handover::Shown(_) => Router::new().route(COMMANDS, post(commands::post)),
    };
    Router::new()
        .merge(commands)
        .route("/graphql", get(graphql_get::get).post(graphql_post::post).options(methods))
        .route(page::ASSETS, get(page::asset))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(api.clone(), gate::loopback))
        .layer(middleware::from_fn_with_state(api.clone(), metrics::count))
        .layer(middleware::from_fn_with_state(api.clone(), request_id::name))
        .with_state(api)
}

async fn not_found() -> Response {
    let message = "There is nothing here: GraphQL is at /graphql.";
    answer::refuse(StatusCode::NOT_FOUND, ErrorCode::NotFound, message, Media::Json)
}

/// What may be sent to `/graphql`. Nothing here lets a page of another origin do so: a browser that asks for it hears no yes.
async fn methods() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(GRAPHQL_METHODS));
    response
}

async fn method_not_allowed() -> Response {
    let message = "This method is not answered here: see the header Allow.";
    answer::refuse(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidInput, message, Media::Json)
}
