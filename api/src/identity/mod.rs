//! Tells who sent a request.

use axum::http::HeaderMap;

use crate::caller::Caller;
use crate::http::Refusal;

/// Who is asked who a caller is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Identity {
    /// Nobody: the program listens on loopback only, and everybody may do everything.
    #[default]
    Development,
}

impl Identity {
    /// Whether everybody may do everything.
    pub(crate) const fn is_development(&self) -> bool {
        matches!(self, Self::Development)
    }

    /// Who sent a request with these headers.
    #[expect(clippy::unused_async, reason = "keys may have to be fetched")]
    pub(crate) async fn caller(&self, _headers: &HeaderMap) -> Result<Caller, Refusal> {
        match self {
            Self::Development => Ok(Caller::development()),
        }
    }
}
