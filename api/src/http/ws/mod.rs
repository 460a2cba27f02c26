//! `GET /graphql` with `Upgrade: websocket`: the protocol graphql-transport-ws.
//!
//! One task serves one socket: it reads, runs the operations and writes, one thing after the other. So what waits for a slow reader is the
//! message that is being written and nothing else, and when the socket goes everything on it goes with it.

mod close;
mod connection;
mod message;
mod operations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::SEC_WEBSOCKET_VERSION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span};

use self::close::Close;
use self::connection::Connection;
use super::negotiate::Media;
use super::peers::Peer;
use super::streams::full;
use super::{Refusal, gate};
use crate::api::Api;
use crate::graphql::types::ErrorCode;
use crate::limits::{SOCKET_ANSWER_BYTES_MAX, SOCKET_MESSAGE_BYTES_MAX, SOCKET_WRITE_BUFFER_BYTES};

/// The subprotocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";

/// Answers a request for a WebSocket; none when it is for something else.
pub(super) async fn upgrade(api: &Api, head: &mut Parts) -> Option<Response> {
    let wants = head.headers.get("upgrade").is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !wants {
        return None;
    }
    if !gate::same_origin(&head.headers) {
        let message = "A page of another origin asks: open the socket from a page of this one.";
        return Some(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message).respond(Media::Json));
    }
    Some(match WebSocketUpgrade::from_request_parts(head, api).await {
        Ok(upgrade) => accept(api, upgrade, head),
        Err(rejection) => refuse(rejection.into_response().status()),
    })
}

/// Answers an upgrade that is none as RFC 6455 has it (section 4.2.2 asks for the version that is spoken).
fn refuse(status: StatusCode) -> Response {
    let message =
        "This is no upgrade to a WebSocket: send Connection, Upgrade, Sec-WebSocket-Key and version 13 by GET.";
    let mut refusal = Refusal::new(status, ErrorCode::InvalidInput, message);
    refusal.headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    refusal.respond(Media::Json)
}

fn accept(api: &Api, upgrade: WebSocketUpgrade, head: &Parts) -> Response {
    let Some(place) = api.streams.arrive() else { return full().respond(Media::Json) };
    let mut upgrade = upgrade
        .max_message_size(SOCKET_MESSAGE_BYTES_MAX)
        .max_frame_size(SOCKET_MESSAGE_BYTES_MAX)
        .write_buffer_size(0)
        .max_write_buffer_size(SOCKET_ANSWER_BYTES_MAX + SOCKET_WRITE_BUFFER_BYTES);
    let spoken = upgrade.requested_protocols().any(|protocol| protocol == PROTOCOL);
    if spoken {
        upgrade.set_selected_protocol(HeaderValue::from_static(PROTOCOL));
    }
    let (api, headers) = (api.clone(), head.headers.clone());
    let peer = head.extensions.get::<Arc<Peer>>().cloned();
    // The request is over when the socket begins, so it takes the request's name in the log along.
    let span = Span::current();
    let served = async move |socket| {
        let _counts_for = peer;
        if spoken {
            Connection::new(socket, api, headers).serve(place).await;
        } else {
            close::close(socket, Close::SubprotocolNotAcceptable).await;
            drop(place);
        }
    };
    upgrade.on_upgrade(move |socket| served(socket).instrument(span))
}
