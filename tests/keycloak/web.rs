//! HTTP as Keycloak is spoken to: redirections and cookies are the test's own affair.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longest wait for an answer: a new realm makes keys, on a machine that also compiles.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    /// The body as JSON; null when there is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// All values of a header.
    pub(super) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request to an address that begins with `http://`; each header is a whole line.
pub(super) fn send(method: &str, url: &str, headers: &str, body: &str) -> Answer {
    let place = url.strip_prefix("http://").expect("an address without encryption");
    let (host, path) = place.split_once('/').expect("an address with a path");
    let mut stream = TcpStream::connect(host).expect("Keycloak listens");
    stream.set_read_timeout(Some(ANSWER_LIMIT)).expect("a limit");
    // The older version, so that no answer comes in chunks.
    let head = format!("{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole answer");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Posts a form.
pub(super) fn post_form(url: &str, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
    send("POST", url, &headers, &encoded(fields))
}

/// Names and values as forms and addresses carry them.
pub(super) fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a text takes all");
        }
        text
    })
}
