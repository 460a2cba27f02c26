//! Idempotency keys are kept for their time and then forgotten by whoever delivers, little at a time (L13).

use std::time::Duration;

use tokio::sync::watch;
use traveladvisor_infra::stopping::told;

use super::limits::{KEYS_FORGOTTEN_AT_ONCE_MAX, KEYS_KEPT, KEYS_LOOKED_EVERY, KEYS_REST};
use super::source::Source;

/// Forgets keys that are over until told to stop.
pub(crate) async fn forget(source: &Source, mut stop: watch::Receiver<bool>) {
    loop {
        let rest = forget_some(source).await;
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// One small delete. Returns how long to rest.
async fn forget_some(source: &Source) -> Duration {
    let Some(before) = source.clock.now().checked_sub_signed(KEYS_KEPT) else { return KEYS_LOOKED_EVERY };
    match source.log.forget_keys(before, KEYS_FORGOTTEN_AT_ONCE_MAX).await {
        Ok(KEYS_FORGOTTEN_AT_ONCE_MAX) => KEYS_REST,
        Ok(_) => KEYS_LOOKED_EVERY,
        Err(error) => {
            tracing::warn!(%error, "old idempotency keys could not be forgotten; tried again");
            KEYS_LOOKED_EVERY
        }
    }
}
