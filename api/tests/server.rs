//! The server on a real socket.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use traveladvisor_api::limits::{HEAD_BYTES_MAX, HEADERS_MAX};
use traveladvisor_api::serve;

use crate::world::World;

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// Sockets that are opened and say nothing, or half a request.
const SILENT: usize = 300;
const TWO_MEGABYTES: usize = 2 * 1024 * 1024;

#[tokio::test]
async fn a_body_of_two_megabytes_is_answered_and_the_server_stays_and_stops_when_told() {
    let world = World::begin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, world.api.clone(), async {
        stopped.await.ok();
    }));

    let body = "x".repeat(TWO_MEGABYTES);
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, &[head.as_bytes(), body.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("INVALID_INPUT"), "{answer}");

    let answer =
        exchange(address, &[b"GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"]).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    stop.send(()).expect("the server listens");
    let ended = tokio::time::timeout(AT_LAST, server).await.expect("it stops").expect("no panic");
    ended.expect("no error");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

/// A server over a world, which stops when this is dropped.
struct Server {
    address: std::net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

async fn serving(world: &World) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, world.api.clone(), async {
        stopped.await.ok();
    }));
    Server { address, _stop: stop }
}

/// What is answered to one who sends so much and then nothing more.
async fn left_hanging(address: std::net::SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(sent.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(AT_LAST, read).await.expect("the server gives up");
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn who_sends_slowly_or_nothing_keeps_no_connection() {
    let world = World::begin().await;
    let server = serving(&world).await;
    let body = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{";
    let (nothing, head, body) = tokio::join!(
        left_hanging(server.address, ""),
        left_hanging(server.address, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx: "),
        left_hanging(server.address, body),
    );
    assert!(!nothing.contains("200"), "{nothing}");
    assert!(!head.contains("200"), "{head}");
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
}

#[tokio::test]
async fn hundreds_of_silent_sockets_keep_nobody_else_waiting() {
    let world = World::begin().await;
    let server = serving(&world).await;
    let mut silent = Vec::new();
    for n in 0..SILENT {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        if n % 2 == 0 {
            stream
                .write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n")
                .await
                .expect("half a head");
        }
        silent.push(stream);
    }
    let answer = exchange(
        server.address,
        &[b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"],
    );
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"Query\""), "{answer}");
    assert!(answer.contains("\r\nratelimit: ") && answer.contains("\r\nratelimit-policy: "), "{answer}");
    drop(silent);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::begin().await;
    let server = serving(&world).await;
    let large =
        format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(4 * HEAD_BYTES_MAX));
    let many = format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(HEADERS_MAX));
    for head in [large, many] {
        let answer = left_hanging(server.address, &head).await;
        // The connection ends with it: what the server has not read by then may take the answer along.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    // A token of 8 KB is none of these.
    let token = format!(
        "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        "x".repeat(8192)
    );
    assert!(exchange(server.address, &[token.as_bytes()]).await.starts_with("HTTP/1.1 200 "));
}

async fn exchange(address: std::net::SocketAddr, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    for part in parts {
        stream.write_all(part).await.expect("the server reads");
    }
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(AT_LAST, read).await.expect("an answer in time").expect("an answer");
    answer
}
