//! The values of a JSON text, counted before it is read: a short text may hold very many.

use crate::limits::{BODY_NESTING_MAX, BODY_VALUES_MAX};

/// A JSON text with too many values, or too many within each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyValues;

/// One look at the bytes. What is no JSON is left for the reader to say.
pub(crate) fn bounded(json: &[u8]) -> Result<(), TooManyValues> {
    let (mut values, mut nesting) = (1_usize, 0_usize);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json {
        if is_text {
            is_text = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => is_text = true,
            // Each comma parts two values, and what opens holds one more.
            b',' => values += 1,
            b'[' | b'{' => {
                values += 1;
                nesting += 1;
            }
            b']' | b'}' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if values > BODY_VALUES_MAX || nesting > BODY_NESTING_MAX {
            return Err(TooManyValues);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_nesting_are_bounded() {
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(bounded(list(BODY_VALUES_MAX - 1).as_bytes()), Ok(()));
        assert_eq!(bounded(list(BODY_VALUES_MAX).as_bytes()), Err(TooManyValues));
        let deep = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        assert_eq!(bounded(deep(BODY_NESTING_MAX).as_bytes()), Ok(()));
        assert_eq!(bounded(deep(BODY_NESTING_MAX + 1).as_bytes()), Err(TooManyValues));
    }

    #[test]
    fn what_stands_in_a_text_is_no_value() {
        let text = format!(r#"{{"a": "{}\" {}\\"}}"#, ",".repeat(BODY_VALUES_MAX), "[".repeat(BODY_NESTING_MAX));
        assert_eq!(bounded(text.as_bytes()), Ok(()));
        let after = format!(r#"["\\", {}]"#, "[".repeat(BODY_NESTING_MAX));
        assert_eq!(bounded(after.as_bytes()), Err(TooManyValues));
    }
}
