//! `/metrics`: counters in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::api::Api;

/// The routes that are counted apart; all else is `other`. A closed list, so that callers cannot make new series.
const ROUTES: [&str; 5] = ["/graphql", "/health/live", "/health/ready", "/metrics", "other"];
/// Status classes: 1xx to 5xx.
const CLASSES: usize = 5;
const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the edge counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [[AtomicU64; CLASSES]; ROUTES.len()],
}

impl Metrics {
    fn count(&self, path: &str, status: StatusCode) {
        let route = ROUTES.iter().position(|route| *route == path).unwrap_or(ROUTES.len() - 1);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        self.requests[route][class].fetch_add(1, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP traveladvisor_http_requests_total Requests answered, by route and class of status.")?;
        writeln!(text, "# TYPE traveladvisor_http_requests_total counter")?;
        for (route, classes) in ROUTES.iter().zip(&self.requests) {
            for (class, count) in classes.iter().enumerate() {
                let (class, count) = (class + 1, count.load(Ordering::Relaxed));
                if count > 0 {
                    let labels = format!("route=\"{route}\",status=\"{class}xx\"");
                    writeln!(text, "traveladvisor_http_requests_total{{{labels}}} {count}")?;
                }
            }
        }
        Ok(())
    }
}

/// Counts every answer.
pub(super) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    api.metrics.count(&path, response.status());
    response
}

/// All counters.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&api, &mut text);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
    response
}

fn write(api: &Api, text: &mut String) -> std::fmt::Result {
    api.metrics.write(text)?;
    writeln!(text, "# HELP traveladvisor_streams_open WebSockets and event streams that are served now.")?;
    writeln!(text, "# TYPE traveladvisor_streams_open gauge")?;
    writeln!(text, "traveladvisor_streams_open {}", api.streams.open())?;
    writeln!(text, "# HELP traveladvisor_projection_position Last event of the log that a projection has taken in.")?;
    writeln!(text, "# TYPE traveladvisor_projection_position gauge")?;
    for (projection, position) in (api.positions)() {
        writeln!(text, "traveladvisor_projection_position{{projection=\"{projection}\"}} {position}")?;
    }
    Ok(())
}
