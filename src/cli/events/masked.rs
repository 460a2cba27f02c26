//! Hides personal values: whoever looks at the log sees that they are there, not what they are.

use serde_json::Value;

/// What stands in place of a personal value.
const MASK: &str = "•••";

/// The same payload with every `Personal` value hidden: the objects `{subject, value}`.
pub(crate) fn masked(mut payload: Value) -> Value {
    hide(&mut payload);
    payload
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let personal = members.len() == 2 && members.contains_key("subject") && members.contains_key("value");
            for (name, member) in members.iter_mut() {
                if personal && name == "value" { blank(member) } else { hide(member) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(blank),
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::Null => {}
        _ => *value = Value::String(MASK.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use traveladvisor_domain::personal::{Personal, Traveller};

    use super::masked;

    #[test]
    fn nothing_of_a_person_is_left() {
        let traveller = Personal {
            subject: "booking_1".to_owned(),
            value: Traveller { email: "a@b.example".to_owned(), name: "Ada".to_owned(), phone: None },
        };
        let payload = json!({ "BookingRequested": { "owner": "anonymous", "traveller": traveller } });
        let text = masked(payload).to_string();
        assert!(!text.contains("a@b.example") && !text.contains("Ada"), "{text}");
        assert!(text.contains("booking_1") && text.contains("anonymous"), "{text}");
    }
}
