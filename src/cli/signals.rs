//! Ctrl-C and termination.

use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;

/// Ends when the program is asked to stop.
pub(crate) async fn asked_to_stop() {
    tokio::select! {
        () = received(SignalKind::interrupt()) => {}
        () = received(SignalKind::terminate()) => {}
    }
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the signal ends the process as it always did.
        Err(_) => pending().await,
    }
}

/// Does a piece of work unless the program is asked to stop; then what was opened for it can still be closed in order.
pub(crate) async fn unless_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = asked_to_stop() => Err(Failure::interrupted()),
    }
}
