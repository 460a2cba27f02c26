//! All that goes with one GraphQL request beside its parameters.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::{Caller, Trace};

/// Who asks, and under which names the request is found again.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// Who asks.
    pub(crate) caller: Arc<Caller>,
    /// The trace that the request belongs to.
    pub(crate) trace: Trace,
}

impl Asking {
    /// What a caller's request brings along in its headers.
    pub(crate) fn new(caller: Caller, headers: &HeaderMap) -> Self {
        Self { caller: Arc::new(caller), trace: Trace::of(headers) }
    }
}
