//! Accepts connections and lets the last requests finish when told to stop.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::patient::Patient;
use super::router;
use crate::api::Api;
use crate::limits::{ACCEPT_RETRY_PAUSE, CONNECTIONS_MAX, HEADER_READ_TIMEOUT, SHUTDOWN_GRACE};

/// Serves until `shutdown` is done, then takes no new requests and gives those under way [`SHUTDOWN_GRACE`] to finish.
///
/// Errors: none once it listens; a connection that breaks concerns nobody else.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let streams = api.streams.clone();
    let router = router(api);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let stopping = watch::Sender::new(false);
    tokio::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted?,
            () = &mut shutdown => break,
        };
        tokio::spawn(connection(stream, router.clone(), stopping.subscribe(), place));
    }
    drop(listener);
    stopping.send_replace(true);
    streams.close();
    let ended = async { tokio::join!(places.acquire_many(CONNECTIONS_MAX as u32), streams.ended()) };
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::warn!("requests were still under way when the time to stop was up");
    }
    Ok(())
}

/// A connection that has a place. One that broke before it was accepted, or found no socket left, is no end of the server.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // Answers are small and whole: waiting for more bytes to send would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .serve_connection(TokioIo::new(Patient::new(stream)), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let told_to_stop = async move {
        // An error means that the server is gone already.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}
