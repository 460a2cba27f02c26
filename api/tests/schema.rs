//! The schema that clients rely on.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeKind, TypeSystemDefinition,
};

/// What the repository holds.
const COMMITTED: &str = include_str!("../schema.graphql");
/// The page that the repository holds.
const ERRORS: &str = include_str!("../../docs/errors.md");
/// What clients rely on, whatever is added.
const CORE: &str = include_str!("core.graphql");

#[test]
fn the_schema_in_the_repository_is_the_programs() {
    assert!(COMMITTED == traveladvisor_api::sdl(), "regenerate api/schema.graphql: `traveladvisor schema`");
}

#[test]
fn the_page_of_errors_in_the_repository_is_the_programs() {
    assert!(ERRORS == traveladvisor_api::error_page(), "regenerate docs/errors.md: `traveladvisor schema --errors`");
}

#[test]
fn the_core_that_clients_rely_on_is_whole() {
    let ours = facts(&traveladvisor_api::sdl());
    let missing: Vec<_> = facts(CORE).into_iter().filter(|(what, how)| ours.get(what) != Some(how)).collect();
    assert!(missing.is_empty(), "missing or changed: {missing:#?}");
}

#[test]
fn everything_in_the_schema_is_described() {
    let mute: Vec<String> = described(&traveladvisor_api::sdl())
        .into_iter()
        .filter_map(|(what, is_described)| (!is_described).then_some(what))
        .collect();
    assert!(mute.is_empty(), "without a description: {mute:#?}");
}

#[test]
fn the_schema_is_the_same_at_every_call() {
    assert_eq!(traveladvisor_api::sdl(), traveladvisor_api::sdl());
}

fn document(sdl: &str) -> ServiceDocument {
    parse_schema(sdl).expect("the schema parses")
}

/// Each type, field, argument and enum value by its full name, with its type and default.
fn facts(sdl: &str) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    visit(sdl, &mut |what, how, _described| {
        facts.insert(what, how);
    });
    facts
}

fn described(sdl: &str) -> BTreeMap<String, bool> {
    let mut all = BTreeMap::new();
    visit(sdl, &mut |what, _how, described| {
        all.insert(what, described);
    });
    all
}

fn visit(sdl: &str, see: &mut impl FnMut(String, String, bool)) {
    for definition in document(sdl).definitions {
        let definition = match definition {
            TypeSystemDefinition::Type(definition) => definition.node,
            TypeSystemDefinition::Directive(directive) => {
                let directive = directive.node;
                see(format!("@{}", directive.name.node), "directive".to_owned(), directive.description.is_some());
                continue;
            }
            TypeSystemDefinition::Schema(_) => continue,
        };
        let name = definition.name.node.to_string();
        let described = definition.description.is_some();
        match definition.kind {
            TypeKind::Scalar => see(name, "scalar".to_owned(), described),
            TypeKind::Enum(kind) => {
                see(name.clone(), "enum".to_owned(), described);
                for value in kind.values {
                    let value = value.node;
                    see(format!("{name}.{}", value.value.node), "value".to_owned(), value.description.is_some());
                }
            }
            TypeKind::Object(kind) => {
                see(name.clone(), "type".to_owned(), described);
                for interface in &kind.implements {
                    see(format!("{name} implements {}", interface.node), "interface".to_owned(), true);
                }
                fields(&name, kind.fields.into_iter().map(|field| field.node), see);
            }
            TypeKind::Interface(kind) => {
                see(name.clone(), "interface".to_owned(), described);
                fields(&name, kind.fields.into_iter().map(|field| field.node), see);
            }
            TypeKind::InputObject(kind) => {
                see(name.clone(), "input".to_owned(), described);
                inputs(&name, kind.fields.into_iter().map(|field| field.node), see);
            }
            TypeKind::Union(_) => see(name, "union".to_owned(), described),
        }
    }
}

fn fields(parent: &str, fields: impl Iterator<Item = FieldDefinition>, see: &mut impl FnMut(String, String, bool)) {
    for field in fields {
        let name = format!("{parent}.{}", field.name.node);
        see(name.clone(), field.ty.node.to_string(), field.description.is_some());
        inputs(&name, field.arguments.into_iter().map(|argument| argument.node), see);
    }
}

fn inputs(
    parent: &str,
    values: impl Iterator<Item = InputValueDefinition>,
    see: &mut impl FnMut(String, String, bool),
) {
    for value in values {
        let default = value.default_value.map(|default| format!(" = {}", default.node)).unwrap_or_default();
        see(
            format!("{parent}.{}", value.name.node),
            format!("{}{default}", value.ty.node),
            value.description.is_some(),
        );
    }
}

#[test]
fn whatever_has_an_id_is_a_node_and_every_node_has_an_id() {
    let facts = facts(&traveladvisor_api::sdl());
    let with = |ending: &str| -> Vec<&str> { facts.keys().filter_map(|what| what.strip_suffix(ending)).collect() };
    let nodes = with(" implements Node");
    assert!(nodes.len() >= 6, "{nodes:?}");
    let identified: Vec<&str> = with(".id")
        .into_iter()
        .filter(|what| facts.get(*what).is_some_and(|how| how == "type") && facts[&format!("{what}.id")] == "ID!")
        .collect();
    assert_eq!(nodes, identified);
}

#[test]
fn every_page_can_be_read_from_either_end_and_says_how_large_it_may_be() {
    use traveladvisor_api::limits::{NODES_MAX, PAGE_DEFAULT, PAGE_MAX};
    let sdl = traveladvisor_api::sdl();
    let facts = facts(&sdl);
    let lists: Vec<&String> =
        facts.iter().filter(|(_, how)| how.ends_with("Connection!")).map(|(what, _)| what).collect();
    assert!(lists.len() >= 6, "{lists:?}");
    for list in &lists {
        let wanted = [("first", format!("Int = {PAGE_DEFAULT}")), ("after", "String".to_owned())];
        for (argument, how) in wanted.into_iter().chain([("last", "Int".to_owned()), ("before", "String".to_owned())]) {
            assert_eq!(facts.get(&format!("{list}.{argument}")), Some(&how), "{list}.{argument}");
        }
    }
    for says in [
        format!("Entries wanted from the beginning, 1 to {PAGE_MAX}."),
        format!("Entries wanted from the end, 1 to {PAGE_MAX}, instead of `first`."),
    ] {
        assert_eq!(sdl.matches(&says).count(), lists.len(), "{says}");
    }
    assert!(sdl.contains(&format!("At most {NODES_MAX} ids, of any kinds.")));
}

#[test]
fn both_histories_say_what_they_leave_out() {
    use traveladvisor_projections::reads::{HISTORY_ENTRIES_FIRST, HISTORY_ENTRIES_MAX};
    let newest = HISTORY_ENTRIES_MAX - HISTORY_ENTRIES_FIRST;
    let rule = format!(
        "Of more than {HISTORY_ENTRIES_MAX} entries the first {HISTORY_ENTRIES_FIRST} and the newest {newest}."
    );
    assert_eq!(traveladvisor_api::sdl().matches(&rule).count(), 2);
}
