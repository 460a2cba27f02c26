//! Ctrl-C and termination.

use std::future::pending;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;

/// Hears when the program is asked to stop, from when it is made: a signal that comes while nobody listens is lost once any part of the
/// program has listened for it before.
pub(crate) struct StopSignals {
    /// Without a handler the signal ends the process as it always did.
    handlers: [Option<Signal>; 2],
}

impl StopSignals {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        Self { handlers: [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()) }
    }

    /// Ends when the program is asked to stop, or was since this was made.
    pub(crate) async fn asked(self) {
        let [interrupt, terminate] = self.handlers;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
        }
    }
}

/// Ends when the program is asked to stop from now on.
pub(crate) async fn asked_to_stop() {
    StopSignals::listen().asked().await;
}

async fn received(handler: Option<Signal>) {
    match handler {
        Some(mut signals) => {
            signals.recv().await;
        }
        None => pending().await,
    }
}

/// Does a piece of work unless the program is asked to stop; then what was opened for it can still be closed in order.
pub(crate) async fn unless_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = asked_to_stop() => Err(Failure::interrupted()),
    }
}
