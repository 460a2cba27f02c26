//! `/metrics`: counters in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use traveladvisor_infra::services::Breaker;

use crate::api::Api;

/// The routes that are counted apart; all else is `other`. A closed list, so that callers cannot make new series.
const ROUTES: [&str; 6] = ["/graphql", "/commands", "/health/live", "/health/ready", "/metrics", "other"];
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
    write_letters(api, text)?;
    write_breakers(api, text)?;
    write_bus(api, text)?;
    let lags = (api.gather_lags)();
    if !lags.is_empty() {
        writeln!(text, "# HELP traveladvisor_gather_lag_events Events of a log that are not in the read log yet.")?;
        writeln!(text, "# TYPE traveladvisor_gather_lag_events gauge")?;
    }
    for (log, events) in lags {
        writeln!(text, "traveladvisor_gather_lag_events{{log=\"{log}\"}} {events}")?;
    }
    Ok(())
}

/// What was set aside, as whoever delivers has counted it; nothing of logs that another process delivers.
fn write_letters(api: &Api, text: &mut String) -> std::fmt::Result {
    let counted = api.engines.iter().filter_map(|(log, engine)| Some((log, engine.gauges().open_letters()?)));
    let counted: Vec<_> = counted.collect();
    if counted.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "# HELP traveladvisor_dead_letters Dead letters that are open, by how they go on; told by who delivers."
    )?;
    writeln!(text, "# TYPE traveladvisor_dead_letters gauge")?;
    for (log, letters) in counted {
        let outlooks = [
            ("comes_again", letters.come_again),
            ("saga_asks_again", letters.sagas_ask_again),
            ("needs_operator", letters.need_operator),
        ];
        for (outlook, count) in outlooks {
            writeln!(text, "traveladvisor_dead_letters{{log=\"{log}\",outlook=\"{outlook}\"}} {count}")?;
        }
    }
    Ok(())
}

/// Whether the processes of other roles are asked, where this one hands commands to them.
fn write_breakers(api: &Api, text: &mut String) -> std::fmt::Result {
    let breakers: Vec<Breaker> = api.deciders.breakers().collect();
    if breakers.is_empty() {
        return Ok(());
    }
    writeln!(text, "# HELP traveladvisor_service_breaker_open Whether a process gets no commands but those that try.")?;
    writeln!(text, "# TYPE traveladvisor_service_breaker_open gauge")?;
    for Breaker { role, process, is_open } in breakers {
        let is_open = u8::from(is_open);
        writeln!(text, "traveladvisor_service_breaker_open{{role=\"{role}\",process=\"{process}\"}} {is_open}")?;
    }
    Ok(())
}

/// What is on its way between logs, where there are several.
fn write_bus(api: &Api, text: &mut String) -> std::fmt::Result {
    let engines: Vec<_> = api.engines.iter().filter(|(_, engine)| engine.bus_context().is_some()).collect();
    if engines.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "# HELP traveladvisor_relay_unacknowledged_records Messages for other logs that the broker has not taken yet."
    )?;
    writeln!(text, "# TYPE traveladvisor_relay_unacknowledged_records gauge")?;
    for (log, engine) in &engines {
        let unacknowledged = engine.gauges().unacknowledged();
        writeln!(text, "traveladvisor_relay_unacknowledged_records{{log=\"{log}\"}} {unacknowledged}")?;
    }
    writeln!(text, "# HELP traveladvisor_engine_appends_total Appends of this process that stand.")?;
    writeln!(text, "# TYPE traveladvisor_engine_appends_total counter")?;
    for (log, engine) in &engines {
        writeln!(text, "traveladvisor_engine_appends_total{{log=\"{log}\"}} {}", engine.gauges().appends())?;
    }
    writeln!(
        text,
        "# HELP traveladvisor_engine_appends_refused_total Appends that were decided again, as somebody else had decided on the same things."
    )?;
    writeln!(text, "# TYPE traveladvisor_engine_appends_refused_total counter")?;
    for (log, engine) in &engines {
        let contended = engine.gauges().contended();
        writeln!(text, "traveladvisor_engine_appends_refused_total{{log=\"{log}\"}} {contended}")?;
    }
    writeln!(
        text,
        "# HELP traveladvisor_outbox_unconfirmed_bytes Write-ahead log that the connector has not confirmed, up to the last rows for it."
    )?;
    writeln!(text, "# TYPE traveladvisor_outbox_unconfirmed_bytes gauge")?;
    for (log, engine) in &engines {
        let unconfirmed = engine.gauges().unconfirmed_bytes();
        writeln!(text, "traveladvisor_outbox_unconfirmed_bytes{{log=\"{log}\"}} {unconfirmed}")?;
    }
    writeln!(
        text,
        "# HELP traveladvisor_consumer_lag_records Records of a partition that this process has not handled yet."
    )?;
    writeln!(text, "# TYPE traveladvisor_consumer_lag_records gauge")?;
    for (log, engine) in &engines {
        for lag in engine.gauges().partitions() {
            let labels = format!("log=\"{log}\",topic=\"{}\",partition=\"{}\"", lag.topic, lag.partition);
            writeln!(text, "traveladvisor_consumer_lag_records{{{labels}}} {}", lag.unread())?;
        }
    }
    writeln!(
        text,
        "# HELP traveladvisor_consumer_lost_records_total Records that were gone from their topics before anybody had read them."
    )?;
    writeln!(text, "# TYPE traveladvisor_consumer_lost_records_total counter")?;
    for (log, engine) in &engines {
        let lost = engine.gauges().lost_records();
        writeln!(text, "traveladvisor_consumer_lost_records_total{{log=\"{log}\"}} {lost}")?;
    }
    Ok(())
}
