//! Reads a request's body within its bounds.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;

use crate::limits::{BODY_BYTES_MAX, BODY_DRAINED_BYTES_MAX};

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than [`BODY_BYTES_MAX`].
    TooLarge,
    /// The sender took longer than allowed.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// The whole body. One that is too large is read to its end, within a bound, and thrown away, so that its sender hears why.
pub(crate) async fn read(body: Body, within: Duration) -> Result<Vec<u8>, BodyError> {
    tokio::time::timeout(within, collect(body)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(body: Body) -> Result<Vec<u8>, BodyError> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::new();
    let mut read: usize = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        read = read.saturating_add(chunk.len());
        if read > BODY_DRAINED_BYTES_MAX {
            break;
        }
        if read <= BODY_BYTES_MAX {
            kept.extend_from_slice(&chunk);
        }
    }
    if read > BODY_BYTES_MAX { Err(BodyError::TooLarge) } else { Ok(kept) }
}
