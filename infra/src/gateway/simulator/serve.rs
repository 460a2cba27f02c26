//! The simulator's server. It can close a connection instead of answering, as networks do.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::Simulator;
use super::limits::{ACCEPT_RETRY_PAUSE, CONNECTIONS_MAX, HEADER_READ_TIMEOUT, SHUTDOWN_GRACE};
use super::routes::{CutOff, router};

impl Simulator {
    /// Serves until `shutdown` is done, then lets the requests under way end for a bounded time.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let router = router(self);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = GracefulShutdown::new();
        tokio::pin!(shutdown);
        loop {
            let (stream, place) = tokio::select! {
                accepted = accept(&listener, &places) => match accepted {
                    Some(accepted) => accepted,
                    None => continue,
                },
                () = &mut shutdown => break,
            };
            tokio::spawn(connection(stream, router.clone(), connections.watcher(), place));
        }
        drop(listener);
        if tokio::time::timeout(SHUTDOWN_GRACE, connections.shutdown()).await.is_err() {
            tracing::warn!("requests were still under way when the time to stop was up");
        }
    }
}

/// A connection that has a place. One that broke before it was accepted is no end of the server.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, watcher: Watcher, place: OwnedSemaphorePermit) {
    // Answers are small and whole: waiting for more bytes to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answered(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended without an answer");
    }
    drop(place);
}

/// An error makes hyper close the connection without an answer.
async fn answered(router: Router, request: hyper::Request<Incoming>) -> io::Result<Response> {
    let Ok(response) = router.oneshot(request).await;
    if response.extensions().get::<CutOff>().is_some() {
        return Err(io::Error::other("cut off, as was asked for"));
    }
    Ok(response)
}
