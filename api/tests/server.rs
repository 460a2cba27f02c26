//! The server on a real socket.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use traveladvisor_api::serve;

use crate::world::World;

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_secs(30);
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
