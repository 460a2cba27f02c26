//! Accepts connections and lets the last requests finish when told to stop.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::patient::Patient;
use super::peers::{Peer, Peers, TooMany};
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
    serve_peers(listener, api, shutdown, Peers::new(CONNECTIONS_PER_PEER_MAX)).await
}

async fn serve_peers(
    listener: TcpListener,
    api: Api,
    shutdown: impl Future<Output = ()>,
    peers: Peers,
) -> io::Result<()> {
    let streams = api.streams.clone();
    let router = router(api);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let stopping = watch::Sender::new(false);
    tokio::pin!(shutdown);
    loop {
        let (stream, from, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted?,
            () = &mut shutdown => break,
        };
        // Who has too many already is not answered: that would be work.
        let peer = match peers.enter(from) {
            Ok(peer) => peer,
            Err(TooMany { is_news }) => {
                if is_news {
                    tracing::warn!(peer = %from, "a peer has too many connections: more of it are closed at once");
                }
                continue;
            }
        };
        tokio::spawn(connection(stream, router.clone(), stopping.subscribe(), (place, Arc::new(peer))));
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
    (place, peer): (OwnedSemaphorePermit, Arc<Peer>),
) {
    // Whatever the connection becomes takes its peer along: a socket still counts when all else of the connection is gone.
    let router = TowerToHyperService::new(router);
    let answers = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.call(request)
    });
    // Answers are small and whole: waiting for more bytes to send would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream)), answers)
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const AT_LAST: Duration = Duration::from_mins(1);

    /// What is answered to one request, as far as its head or the connection's end.
    async fn answer(stream: &mut TcpStream, request: &str) -> String {
        let mut answer = Vec::new();
        let exchanged = async {
            // Whoever is closed at once may not even be able to say something.
            let _ = stream.write_all(request.as_bytes()).await;
            while !answer.ends_with(b"\r\n\r\n") && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
        };
        tokio::time::timeout(AT_LAST, exchanged).await.expect("an answer or an end");
        String::from_utf8(answer).expect("text")
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("a connection")
    }

    const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    const UPGRADE: &str = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                           sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                           sec-websocket-protocol: graphql-transport-ws\r\n\r\n";

    #[tokio::test]
    async fn a_socket_counts_for_its_peer_as_long_as_it_lasts() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (api, peers) = (Api::alone(Ok(())), Peers::new(1));
        let streams = api.streams.clone();
        let serving = tokio::spawn(serve_peers(listener, api, std::future::pending(), peers.clone()));
        let mut socket = connect(address).await;
        assert!(answer(&mut socket, UPGRADE).await.starts_with("HTTP/1.1 101 "));
        // Acknowledged, it is the socket that the connection has become.
        let init = br#"{"type":"connection_init"}"#;
        let masked = [&[0x81, 0x80 | u8::try_from(init.len()).expect("short"), 0, 0, 0, 0], init.as_slice()].concat();
        socket.write_all(&masked).await.expect("it reads");
        let mut acknowledged = [0; 2];
        socket.read_exact(&mut acknowledged).await.expect("it answers");
        assert_eq!((acknowledged[0], streams.open()), (0x81, 1));
        for _ in 0..20 {
            tokio::task::yield_now().await;
            assert_eq!(answer(&mut connect(address).await, LIVE).await, "", "the socket is its peer's one connection");
        }
        drop(socket);
        let free = async {
            while !answer(&mut connect(address).await, LIVE).await.starts_with("HTTP/1.1 ") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(AT_LAST, free).await.expect("its place is free again");
        serving.abort();
    }
}
