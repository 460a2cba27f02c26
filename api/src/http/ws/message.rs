//! The messages of graphql-transport-ws, as they are read and written.

use std::io;

use axum::extract::ws::Message;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::graphql_post::members as parameters_of;
use super::super::values;
use super::close::Close;
use crate::graphql::execute::{Answer, Parameters};
use crate::limits::{OPERATION_ID_BYTES_MAX, SOCKET_ANSWER_BYTES_MAX};

const NO_JSON: &str = "A message is a JSON object with a type";
const BINARY: &str = "Messages are texts";
const TOO_MANY_VALUES: &str = "A message holds too many values, or too many within each other";
const NO_TYPE: &str = "There is no message of this type for a server";
const NO_ID: &str = "The id of an operation is a text that is neither empty nor long";
const NO_PAYLOAD: &str = "A payload here is a JSON object";
const NO_OPERATION: &str = "The payload of subscribe has query, and variables, operationName and extensions if need be";

/// What a client says.
#[derive(Debug)]
pub(super) enum Said {
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe(String, Parameters),
    Complete(String),
}

impl Said {
    /// Reads a frame; none for those that carry no message.
    pub(super) fn read(frame: Message) -> Result<Option<Self>, Close> {
        match frame {
            Message::Text(text) => Self::parse(text.as_str()).map(Some).map_err(Close::InvalidMessage),
            Message::Binary(_) => Err(Close::InvalidMessage(BINARY)),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        values::bounded(text.as_bytes()).map_err(|_| TOO_MANY_VALUES)?;
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return Err(NO_JSON) };
        let Some(Value::String(kind)) = members.remove("type") else { return Err(NO_JSON) };
        match kind.as_str() {
            "connection_init" => Ok(Self::Init(payload(&mut members)?.unwrap_or_default())),
            "ping" => Ok(Self::Ping(payload(&mut members)?.map(Value::Object))),
            "pong" => payload(&mut members).map(|_| Self::Pong),
            "subscribe" => {
                let id = id(&mut members)?;
                let operation = payload(&mut members)?.ok_or(NO_PAYLOAD)?;
                let parameters = parameters_of(Value::Object(operation)).map_err(|_| NO_OPERATION)?;
                Ok(Self::Subscribe(id, parameters))
            }
            "complete" => id(&mut members).map(Self::Complete),
            _ => Err(NO_TYPE),
        }
    }
}

fn id(members: &mut Map<String, Value>) -> Result<String, &'static str> {
    match members.remove("id") {
        Some(Value::String(id)) if !id.is_empty() && id.len() <= OPERATION_ID_BYTES_MAX => Ok(id),
        _ => Err(NO_ID),
    }
}

fn payload(members: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, &'static str> {
    match members.remove("payload") {
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(NO_PAYLOAD),
    }
}

/// What we say.
#[derive(Serialize)]
struct Written<'a, P: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

/// `connection_ack`.
pub(super) fn ack() -> Message {
    written(None, "connection_ack", None::<()>)
}

/// `pong`, with what the ping brought along.
pub(super) fn pong(payload: Option<Value>) -> Message {
    written(None, "pong", payload)
}

/// An answer beyond [`SOCKET_ANSWER_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// `next`, or `error` when nothing was executed.
pub(super) fn answer(id: &str, answer: &Answer) -> Result<Message, TooLarge> {
    let written = if answer.has_data() {
        bounded(&Written { id: Some(id), kind: "next", payload: Some(answer) })
    } else {
        bounded(&Written { id: Some(id), kind: "error", payload: Some(answer.errors()) })
    };
    written.map(Message::text).ok_or(TooLarge)
}

/// A message as text; none when it is too large, which is found out before all of it is made.
fn bounded(message: &impl Serialize) -> Option<String> {
    let mut bytes = Bounded(Vec::new());
    serde_json::to_writer(&mut bytes, message).ok()?;
    String::from_utf8(bytes.0).ok()
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > SOCKET_ANSWER_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `complete`.
pub(super) fn complete(id: &str) -> Message {
    written(Some(id), "complete", None::<()>)
}

fn written(id: Option<&str>, kind: &'static str, payload: Option<impl Serialize>) -> Message {
    // What we write can be written as JSON: names are texts.
    Message::text(serde_json::to_string(&Written { id, kind, payload }).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{BODY_NESTING_MAX, BODY_VALUES_MAX};

    #[test]
    fn a_message_has_its_type_and_what_that_needs() {
        assert!(matches!(Said::parse(r#"{"type":"connection_init"}"#), Ok(Said::Init(_))));
        assert!(matches!(Said::parse(r#"{"type":"connection_init","payload":null,"more":1}"#), Ok(Said::Init(_))));
        assert!(matches!(Said::parse(r#"{"type":"ping","payload":{"a":1}}"#), Ok(Said::Ping(Some(_)))));
        assert!(matches!(Said::parse(r#"{"type":"complete","id":"a"}"#), Ok(Said::Complete(_))));
        let whole = r#"{"type":"subscribe","id":"a","payload":{"query":"{ a }","variables":{},"operationName":null}}"#;
        assert!(matches!(Said::parse(whole), Ok(Said::Subscribe(..))));
        for (text, why) in [
            ("", NO_JSON),
            ("[]", NO_JSON),
            (r#"{"type":1}"#, NO_JSON),
            (r#"{"type":"next","id":"a","payload":{}}"#, NO_TYPE),
            (r#"{"type":"connection_init","payload":1}"#, NO_PAYLOAD),
            (r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#, NO_ID),
            (r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#, NO_ID),
            (r#"{"type":"subscribe","id":"a"}"#, NO_PAYLOAD),
            (r#"{"type":"subscribe","id":"a","payload":{}}"#, NO_OPERATION),
            (r#"{"type":"subscribe","id":"a","payload":{"query":1}}"#, NO_OPERATION),
            (r#"{"type":"complete"}"#, NO_ID),
        ] {
            assert_eq!(Said::parse(text).expect_err(text), why);
        }
    }

    #[test]
    fn a_message_holds_no_more_values_than_a_request() {
        let message = |payload: String| format!(r#"{{"type":"ping","payload":{payload}}}"#);
        for payload in
            [format!(r#"{{"a":[{}0]}}"#, "0,".repeat(BODY_VALUES_MAX)), "{\"a\":".repeat(BODY_NESTING_MAX) + "1"]
        {
            assert_eq!(Said::parse(&message(payload)).expect_err("too much"), TOO_MANY_VALUES);
        }
    }
}
