//! The ends of a socket, each with its code (graphql-transport-ws; RFC 6455, section 7.4).

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as SocketError;

use crate::http::streams;
use crate::limits::{SOCKET_CLOSE_TIMEOUT, STREAM_WRITE_TIMEOUT};

/// Bytes of a reason that a close frame has room for.
const REASON_BYTES_MAX: usize = 123;

/// Why we close a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Close {
    /// A message that is none of the protocol's.
    InvalidMessage(&'static str),
    /// An operation before the connection was acknowledged.
    Unauthorized,
    /// The token is refused, or has expired.
    Forbidden(&'static str),
    /// The client speaks another subprotocol.
    SubprotocolNotAcceptable,
    /// No `connection_init` in time.
    InitTimeout,
    /// An operation under an id that is in use.
    SubscriberExists(String),
    /// A second `connection_init`.
    TooManyInits,
    /// The server stops.
    GoingAway,
    /// Who asks cannot be told just now.
    TryAgain,
    /// The caller has as many streams as one may have.
    TooManyStreams,
    /// A message or frame beyond the bound.
    TooLarge,
    /// A text that is not UTF-8.
    NotUtf8,
    /// No WebSocket as RFC 6455 has it.
    Protocol,
}

impl Close {
    /// Why a socket cannot be read on; none when there is nobody to tell.
    pub(super) fn of_error(error: axum::Error) -> Option<Self> {
        match *error.into_inner().downcast::<SocketError>().ok()? {
            SocketError::Capacity(_) => Some(Self::TooLarge),
            SocketError::Utf8(_) => Some(Self::NotUtf8),
            SocketError::Protocol(_) => Some(Self::Protocol),
            _ => None,
        }
    }

    const fn code(&self) -> u16 {
        match self {
            Self::InvalidMessage(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::SubprotocolNotAcceptable => 4406,
            Self::InitTimeout => 4408,
            Self::SubscriberExists(_) => 4409,
            Self::TooManyInits => 4429,
            Self::GoingAway => close_code::AWAY,
            Self::TryAgain | Self::TooManyStreams => close_code::AGAIN,
            Self::TooLarge => close_code::SIZE,
            Self::NotUtf8 => close_code::INVALID,
            Self::Protocol => close_code::PROTOCOL,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::InvalidMessage(why) | Self::Forbidden(why) => (*why).to_owned(),
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::SubprotocolNotAcceptable => "Subprotocol not acceptable".to_owned(),
            Self::InitTimeout => "Connection initialisation timeout".to_owned(),
            Self::SubscriberExists(id) => {
                let named = format!("Subscriber for {id} already exists");
                if named.len() <= REASON_BYTES_MAX { named } else { "Subscriber already exists".to_owned() }
            }
            Self::TooManyInits => "Too many initialisation requests".to_owned(),
            Self::GoingAway => "The server stops: connect again".to_owned(),
            Self::TryAgain => "Who asks cannot be told just now: connect again in a moment".to_owned(),
            Self::TooManyStreams => streams::TOO_MANY_OF_CALLER.to_owned(),
            Self::TooLarge => "The message is too large".to_owned(),
            Self::NotUtf8 => "The message is not UTF-8".to_owned(),
            Self::Protocol => "Not a WebSocket's frame".to_owned(),
        }
    }
}

/// Closes a socket and waits, within a bound, until the other side has closed it too: a connection that is dropped with something unread in
/// it is reset, and the code may never be seen.
pub(super) async fn close(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code(), reason: close.reason().into() };
    let said = timeout(STREAM_WRITE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
    if !matches!(said, Ok(Ok(()))) {
        return;
    }
    let heard = async { while let Some(Ok(_)) = socket.recv().await {} };
    // Whoever does not answer in time is cut.
    let _ = timeout(SOCKET_CLOSE_TIMEOUT, heard).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_into_its_frame() {
        let long = Close::SubscriberExists("x".repeat(200));
        let all = [Close::TryAgain, Close::TooManyStreams, Close::GoingAway, Close::InitTimeout, long];
        assert!(all.iter().all(|close| close.reason().len() <= REASON_BYTES_MAX));
    }
}
