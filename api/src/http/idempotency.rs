//! The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a text in quotes as structured fields write it (RFC 9651), or
//! the bare key, as many send it.

use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::Refusal;
use crate::graphql::idempotency_key;
use crate::graphql::types::ErrorCode;

/// The header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MALFORMED: &str = "The header Idempotency-Key is one text in quotes of 1 to 255 visible characters, without a card number: send it once.";

/// The header is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedKey;

impl From<MalformedKey> for Refusal {
    fn from(_: MalformedKey) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, MALFORMED)
    }
}

/// The key of the header, if there is one. Parameters behind a text in quotes mean nothing here.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, MalformedKey> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(|text| read(text.trim())),
        (Some(_), Some(_)) => None,
    };
    let key = key.and_then(|key| idempotency_key(&key).ok());
    key.map(Some).ok_or(MalformedKey)
}

fn read(value: &str) -> Option<String> {
    match value.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => is_bare(value).then(|| value.to_owned()),
    }
}

/// A quote ends the text, a backslash stands before a quote or a backslash; behind it come parameters or nothing.
fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => text.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter @ ' '..='~' => text.push(letter),
            _ => return None,
        }
    }
    let rest = letters.as_str();
    (rest.is_empty() || rest.starts_with(';')).then_some(text)
}

/// Without what would mean something in a structured field.
fn is_bare(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn given(values: &[&str]) -> Result<Option<String>, MalformedKey> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(value).expect("a value"));
        }
        key(&headers)
    }

    #[test]
    fn a_key_is_read_with_quotes_and_without() {
        assert_eq!(given(&[]), Ok(None));
        for text in [r#""8e03978e-40d5-43dd-bc93-6894a57f9324""#, "8e03978e-40d5-43dd-bc93-6894a57f9324"] {
            assert_eq!(given(&[text]), Ok(Some("8e03978e-40d5-43dd-bc93-6894a57f9324".to_owned())));
        }
        assert_eq!(given(&[r#""a \"b\" \\ c";v=1"#]), Ok(Some(r#"a "b" \ c"#.to_owned())));
    }

    #[test]
    fn what_is_no_key_is_refused_whole() {
        let long = "k".repeat(256);
        for text in
            ["", r#""""#, r#"""#, r#""a"#, r#""a"b"#, r#""a\b""#, "a,b", "a b", "a;b", "4242424242424242", "é", &long]
        {
            assert_eq!(given(&[text]), Err(MalformedKey), "{text:?}");
        }
        assert_eq!(given(&["a", "a"]), Err(MalformedKey), "one key is sent once");
    }
}
