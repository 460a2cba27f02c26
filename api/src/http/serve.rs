//! Accepts connections and lets the last requests finish when told to stop.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::patient::Patient;
use super::peers::{Peer, Peers};
use super::router;
use crate::api::Api;
use crate::limits::{
    ACCEPT_RETRY_PAUSE, CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, HEAD_BYTES_MAX, HEADER_READ_TIMEOUT, HEADERS_MAX,
    SHUTDOWN_GRACE,
};

/// Serves until `shutdown` is done, then takes no new requests and gives those under way [`SHUTDOWN_GRACE`] to finish.
///
/// Errors: none once it listens; a connection that breaks concerns nobody else.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let streams = api.streams.clone();
    let router = router(api);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let stopping = watch::Sender::new(false);
    let peers = Peers::new(CONNECTIONS_PER_PEER_MAX);
    tokio::pin!(shutdown);
    loop {
        let (stream, from, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted?,
            () = &mut shutdown => break,
        };
        // Who has too many already is not answered: that would be work.
        let Some(peer) = peers.enter(from) else { continue };
        tokio::spawn(connection(stream, router.clone(), stopping.subscribe(), (place, peer)));
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
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, from)) => return Ok((stream, from.ip(), place)),
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
    places: (OwnedSemaphorePermit, Peer),
) {
    // Answers are small and whole: waiting for more bytes to send would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
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
    drop(places);
}
