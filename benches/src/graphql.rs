//! GraphQL over HTTP, as the program's users speak it.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::Outcome;

/// One connection to the server, kept open.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { requests, host: address.to_string() })
    }

    /// So many.
    pub(crate) async fn several(address: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let mut opened = Vec::with_capacity(count);
        for _ in 0..count {
            opened.push(Self::open(address).await?);
        }
        Ok(opened)
    }

    /// The `data` of an answer without errors.
    pub(crate) async fn ask(&mut self, query: &str, variables: Value) -> Outcome<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut answer: Value = serde_json::from_str(&self.post(body).await?)?;
        if let Some(errors) = answer.get("errors") {
            return Err(format!("the server answered with errors: {errors}").into());
        }
        Ok(answer["data"].take())
    }

    /// What stands there, if it is there and well.
    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Option<String>> {
        let request = Request::builder().uri(path).header(HOST, &self.host).body(Full::default())?;
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        let is_well = response.status().is_success();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(is_well.then(|| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The answer to a request, both as text.
    pub(crate) async fn post(&mut self, body: String) -> Outcome<String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(String::from_utf8(bytes.into())?)
    }
}
