//! GraphQL over HTTP, as any user would speak it.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::cli::failure::Failure;

/// How long an answer may take: longer than `wait: FINISHED` waits.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);

/// One connection to the server.
pub(super) struct Client {
    requests: SendRequest<Full<Bytes>>,
    host: String,
    /// As whom it asks; without a token as everybody.
    token: Option<String>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|error| broken(&error))?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        Ok(Self { requests, host: address.to_string(), token: None })
    }

    /// From here on it asks as the one whom a token names.
    pub(super) fn sign_in(&mut self, token: String) {
        self.token = Some(token);
    }

    /// The `data` of an answer without errors.
    pub(super) async fn ask(&mut self, query: &str, variables: Value) -> Result<Value, Failure> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).map_err(|error| broken(&error))?;
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.exchange(request)).await;
        let mut answer = answer.map_err(|_| Failure::failed("the server did not answer in time"))??;
        if let Some(errors) = answer.get("errors") {
            return Err(Failure::failed(format!("the server answered with errors: {errors}")));
        }
        Ok(answer["data"].take())
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Value, Failure> {
        self.requests.ready().await.map_err(|error| broken(&error))?;
        let response = self.requests.send_request(request).await.map_err(|error| broken(&error))?;
        let bytes = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| broken(&error))
    }
}

fn broken(error: &impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the server could not be asked: {error}"))
}
