//! All that goes with one GraphQL request beside its parameters.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::{Caller, Trace};
use crate::http::request_id;

/// Under which name a request is found again in log lines and events. Every one that came by HTTP has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) Option<Arc<str>>);

/// Who asks, and under which names the request is found again.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// Who asks.
    pub(crate) caller: Arc<Caller>,
    /// The trace that the request belongs to.
    pub(crate) trace: Trace,
    /// The request's own id.
    pub(crate) request_id: RequestId,
    /// The key of the header `Idempotency-Key`: of a POST only, whose one mutation it is meant for.
    pub(crate) idempotency_key: Option<String>,
}

impl Asking {
    /// What a caller's request brings along in its headers.
    pub(crate) fn new(caller: Caller, headers: &HeaderMap) -> Self {
        Self {
            caller: Arc::new(caller),
            trace: Trace::of(headers),
            request_id: RequestId(request_id::of(headers)),
            idempotency_key: None,
        }
    }
}
