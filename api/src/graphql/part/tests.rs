use std::collections::BTreeSet;

use async_graphql::Request;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use async_graphql::parser::{parse_query, parse_schema};

use super::*;
use crate::graphql::builder;
use crate::graphql::declared::fields;

const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

fn part_of(contexts: &[Context]) -> Part {
    Part::Of(contexts.iter().copied().collect(), ReadModels::Elsewhere)
}

/// Every part that one role alone serves.
fn parts() -> Vec<Part> {
    let mut parts: Vec<Part> = Context::ALL.iter().map(|context| part_of(&[*context])).collect();
    parts.push(Part::Of(Contexts::NONE, ReadModels::Kept));
    parts
}

/// The fields at the root of what is printed, each with its type's name.
fn printed_roots(part: Part) -> BTreeSet<String> {
    let document = parse_schema(printed(part)).expect("the library reads it");
    let mut roots = BTreeSet::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(on) = definition else { continue };
        let TypeKind::Object(object) = &on.node.kind else { continue };
        let name = on.node.name.node.as_str();
        if ROOTS.contains(&name) {
            roots.extend(object.fields.iter().map(|field| format!("{name}.{}", field.node.name.node)));
        }
    }
    roots
}

fn refused(query: &str, part: Part) -> Option<String> {
    let document = parse_query(query).expect("parses");
    let (_, operation) = document.operations.iter().next().expect("an operation");
    check(&document, &operation.node, part).err().map(|error| error.message)
}

#[test]
fn every_field_is_of_one_role_or_of_the_gateway() {
    let declared: BTreeSet<&str> =
        fields().filter(|(on, _)| ROOTS.contains(&on.as_str())).map(|(_, field)| field.name.node.as_str()).collect();
    let named: Vec<&str> = OF_CONTEXTS
        .iter()
        .map(|(_, names)| *names)
        .chain([OF_PROJECTIONS])
        .flat_map(|names| names.split(' '))
        .collect();
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "one is named twice");
    let unknown: Vec<_> = named.iter().filter(|name| !declared.contains(**name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in the schema");
    let of_several: BTreeSet<&str> = declared.into_iter().filter(|name| !named.contains(name)).collect();
    assert_eq!(of_several, BTreeSet::from(["node", "nodes", "offer"]));
}

#[test]
fn who_asks_a_role_for_what_others_serve_is_sent_to_the_gateway() {
    let hotel = part_of(&[Context::Hotel]);
    assert_eq!(refused("{ hotel(id: 1) { id } __typename }", hotel), None);
    assert_eq!(refused("{ __schema { types { name } } }", hotel), None);
    for query in [
        "mutation { bookTrip(input: {}) { position } }",
        "{ ...f } fragment f on Query { ... on Query { x: node(id: 1) { id } } }",
        "subscription { bookings { id } }",
    ] {
        let told = refused(query, hotel).expect("refused");
        assert!(told.contains("what is about hotel") && told.contains("ask the gateway"), "{told}");
    }
    assert_eq!(refused("{ nothing }", hotel), None, "the library says that there is no such field");
    assert_eq!(refused("{ node(id: 1) { id } }", Part::Whole), None);
    assert!(refused("{ projections { id } }", part_of(&[])).expect("refused").contains("serves nothing alone"));
}

#[test]
fn a_part_is_printed_whole_and_leads_to_nothing_that_is_missing() {
    assert_eq!(printed(Part::Whole), crate::graphql::sdl());
    assert_eq!(printed(part_of(&[])), "");
    for part in parts() {
        let text = printed(part);
        let document = parse_schema(&text).expect("the library reads it");
        let defined: BTreeSet<String> = document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(on) => Some(on.node.name.node.to_string()),
                _ => None,
            })
            .collect();
        let given = ["Int", "Float", "String", "Boolean", "ID"];
        for line in text.lines().filter(|line| line.contains(": ") && !line.contains('#')) {
            let Some((_, ty)) = line.rsplit_once(": ") else { continue };
            let name: String = ty.chars().filter(char::is_ascii_alphanumeric).collect();
            let is_type = line.trim_start().starts_with(|c: char| c.is_ascii_lowercase() || c == ')');
            if is_type && !ty.contains(' ') && ty.starts_with(|c: char| c.is_ascii_uppercase() || c == '[') {
                assert!(defined.contains(&name) || given.contains(&name.as_str()), "{part:?}: {line}");
            }
        }
        assert!(!printed_roots(part).is_empty(), "{part:?}");
    }
    let hotel = printed(part_of(&[Context::Hotel]));
    assert!(
        hotel.contains("upsertHotel(") && !hotel.contains("bookTrip(") && !hotel.contains("type Booking "),
        "{hotel}"
    );
    assert!(!hotel.contains("subscription: "));
}

#[tokio::test]
async fn introspection_of_a_role_shows_what_is_printed_for_it() {
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }";
    let schema = builder().finish();
    for part in parts() {
        let answer = schema.execute(Request::new(query).data(part)).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        let data = answer.data.into_json().expect("json");
        let mut shown = BTreeSet::new();
        for (key, on) in [("queryType", "Query"), ("mutationType", "Mutation"), ("subscriptionType", "Subscription")] {
            for field in data["__schema"][key]["fields"].as_array().into_iter().flatten() {
                shown.insert(format!("{on}.{}", field["name"].as_str().expect("a name")));
            }
        }
        assert_eq!(shown, printed_roots(part), "{part:?}");
    }
}
