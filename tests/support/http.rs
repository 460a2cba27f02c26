//! HTTP without a library, so that tests can also send what no library would.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Longest wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// Posts a body to `/graphql`.
pub(crate) fn post(address: &str, body: &[u8]) -> io::Result<Answer> {
    post_to(address, "/graphql", "", body)
}

/// Posts a body to a path, with more headers, each a whole line.
pub(crate) fn post_to(address: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    exchange(address, head.as_bytes(), body)
}

/// Gets a path.
pub(crate) fn get(address: &str, path: &str) -> io::Result<Answer> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    exchange(address, head.as_bytes(), b"")
}

/// Asks GraphQL.
pub(crate) fn ask(address: &str, query: &str, variables: &Value) -> io::Result<Value> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = post(address, body.as_bytes())?;
    serde_json::from_str(&answer.body).map_err(io::Error::other)
}

fn exchange(address: &str, head: &[u8], body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(head)?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no whole answer"))?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok(Answer { status: status.ok_or_else(|| io::Error::other("no status"))?, body: body.to_owned() })
}
