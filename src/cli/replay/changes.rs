//! What differs between two states.

use serde::Serialize;
use serde_json::{Map, Value};

/// A difference at one place, the deepest that holds all of it. Made in their order, all of them lead from one state to the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Change {
    /// Where, as a JSON pointer (RFC 6901); empty: the whole state.
    pub(super) path: String,
    /// Where it stood before, of what goes on under another name: a state that became another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// Absent of what was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) old: Option<Value>,
    /// Absent of what was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<Value>,
}

/// All that differs, by place.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut String::new(), Some(old), Some(new), &mut found);
    found
}

fn compare(path: &mut String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Change>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            if let Some(((former, before), (name, after))) = variant(old).zip(variant(new))
                && former != name
            {
                let from = pointer(path, former);
                within(path, name, |path| {
                    found.push(Change { path: path.clone(), from: Some(from), ..Change::default() });
                    compare(path, Some(before), Some(after), found);
                });
                return;
            }
            for name in names(old, new) {
                within(path, name, |path| compare(path, old.get(name), new.get(name), found));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            // What goes from the end of a list goes from its end on, so that no place moves meanwhile.
            for place in (0..new.len()).chain((new.len()..old.len()).rev()) {
                within(path, &place.to_string(), |path| compare(path, old.get(place), new.get(place), found));
            }
        }
        (old, new) => found.push(Change { path: path.clone(), from: None, old: old.cloned(), new: new.cloned() }),
    }
}

/// The one state of several that an object stands for: an enum of ours, in serde's plain form.
fn variant(object: &Map<String, Value>) -> Option<(&String, &Value)> {
    let mut members = object.iter();
    let (name, value) = members.next().filter(|(name, value)| is_named_as_a_type(name) && value.is_object())?;
    members.next().is_none().then_some((name, value))
}

fn is_named_as_a_type(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name.contains(|letter: char| letter.is_ascii_lowercase())
}

/// Of both, in order, none twice.
fn names<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> Vec<&'a String> {
    let mut names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.sort_unstable();
    names
}

fn within(path: &mut String, name: &str, look: impl FnOnce(&mut String)) {
    let length = path.len();
    *path = pointer(path, name);
    look(path);
    path.truncate(length);
}

fn pointer(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl Change {
    /// For people: a line for each value.
    pub(super) fn lines(&self) -> Vec<String> {
        if let Some(from) = &self.from {
            return vec![format!("> {from} becomes {}", self.path)];
        }
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if is_leaf(old) && is_leaf(new) => {
                vec![format!("~ {}: {old} → {new}", named(&self.path))]
            }
            (old, new) => {
                let mut lines = Vec::new();
                for (sign, value) in [('-', old), ('+', new)] {
                    if let Some(value) = value {
                        leaves(&mut self.path.clone(), value, &mut |path, leaf| {
                            lines.push(format!("{sign} {}: {leaf}", named(path)));
                        });
                    }
                }
                lines
            }
        }
    }
}

fn leaves(path: &mut String, value: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                within(path, name, |path| leaves(path, member, see));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                within(path, &place.to_string(), |path| leaves(path, item, see));
            }
        }
        leaf => see(path, leaf),
    }
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

const fn named(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(old: &Value, new: &Value) -> Value {
        serde_json::to_value(changes(old, new)).expect("JSON")
    }

    #[test]
    fn what_was_added_removed_and_changed_is_told_at_its_place() {
        let old = json!({ "a": 1, "b": { "c": [1, 2, 3, 5], "d": null }, "same": {} });
        let new = json!({ "a": 2, "b": { "c": [1, 4], "e/~": null }, "same": {} });
        assert_eq!(
            told(&old, &new),
            json!([
                { "path": "/a", "old": 1, "new": 2 },
                { "path": "/b/c/1", "old": 2, "new": 4 },
                { "path": "/b/c/3", "old": 5 },
                { "path": "/b/c/2", "old": 3 },
                { "path": "/b/d", "old": null },
                { "path": "/b/e~1~0", "new": null },
            ])
        );
        assert_eq!(told(&old, &old), json!([]));
    }

    #[test]
    fn a_state_of_another_kind_is_told_as_a_whole_and_shown_value_by_value() {
        let (old, new) = (json!("Absent"), json!({ "Pending": { "at": "noon", "parts": [] } }));
        assert_eq!(told(&old, &new), json!([{ "path": "", "old": "Absent", "new": new }]));
        let lines: Vec<_> = changes(&old, &new).iter().flat_map(Change::lines).collect();
        assert_eq!(lines, ["- /: \"Absent\"", "+ /Pending/at: \"noon\"", "+ /Pending/parts: []"]);
        let changed = changes(&json!({ "n": 1 }), &json!({ "n": 2 }));
        assert_eq!(changed[0].lines(), ["~ /n: 1 → 2"]);
    }

    #[test]
    fn a_state_that_becomes_another_is_told_by_what_really_changes() {
        let old = json!({ "Forward": { "plan": { "a": 1 }, "at": "car" } });
        let new = json!({ "Backward": { "plan": { "a": 1 }, "left": 2 } });
        assert_eq!(
            told(&old, &new),
            json!([
                { "path": "/Backward", "from": "/Forward" },
                { "path": "/Backward/at", "old": "car" },
                { "path": "/Backward/left", "new": 2 },
            ])
        );
        assert_eq!(changes(&old, &new)[0].lines(), ["> /Forward becomes /Backward"]);
        let (old, new) = (json!({ "2025-01-01": {} }), json!({ "2025-01-02": {} }));
        assert_eq!(changes(&old, &new).len(), 2, "a night is no state");
    }
}
