//! A document's tokens, counted before it is parsed: what is too long costs one look at its bytes, and nothing is kept of it.

use async_graphql::ServerError;

use super::too_complex;
use crate::limits::{QUERY_BYTES_MAX, QUERY_NESTING_MAX, QUERY_TOKENS_MAX};

/// What a block of text begins and ends with.
const BLOCK: &[u8] = b"\"\"\"";
/// Three quotes within a block.
const ESCAPED_BLOCK: &[u8] = b"\\\"\"\"";
/// What a block without an end begins with.
const EMPTY_TEXT: &[u8] = b"\"\"";

/// Refuses a document with too many bytes, tokens or brackets within brackets. What is no GraphQL is left for the parser to say.
pub(super) fn bounded(query: &str) -> Result<(), ServerError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_complex(format!("The query has more than {QUERY_BYTES_MAX} bytes: ask for less at once.")));
    }
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    for first in Tokens::of(query) {
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
    }
    Ok(())
}

/// The tokens of a document, each told by its first byte, cut as the parser cuts them.
struct Tokens<'a> {
    rest: &'a [u8],
    /// Whether a block may still come to its end: where one does not, none after it does.
    blocks_end: bool,
}

impl<'a> Tokens<'a> {
    const fn of(query: &'a str) -> Self {
        Self { rest: query.as_bytes(), blocks_end: true }
    }

    /// A text or a block of text with its quotes. The parser takes three quotes that no others follow for an empty text and another text's
    /// beginning; a text without an end is none, so that nothing behind it is read.
    fn text(&mut self) -> usize {
        if self.rest.starts_with(BLOCK) {
            let end = self.blocks_end.then(|| ended(self.rest, BLOCK, ESCAPED_BLOCK, ESCAPED_BLOCK.len())).flatten();
            self.blocks_end = end.is_some();
            return end.unwrap_or(EMPTY_TEXT.len());
        }
        // Elsewhere every byte may be escaped.
        ended(self.rest, b"\"", b"\\", 2).unwrap_or(self.rest.len())
    }
}

impl Iterator for Tokens<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.rest = &self.rest[ignored(self.rest)..];
        let first = *self.rest.first()?;
        let length = match first {
            b'"' => self.text(),
            b'.' => run(self.rest, |byte| byte == b'.').min(3),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => run(self.rest, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'-' | b'0'..=b'9' => {
                run(self.rest, |byte| matches!(byte, b'-' | b'+' | b'.') || byte.is_ascii_alphanumeric())
            }
            // A punctuator, or what the parser will name as an error.
            _ => 1,
        };
        self.rest = &self.rest[length..];
        Some(first)
    }
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

/// Where what begins with `quotes` has its end, if it has one; what is `escape`d does not end it.
fn ended(bytes: &[u8], quotes: &[u8], escape: &[u8], escaped: usize) -> Option<usize> {
    let mut at = quotes.len();
    while at < bytes.len() {
        if bytes[at..].starts_with(escape) {
            at += escaped;
        } else if bytes[at..].starts_with(quotes) {
            return Some(at + quotes.len());
        } else {
            at += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> usize {
        Tokens::of(query).count()
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
    fn a_block_without_an_end_is_read_as_the_parser_reads_it() {
        let deep = "[".repeat(QUERY_NESTING_MAX) + &"]".repeat(QUERY_NESTING_MAX);
        for query in [
            format!(r#"{{ a(b: [""" x" {deep} ]) }}"#),
            format!(r#"{{ a(b: ["""\""" x" {deep} ]) }}"#),
            format!(r#"{{ a(b: ["""" {deep} ]) }}"#),
        ] {
            assert!(bounded(&query).is_err(), "{query:.60}");
        }
        assert_eq!(tokens(r#"""" x" y"#), 3);
        assert_eq!(tokens(r#"""" x" \""" \""" y"#), 6);
        let hidden = format!(r#"""" x" {}"#, "a ".repeat(QUERY_TOKENS_MAX));
        assert!(bounded(&hidden).is_err(), "its tokens count");
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
