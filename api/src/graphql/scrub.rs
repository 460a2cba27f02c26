//! What GraphQL itself rejects, in our words: a code, the path of the field where it is known, and nothing that a caller gave.
//!
//! The library quotes names and values of the request in its sentences. A card number could stand in any of them, so a quoted word stays
//! only when it is a name and no value, and a sentence with a long number left is replaced whole.

use async_graphql::{ServerError, Value};

use super::fault::{CODE, PATH, extensions};
use super::types::ErrorCode;

/// Longest quoted word that is repeated, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Digits in a row that make a word suspect. Names of the schema have none, card numbers have twelve at least.
const DIGITS_IN_NAME_MAX: usize = 3;
/// Digits of one number in a sentence, with or without spaces and dashes between, that could be a card's.
const DIGITS_IN_NUMBER_MAX: usize = 11;
const PLAIN: &str = "The request is not valid: compare it with the schema.";
/// The library's sentences for its own limits (`validation/mod.rs`, `schema.rs`).
const LIMITS: [&str; 4] = [
    "Query is too complex.",
    "Query is nested too deep.",
    "The recursion depth of the query",
    "The number of directives on the field",
];

/// Errors that carry our code pass; all others came from the library and are rewritten.
pub(crate) fn scrub(error: ServerError) -> ServerError {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get(CODE).is_some()) {
        return error;
    }
    let limit = LIMITS.iter().any(|limit| error.message.starts_with(limit));
    let code = if limit { ErrorCode::QueryTooComplex } else { ErrorCode::InvalidInput };
    let mut clean = ServerError::new(sentence(&error.message), None);
    clean.locations = error.locations;
    clean.path = error.path;
    let mut values = extensions(code);
    if let Some(path) = input_path(&error.message) {
        values.set(PATH, Value::List(path.into_iter().map(Value::from).collect()));
    }
    clean.extensions = Some(values);
    clean
}

/// A syntax error: the parser's own sentence quotes the line, so only the place is told.
pub(crate) fn syntax_error(error: &async_graphql::parser::Error) -> ServerError {
    let mut clean = ServerError::new("The query is not valid GraphQL: look at the line and column told.", None);
    clean.locations = error.positions().collect();
    clean.extensions = Some(extensions(ErrorCode::InvalidInput));
    clean
}

fn sentence(message: &str) -> String {
    let message = without_values(message);
    let mut kept = String::with_capacity(message.len());
    for (place, piece) in message.split('"').enumerate() {
        let quoted = place % 2 == 1;
        if place > 0 {
            kept.push('"');
        }
        kept.push_str(if quoted && !is_name(piece) { "…" } else { piece });
    }
    if has_long_number(&kept) { PLAIN.to_owned() } else { kept }
}

/// Whether a number stands in a text that could be a card's, however it is grouped.
pub(crate) fn has_long_number(text: &str) -> bool {
    let mut digits = 0;
    for c in text.chars() {
        digits = match c {
            '0'..='9' => digits + 1,
            ' ' | '-' | '_' => digits,
            _ => 0,
        };
        if digits > DIGITS_IN_NUMBER_MAX {
            return true;
        }
    }
    false
}

/// Cuts what the library adds of the values given. A value may hold quotes itself, so these cannot be found by their quotes.
fn without_values(message: &str) -> String {
    if let Some((before, _)) = message.split_once(", found ") {
        return format!("{before}.");
    }
    if let Some((before, _)) = message.split_once(" does not contain the value ") {
        return format!("{before} does not contain the value given");
    }
    if message.starts_with("Unknown operation named ") {
        return "The document has no operation of the name given.".to_owned();
    }
    match (message.split_once("unknown field \""), message.rsplit_once("\" of type ")) {
        (Some((before, _)), Some((_, type_name))) => format!("{before}unknown field of type {type_name}"),
        _ => message.to_owned(),
    }
}

/// A name of the GraphQL grammar, a variable, a type such as `[String!]!`, or a path of names.
fn is_name(word: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "_.$@[]!".contains(c);
    word.len() <= NAME_BYTES_MAX && word.chars().all(letters) && digits_in_a_row(word) <= DIGITS_IN_NAME_MAX
}

fn digits_in_a_row(word: &str) -> usize {
    word.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// `Invalid value for argument "input.hotel.rooms", expected …`: the path that stands there, and the missing field if one is named.
fn input_path(message: &str) -> Option<Vec<String>> {
    let rest = message.strip_prefix("Invalid value for argument \"")?;
    let (path, reason) = rest.split_once('"')?;
    let missing = reason.strip_prefix(", field \"").and_then(|rest| rest.split_once('"')).map(|(name, _)| name);
    let steps: Vec<&str> = path.split('.').chain(missing).collect();
    steps.iter().all(|step| is_name(step)).then(|| steps.iter().map(|step| (*step).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(message: &str) -> (String, serde_json::Value) {
        let error = scrub(ServerError::new(message, None));
        let extensions = serde_json::to_value(error.extensions.expect("a code")).expect("json");
        (error.message, extensions)
    }

    #[test]
    fn no_value_of_the_request_is_repeated() {
        for message in [
            r#"Failed to parse "Int": Expected input type "Int", found "4242424242424242"."#,
            r#"Invalid value for argument "input.payment.method", enumeration type "PaymentMethod" does not contain the value "42"42 4242 4242 4242""#,
            r#"Unknown operation named "alice@example.com""#,
            r#"Invalid value for argument "input", unknown field "4242 "4242" 4242" of type "PaymentInput""#,
            r#"Variable "$c4242424242424242" is not used"#,
            "Something about 4242-4242-4242-4242",
        ] {
            let (sentence, extensions) = scrubbed(message);
            assert!(!sentence.contains("4242") && !sentence.contains("alice"), "{sentence}");
            assert_eq!(extensions["code"], "INVALID_INPUT");
        }
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let (sentence, extensions) =
            scrubbed(r#"Invalid value for argument "input.hotel.checkIn", expected type "Date""#);
        assert_eq!(sentence, r#"Invalid value for argument "input.hotel.checkIn", expected type "Date""#);
        assert_eq!(extensions["path"], serde_json::json!(["input", "hotel", "checkIn"]));
        let missing = r#"Invalid value for argument "input", field "idempotencyKey" of type "String!" is required but not provided"#;
        assert_eq!(scrubbed(missing).1["path"], serde_json::json!(["input", "idempotencyKey"]));
    }

    #[test]
    fn limits_have_their_own_code() {
        assert_eq!(scrubbed("Query is too complex.").1["code"], "QUERY_TOO_COMPLEX");
    }
}
