//! HTTP: a thin layer of our own around the GraphQL schema, after "GraphQL over HTTP".

mod answer;
mod ask;
mod body;
mod graphql_get;
mod graphql_post;
mod health;
mod metrics;
mod negotiate;
mod page;
mod serve;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;

pub(crate) use self::answer::Refusal;
pub(crate) use self::metrics::Metrics;
use self::negotiate::Media;
pub use self::serve::serve;
use crate::api::Api;
use crate::graphql::types::ErrorCode;

/// All routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/graphql", get(graphql_get::get).post(graphql_post::post))
        .route(page::ASSETS, get(page::asset))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(api.clone(), metrics::count))
        .with_state(api)
}

async fn not_found() -> Response {
    let message = "There is nothing here: GraphQL is at /graphql.";
    answer::refuse(StatusCode::NOT_FOUND, ErrorCode::NotFound, message, Media::Json)
}

async fn method_not_allowed() -> Response {
    let message = "This method is not answered here: see the header Allow.";
    answer::refuse(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidInput, message, Media::Json)
}
