//! A document's tokens, counted before it is parsed: what is too long costs one look at its bytes, and nothing is kept of it.

use async_graphql::ServerError;

use super::too_complex;
use crate::limits::{QUERY_BYTES_MAX, QUERY_NESTING_MAX, QUERY_TOKENS_MAX};

/// What a block of text begins and ends with.
const BLOCK: &[u8] = b"\"\"\"";

/// Refuses a document with too many bytes, tokens or brackets within brackets. What is no GraphQL is left for the parser to say.
pub(super) fn bounded(query: &str) -> Result<(), ServerError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_complex(format!("The query has more than {QUERY_BYTES_MAX} bytes: ask for less at once.")));
    }
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    let mut rest = query.as_bytes();
    while let Some((first, length)) = token(rest) {
        tokens += 1;
        match first {
            b'{' | b'(' | b'[' => nesting += 1,
            b'}' | b')' | b']' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if tokens > QUERY_TOKENS_MAX {
            return Err(too_complex(format!(
                "The query has more than {QUERY_TOKENS_MAX} tokens: ask for less at once."
            )));
        }
        if nesting > QUERY_NESTING_MAX {
            return Err(too_complex(format!("The query nests deeper than {QUERY_NESTING_MAX} brackets: ask flatter.")));
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// The next token: its first byte, and how many bytes lead up to its end; none at the document's end.
fn token(bytes: &[u8]) -> Option<(u8, usize)> {
    let ignored = ignored(bytes);
    let rest = &bytes[ignored..];
    let first = *rest.first()?;
    let length = match first {
        b'"' => text(rest),
        b'.' => run(rest, |byte| byte == b'.').min(3),
        b'_' | b'a'..=b'z' | b'A'..=b'Z' => run(rest, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
        b'-' | b'0'..=b'9' => run(rest, |byte| matches!(byte, b'-' | b'+' | b'.') || byte.is_ascii_alphanumeric()),
        // A punctuator, or what the parser will name as an error.
        _ => 1,
    };
    Some((first, ignored + length))
}

/// White space, commas, byte order marks and comments.
fn ignored(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => 1,
            b'#' => run(&bytes[at..], |byte| byte != b'\n' && byte != b'\r'),
            _ => break,
        };
    }
    at
}

fn run(bytes: &[u8], part: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !part(*byte)).unwrap_or(bytes.len())
}

/// A text or a block of text with its quotes; one without an end goes to the document's end.
fn text(bytes: &[u8]) -> usize {
    // In a block only its three quotes are escaped, elsewhere every byte may be.
    let (quotes, escape, escaped): (&[u8], &[u8], usize) =
        if bytes.starts_with(BLOCK) { (BLOCK, b"\\\"\"\"", 4) } else { (b"\"", b"\\", 2) };
    let mut at = quotes.len();
    while at < bytes.len() {
        if bytes[at..].starts_with(escape) {
            at += escaped;
        } else if bytes[at..].starts_with(quotes) {
            return at + quotes.len();
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> usize {
        let mut rest = query.as_bytes();
        let mut count = 0;
        while let Some((_, length)) = token(rest) {
            count += 1;
            rest = &rest[length..];
        }
        count
    }

    #[test]
    fn tokens_are_counted_as_graphql_has_them() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens(" ,\u{feff}# a { b\n"), 0);
        assert_eq!(tokens("{ a }"), 3);
        assert_eq!(tokens("query q($a: [Int!]! = -1.5e+3) { a: b(c: $a) ...d @e }"), 29);
        assert_eq!(tokens(r#"{ a(b: "c { \" d", e: """f "g" \""" h""") }"#), 11);
        assert_eq!(tokens(r#""no end { { {"#), 1);
        assert_eq!(tokens("{é"), 3);
    }

    #[test]
    fn a_text_hides_neither_tokens_nor_brackets_that_follow() {
        let texts = r#""a\\" """b\""" c""" "#.to_owned();
        assert!(bounded(&(texts.clone() + &"a ".repeat(QUERY_TOKENS_MAX))).is_err());
        assert!(bounded(&(texts + &"{".repeat(QUERY_NESTING_MAX + 1))).is_err());
    }

    #[test]
    fn what_fits_exactly_passes() {
        assert!(bounded(&"a ".repeat(QUERY_TOKENS_MAX)).is_ok());
        assert!(bounded(&"a ".repeat(QUERY_TOKENS_MAX + 1)).is_err());
        assert!(bounded(&" ".repeat(QUERY_BYTES_MAX)).is_ok());
        assert!(bounded(&" ".repeat(QUERY_BYTES_MAX + 1)).is_err());
        assert!(bounded(&"[".repeat(QUERY_NESTING_MAX)).is_ok());
    }
}
