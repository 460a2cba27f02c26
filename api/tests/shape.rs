//! Compares an answer with what the schema promises.

use std::collections::BTreeMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, FieldDefinition, OperationType, Selection, SelectionSet, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{parse_query, parse_schema};
use serde_json::Value;

struct Shape {
    document: ExecutableDocument,
    fields: BTreeMap<(String, String), Type>,
    breaches: Vec<String>,
}

/// Where the data lacks a field that was asked for, or has a null that the schema forbids. The query has one operation and skips nothing.
pub(crate) fn breaches(query: &str, data: &Value) -> Vec<String> {
    let document = parse_query(query).expect("a query");
    let (_, operation) = document.operations.iter().next().expect("an operation");
    let root = if operation.node.ty == OperationType::Mutation { "Mutation" } else { "Query" };
    let set = operation.node.selection_set.node.clone();
    let mut shape = Shape { document, fields: fields(), breaches: Vec::new() };
    // The data as a whole may be null.
    if *data != Value::Null {
        shape.object(&[(root.to_owned(), &set)], data, "data");
    }
    shape.breaches
}

impl Shape {
    fn object(&mut self, sets: &[(String, &SelectionSet)], value: &Value, place: &str) {
        let mut selected = BTreeMap::new();
        for (parent, set) in sets {
            select(&self.document, parent, set, &mut selected);
        }
        for (key, fields) in selected {
            let place = format!("{place}.{key}");
            let Some(below) = value.get(&key) else {
                self.breaches.push(format!("{place} is missing"));
                continue;
            };
            let (parent, field) = &fields[0];
            if field.name.node == "__typename" {
                continue;
            }
            let declared = self.fields[&(parent.clone(), field.name.node.to_string())].clone();
            let sets: Vec<_> = fields.iter().map(|(_, field)| field.selection_set.node.clone()).collect();
            self.value(&declared, &sets, below, &place);
        }
    }

    fn value(&mut self, declared: &Type, sets: &[SelectionSet], value: &Value, place: &str) {
        match (&declared.base, value) {
            (_, Value::Null) if declared.nullable => {}
            (_, Value::Null) => self.breaches.push(format!("{place} is null")),
            (BaseType::List(element), Value::Array(items)) => {
                for item in items {
                    self.value(element, sets, item, place);
                }
            }
            (BaseType::Named(name), _) if sets.iter().any(|set| !set.items.is_empty()) => {
                let sets: Vec<_> = sets.iter().map(|set| (name.to_string(), set)).collect();
                self.object(&sets, value, place);
            }
            (BaseType::Named(_), _) => {}
            (BaseType::List(_), _) => self.breaches.push(format!("{place} is no list")),
        }
    }
}

fn select(
    document: &ExecutableDocument,
    parent: &str,
    set: &SelectionSet,
    into: &mut BTreeMap<String, Vec<(String, Field)>>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.to_string();
                into.entry(key).or_default().push((parent.to_owned(), field.node.clone()));
            }
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
                select(document, on, &inline.node.selection_set.node, into);
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments[&spread.node.fragment_name.node].node;
                select(document, &fragment.type_condition.node.on.node, &fragment.selection_set.node, into);
            }
        }
    }
}

fn fields() -> BTreeMap<(String, String), Type> {
    let mut all = BTreeMap::new();
    for definition in parse_schema(traveladvisor_api::sdl()).expect("the schema parses").definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let of_type: Vec<FieldDefinition> = match definition.node.kind {
            TypeKind::Object(object) => object.fields.into_iter().map(|field| field.node).collect(),
            TypeKind::Interface(interface) => interface.fields.into_iter().map(|field| field.node).collect(),
            _ => continue,
        };
        for field in of_type {
            all.insert((definition.node.name.node.to_string(), field.name.node.to_string()), field.ty.node);
        }
    }
    all
}

#[test]
fn a_breach_is_seen() {
    use serde_json::json;
    let query =
        "{ booking(id: \"x\") { ...b } } fragment b on Node { id ... on Booking { hotel { rooms } timeline { at } } }";
    let seen = |data: Value| breaches(query, &data);
    assert_eq!(seen(Value::Null), [""; 0]);
    assert_eq!(seen(json!({ "booking": null })), [""; 0]);
    assert_eq!(seen(json!({ "booking": { "id": "x", "hotel": null, "timeline": [{ "at": "1" }] } })), [""; 0]);
    assert_eq!(seen(json!({})), ["data.booking is missing"]);
    let found = seen(json!({ "booking": { "id": null, "hotel": {}, "timeline": [{}] } }));
    assert_eq!(
        found,
        ["data.booking.hotel.rooms is missing", "data.booking.id is null", "data.booking.timeline.at is missing"]
    );
}
