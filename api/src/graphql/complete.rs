//! Failed fields as the schema sees them: where null is not allowed, the object around goes with them (GraphQL specification, 6.4.4).
//!
//! The library leaves a failed field out of its object. What stands in an answer must be what the schema promises, so every error's path
//! is followed here and the nearest place above it that may be null becomes null.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use async_graphql::{Name, PathSegment, ServerError, Value};

use super::declared::{fields, named};

/// The types of all fields, by the names of type and field.
static FIELDS: LazyLock<HashMap<(&Name, &Name), &Type>> =
    LazyLock::new(|| fields().map(|(on, field)| ((on, &field.name.node), &field.ty.node)).collect());

/// Puts null where the errors of an executed operation demand it.
pub(crate) fn complete(
    data: &mut Value,
    errors: &[ServerError],
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) {
    for error in errors {
        // Of introspection, which cannot fail, nothing is known here.
        if let Some(nullable) = nullable_steps(document, operation, &error.path) {
            put_null(data, &error.path, &nullable);
        }
    }
}

/// Whether each step of a path may be null; none when the schema has no such path.
fn nullable_steps(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    path: &[PathSegment],
) -> Option<Vec<bool>> {
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let mut here = vec![(Name::new(root), &operation.selection_set.node)];
    let mut reached: Option<&Type> = None;
    let mut nullable = Vec::with_capacity(path.len());
    for step in path {
        let next = match (step, reached) {
            (PathSegment::Field(key), _) => {
                let mut found = Vec::new();
                for (parent, set) in here {
                    selected(document, &parent, set, key, &mut found);
                }
                let (parent, field) = found.first()?;
                let declared = *FIELDS.get(&(parent, &field.name.node))?;
                let object = named(declared).clone();
                here = found.iter().map(|(_, field)| (object.clone(), &field.selection_set.node)).collect();
                declared
            }
            (PathSegment::Index(_), Some(Type { base: BaseType::List(element), .. })) => element,
            (PathSegment::Index(_), _) => return None,
        };
        nullable.push(next.nullable);
        reached = Some(next);
    }
    Some(nullable)
}

/// The fields that answer under a key, each with the type on which it is asked for. The document is valid, so they are the same field.
fn selected<'a>(
    document: &'a ExecutableDocument,
    parent: &Name,
    set: &'a SelectionSet,
    key: &str,
    found: &mut Vec<(Name, &'a Field)>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) if field.node.response_key().node == key => {
                found.push((parent.clone(), &field.node));
            }
            Selection::Field(_) => {}
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
                selected(document, on, &inline.node.selection_set.node, key, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    let on = &fragment.node.type_condition.node.on.node;
                    selected(document, on, &fragment.node.selection_set.node, key, found);
                }
            }
        }
    }
}

/// Follows the path as far as there is something, then goes back to what may be null. Where the same object was asked for twice it stands
/// there whole although one of the two failed: it goes, too.
fn put_null(data: &mut Value, path: &[PathSegment], nullable: &[bool]) {
    let mut present = 0;
    let mut here: Option<&Value> = Some(&*data);
    for step in path {
        here = here.and_then(|value| below(value, step)).filter(|value| **value != Value::Null);
        if here.is_none() {
            break;
        }
        present += 1;
    }
    let failed = present.min(path.len().saturating_sub(1));
    match nullable.iter().take(failed + 1).rposition(|is_nullable| *is_nullable) {
        Some(place) => set_null(data, &path[..=place]),
        None => *data = Value::Null,
    }
}

fn below<'a>(value: &'a Value, step: &PathSegment) -> Option<&'a Value> {
    match (value, step) {
        (Value::Object(members), PathSegment::Field(key)) => members.get(key.as_str()),
        (Value::List(items), PathSegment::Index(index)) => items.get(*index),
        _ => None,
    }
}

fn set_null(value: &mut Value, path: &[PathSegment]) {
    let Some((step, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    match (value, step) {
        (Value::Object(members), PathSegment::Field(key)) => {
            set_null(members.entry(Name::new(key)).or_insert(Value::Null), rest);
        }
        (Value::List(items), PathSegment::Index(index)) => {
            if let Some(item) = items.get_mut(*index) {
                set_null(item, rest);
            }
        }
        // An object of which every field failed is null already.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    /// The answer to a query once a field of it failed; a number is a place in a list.
    fn completed(query: &str, answer: serde_json::Value, failed: &serde_json::Value) -> serde_json::Value {
        let document = parse_query(query).expect("parses");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let step = |step: &serde_json::Value| match step.as_u64() {
            Some(index) => PathSegment::Index(usize::try_from(index).expect("an index")),
            None => PathSegment::Field(step.as_str().expect("a name").to_owned()),
        };
        let mut error = ServerError::new("failed", None);
        error.path = failed.as_array().expect("a path").iter().map(step).collect();
        let mut data = Value::from_json(answer).expect("a value");
        complete(&mut data, &[error], &document, &operation.node);
        data.into_json().expect("json")
    }

    #[test]
    fn null_goes_up_to_what_may_be_null() {
        let query = "query($i: ID!) { a: booking(id: $i) { ...b } } \
             fragment b on Node { id ... on Booking { s: status hotel { rooms } payment { brand refunded { amount } } } }";
        let at = |failed: serde_json::Value| {
            completed(query, json!({ "a": { "id": "x", "payment": { "brand": null } } }), &failed)
        };
        assert_eq!(at(json!(["a", "s"])), json!({ "a": null }));
        assert_eq!(at(json!(["a", "payment", "refunded"])), json!({ "a": null }));
        let without_hotel = json!({ "a": { "id": "x", "payment": { "brand": null }, "hotel": null } });
        assert_eq!(at(json!(["a", "hotel"])), without_hotel);
        assert_eq!(at(json!(["a", "hotel", "rooms"])), without_hotel);
        assert_eq!(at(json!(["a"])), json!({ "a": null }));
    }

    #[test]
    fn a_list_that_may_hold_no_null_goes_with_its_entry() {
        let query = "{ booking(id: \"x\") { id timeline { at } } hotels(filter: {}) { nodes { id name } } }";
        let whole =
            json!({ "booking": { "id": "x", "timeline": [{ "at": "1" }] }, "hotels": { "nodes": [{ "id": "h" }] } });
        let without_trip = completed(query, whole.clone(), &json!(["booking", "timeline", 0, "at"]));
        assert_eq!(without_trip, json!({ "booking": null, "hotels": { "nodes": [{ "id": "h" }] } }));
        assert_eq!(completed(query, whole, &json!(["hotels", "nodes", 0, "name"])), json!(null));
    }
}
