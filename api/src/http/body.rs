//! Reads a request's body within its bounds.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
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

/// Reads the body of a request that is refused whatever it holds, and throws it away. A sender who first asks whether to send it is not made to.
pub(crate) async fn drain(headers: &HeaderMap, body: Body, within: Duration) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let all = async {
        let mut chunks = body.into_data_stream();
        let mut left = BODY_DRAINED_BYTES_MAX;
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Who is slower than that, or sends more, may miss the answer.
    let _ = tokio::time::timeout(within, all).await;
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Bytes;
    use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
    use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
    use futures::stream;
    use tower::ServiceExt;

    use super::*;
    use crate::api::Api;
    use crate::http::router;

    const CHUNK: usize = 64 * 1024;
    static PIECE: [u8; CHUNK] = [b' '; CHUNK];

    /// The status with which a request is answered, and how many bytes of its body were taken.
    async fn taken(chunks: usize, headers: &[(HeaderName, &'static str)]) -> (StatusCode, usize) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let body = stream::iter(0..chunks).map(move |_| {
            count.fetch_add(CHUNK, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from_static(&PIECE))
        });
        let mut request = Request::post("/graphql").body(Body::from_stream(body)).expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let response = router(Api::alone(Ok(()))).oneshot(request).await.expect("an answer");
        (response.status(), sent.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn who_is_refused_before_the_body_is_read_hears_so_instead_of_a_reset() {
        let json = || (CONTENT_TYPE, "application/json");
        let nobody = || (AUTHORIZATION, "Bearer nonsense");
        let many = 2 * BODY_BYTES_MAX / CHUNK;
        assert_eq!(taken(many, &[json(), nobody()]).await, (StatusCode::UNAUTHORIZED, 2 * BODY_BYTES_MAX));
        let packed = (CONTENT_ENCODING, "gzip");
        assert_eq!(taken(many, &[json(), packed]).await, (StatusCode::UNSUPPORTED_MEDIA_TYPE, 2 * BODY_BYTES_MAX));
        let (status, bytes) = taken(usize::MAX, &[json(), nobody()]).await;
        assert_eq!((status, bytes), (StatusCode::UNAUTHORIZED, BODY_DRAINED_BYTES_MAX), "and no more than that");
        let asking_first = (EXPECT, "100-continue");
        assert_eq!(taken(many, &[json(), nobody(), asking_first]).await, (StatusCode::UNAUTHORIZED, 0));
    }
}
