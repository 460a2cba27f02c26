//! A JSON value as YAML: texts quoted as in JSON, keys in the order of their letters, so that the same value is always the same text.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Spaces for each level.
const INDENT: usize = 2;

/// The value, in lines.
pub(super) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.trim_start().to_owned()
}

fn write(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => object(fields, depth, text),
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                begin(depth, text);
                text.push('-');
                let mut inner = String::new();
                write(item, depth + 1, &mut inner);
                // The first line of what is in an item stands behind its dash.
                match inner.trim_start_matches(['\n', ' ']) {
                    inner if item.is_object() || item.is_array() => {
                        text.push(' ');
                        text.push_str(inner);
                    }
                    _ => text.push_str(&inner),
                }
            }
        }
        // A JSON text is one of YAML's as well.
        simple => {
            let _ = write!(text, " {simple}");
        }
    }
}

fn object(fields: &Map<String, Value>, depth: usize, text: &mut String) {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in sorted {
        begin(depth, text);
        if is_plain(name) {
            text.push_str(name);
        } else {
            let _ = write!(text, "{}", Value::from(name.as_str()));
        }
        text.push(':');
        write(value, depth + 1, text);
    }
}

fn begin(depth: usize, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', depth * INDENT));
}

/// Whether nobody can take the name for anything but a text.
fn is_plain(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.bytes().all(is_word)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::yaml;

    #[test]
    fn a_value_is_written_so_that_every_reader_of_yaml_finds_it_again() {
        let value =
            json!({ "b": [{ "x": 1, "y": { "z": [] } }, "two", ["three"]], "a": "1: #", "$ref": {}, "no": null });
        let expected = "\"$ref\": {}\na: \"1: #\"\nb:\n  - x: 1\n    \"y\":\n      z: []\n  - \"two\"\n  - - \"three\"\n\"no\": null";
        assert_eq!(yaml(&value), expected);
    }
}
