//! Which mutation the key of the header `Idempotency-Key` is meant for: the only one of the operation, and it must take a key.

use std::collections::HashSet;
use std::sync::LazyLock;

use async_graphql::Name;
use async_graphql::parser::types::{
    ExecutableDocument, FieldDefinition, OperationDefinition, OperationType, Selection, SelectionSet, TypeDefinition,
    TypeKind,
};

use super::declared::{fields, named, types};

/// Name of the field in the inputs of mutations that take a key.
const KEY: &str = "idempotencyKey";
/// The type whose fields are the mutations.
const MUTATION: &str = "Mutation";
/// Every object has this field, and asking for it does nothing.
const TYPENAME: &str = "__typename";
const SEVERAL: &str =
    "The header Idempotency-Key is for one mutation: send them one by one, or give each its own `idempotencyKey`.";
const TAKES_NONE: &str = "This mutation takes no idempotency key: leave the header Idempotency-Key out.";

/// A key of the header, as resolvers find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderKey(pub(crate) Option<String>);

/// Names of the mutations whose input has a key.
static TAKE_A_KEY: LazyLock<HashSet<&'static str>> = LazyLock::new(take_a_key);

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

fn take_a_key() -> HashSet<&'static str> {
    let has_key = |input: &&TypeDefinition| match &input.kind {
        TypeKind::InputObject(input) => input.fields.iter().any(|field| field.node.name.node == KEY),
        _ => false,
    };
    let inputs: HashSet<&Name> = types().filter(has_key).map(|input| &input.name.node).collect();
    let takes_one =
        |field: &FieldDefinition| field.arguments.iter().any(|argument| inputs.contains(named(&argument.node.ty.node)));
    let mutations = fields().filter(|(on, field)| *on == MUTATION && takes_one(field));
    mutations.map(|(_, field)| field.name.node.as_str()).collect()
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
