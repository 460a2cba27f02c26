//! Which mutation the key of the header `Idempotency-Key` is meant for: the only one of the operation, and it must take a key.

use std::collections::HashSet;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, TypeKind,
    TypeSystemDefinition,
};

use super::sdl;

/// Name of the field in the inputs of mutations that take a key.
const KEY: &str = "idempotencyKey";
/// Every object has this field, and asking for it does nothing.
const TYPENAME: &str = "__typename";
const SEVERAL: &str =
    "The header Idempotency-Key is for one mutation: send them one by one, or give each its own `idempotencyKey`.";
const TAKES_NONE: &str = "This mutation takes no idempotency key: leave the header Idempotency-Key out.";

/// A key of the header, as resolvers find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderKey(pub(crate) Option<String>);

/// Names of the mutations whose input has a key.
static TAKE_A_KEY: LazyLock<HashSet<String>> = LazyLock::new(take_a_key);

/// What is wrong with an operation that comes with a key in its header; nothing when it reads only.
pub(crate) fn misplaced(document: &ExecutableDocument, operation: &OperationDefinition) -> Option<&'static str> {
    if operation.ty != OperationType::Mutation {
        return None;
    }
    let mut fields = Vec::new();
    root_fields(document, &operation.selection_set.node, &mut fields);
    match fields.as_slice() {
        [] => None,
        [field] => (!TAKE_A_KEY.contains(*field)).then_some(TAKES_NONE),
        _ => Some(SEVERAL),
    }
}

/// The document's size is bounded before, and no fragment spreads itself.
fn root_fields<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, found: &mut Vec<&'a str>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) if field.node.name.node == TYPENAME => {}
            Selection::Field(field) => found.push(field.node.name.node.as_str()),
            Selection::InlineFragment(inline) => root_fields(document, &inline.node.selection_set.node, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    root_fields(document, &fragment.node.selection_set.node, found);
                }
            }
        }
    }
}

fn take_a_key() -> HashSet<String> {
    let Ok(schema) = parse_schema(sdl()) else { return HashSet::new() };
    let mut inputs = HashSet::new();
    let mut mutations = Vec::new();
    for definition in schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        match definition.node.kind {
            TypeKind::InputObject(input) if input.fields.iter().any(|field| field.node.name.node == KEY) => {
                inputs.insert(name);
            }
            TypeKind::Object(object) if name == "Mutation" => mutations = object.fields,
            _ => {}
        }
    }
    let takes_one = |field: &async_graphql::parser::types::FieldDefinition| {
        field.arguments.iter().any(|argument| match &argument.node.ty.node.base {
            BaseType::Named(name) => inputs.contains(name.as_str()),
            BaseType::List(_) => false,
        })
    };
    mutations.into_iter().filter(|field| takes_one(&field.node)).map(|field| field.node.name.node.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn wrong(query: &str) -> Option<&'static str> {
        let document = parse_query(query).expect("parses");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        misplaced(&document, &operation.node)
    }

    #[test]
    fn a_key_of_the_header_is_for_one_mutation_that_takes_one() {
        assert_eq!(wrong("mutation { __typename bookTrip { position } }"), None);
        assert_eq!(wrong("mutation { a: cancelBooking { position } }"), None);
        assert_eq!(wrong("{ a: booking { id } b: booking { id } }"), None, "a read needs none");
        assert_eq!(wrong("mutation { a: bookTrip { position } b: bookTrip { position } }"), Some(SEVERAL));
        let spread =
            "mutation { ...f } fragment f on Mutation { bookTrip { position } ... { cancelBooking { position } } }";
        assert_eq!(wrong(spread), Some(SEVERAL));
        assert_eq!(wrong("mutation { rebuildProjection { errors { code } } }"), Some(TAKES_NONE));
    }
}
