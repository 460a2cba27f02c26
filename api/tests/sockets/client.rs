//! A raw WebSocket client: it says what it is told and hides nothing.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use traveladvisor_api::{Api, serve};

/// A generous limit for anything that must happen at last.
pub(super) const AT_LAST: Duration = Duration::from_mins(2);
pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// A server on a real socket.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(super) async fn start(api: Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, api, async {
            stopped.await.ok();
        }));
        Self { address, stop, served }
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).expect("it serves");
        let ended = tokio::time::timeout(AT_LAST, self.served).await.expect("it stops in time");
        ended.expect("no panic").expect("no error");
    }

    pub(super) async fn connect(&self) -> Client {
        self.connect_with(|_| ()).await
    }

    pub(super) async fn connect_with(&self, change: impl FnOnce(&mut Request<()>)) -> Client {
        self.try_connect(change).await.expect("a WebSocket")
    }

    /// A connection, or what is answered instead of one.
    pub(super) async fn try_connect(&self, change: impl FnOnce(&mut Request<()>)) -> Result<Client, Error> {
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().expect("a value"));
        change(&mut request);
        let (socket, _) = client_async(request, stream).await?;
        Ok(Client { socket })
    }

    /// A client whose connection is acknowledged.
    pub(super) async fn ready(&self) -> Client {
        let mut client = self.connect().await;
        client.say(json!({ "type": "connection_init" })).await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }
}

pub(super) struct Client {
    pub(super) socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(super) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("the server reads");
    }

    pub(super) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query, "variables": variables } })).await;
    }

    /// The next frame but pings and pongs of the WebSocket itself.
    pub(super) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        loop {
            let frame = tokio::time::timeout(AT_LAST, self.socket.next()).await.expect("something in time");
            if !matches!(frame, Some(Ok(Message::Ping(_) | Message::Pong(_)))) {
                return frame;
            }
        }
    }

    /// The next message.
    pub(super) async fn hear(&mut self) -> Value {
        match self.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("json"),
            other => panic!("no message: {other:?}"),
        }
    }

    /// What the server closes with, whatever it says before.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(Message::Text(_))) => {}
                other => panic!("not closed with a code: {other:?}"),
            }
        }
    }
}
