//! The engine: one loop per log and process decides; Postgres stores; nothing else locks.

use crate::request::{Receipt, Rejection, Request};

/// A handle to the running engine of one log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {}

impl Engine {
    /// Decides on a caller's command. Answered once the effect is durable, or once a refusal was checked against the log (L4).
    pub async fn submit(&self, request: Request) -> Result<Receipt, Rejection> {
        let _ = request;
        std::future::pending().await
    }
}
