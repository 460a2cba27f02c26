//! Who asks, what they may do, and what else goes with a request beside its parameters.

mod asking;
mod scope;
mod trace;

use chrono::{DateTime, Utc};

pub(crate) use self::asking::{Asking, RequestId};
pub use self::scope::{Scope, Scopes};
pub(crate) use self::trace::Trace;

/// The name of everybody while there is no identity provider.
const ANONYMOUS: &str = "anonymous";

/// Who asks. The name is opaque and no personal value (L8): it owns what is created, idempotency keys are kept under it, and events tell it
/// as their actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    owner: String,
    scopes: Scopes,
    expires_at: Option<DateTime<Utc>>,
}

impl Caller {
    /// A caller that has shown who it is: issuer and subject as one opaque name, and until when that holds.
    pub fn new(owner: String, scopes: Scopes, expires_at: Option<DateTime<Utc>>) -> Self {
        Self { owner, scopes, expires_at }
    }

    /// Everybody, when nobody is asked who they are: all rights, one name.
    pub fn development() -> Self {
        Self::new(ANONYMOUS.to_owned(), Scopes::ALL, None)
    }

    /// The opaque name.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether a right was given.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Until when it is known who asks, by the real world's clock; for ever when absent.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at
    }

    /// Whether what this name owns may be seen: one's own, and everything for operators.
    pub fn sees(&self, owner: &str) -> bool {
        self.owner == owner || self.may(Scope::Operations)
    }
}
