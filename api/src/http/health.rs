//! `/health/live` and `/health/ready`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::answer;
use super::negotiate::Media;
use crate::api::Api;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The process answers: that is all.
pub(super) async fn live() -> Response {
    answer::json(StatusCode::OK, Media::Json, &Health { status: "live", reason: None })
}

/// Whether requests can be served; if not, why.
pub(super) async fn ready(State(api): State<Api>) -> Response {
    match (api.ready)().await {
        Ok(()) => answer::json(StatusCode::OK, Media::Json, &Health { status: "ready", reason: None }),
        Err(reason) => {
            let health = Health { status: "not ready", reason: Some(reason) };
            answer::json(StatusCode::SERVICE_UNAVAILABLE, Media::Json, &health)
        }
    }
}
