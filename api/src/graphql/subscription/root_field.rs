//! The one root field of a subscription (GraphQL specification, 5.2.3.1). The library looks at plain fields only and takes any number of them,
//! so what stands in fragments is brought up here, and anything but one field is refused.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};

use crate::graphql::fault::server_error;
use crate::graphql::types::ErrorCode;

/// The type on which a subscription's fragments are.
const ROOT: &str = "Subscription";
const ELSEWHERE: &str = "A fragment at the root of a subscription is on Subscription: correct its type.";
const ONE_FIELD: &str = "A subscription asks for one field: subscribe to each by itself.";
const ALWAYS: &str = "The field of a subscription cannot be skipped or included: leave the directive out.";

/// Leaves the operation with its one root field.
pub(crate) fn keep_one(document: &mut ExecutableDocument, name: Option<&str>) -> Result<(), ServerError> {
    let Some(operation) = chosen(document, name) else { return Ok(()) };
    let set = &operation.selection_set.node;
    let mut fields = Vec::new();
    collect(document, set, &mut fields)?;
    let Some((first, others)) = fields.split_first() else { return Ok(()) };
    let same = |field: &&Positioned<Field>| {
        let (one, other) = (&first.node, &field.node);
        one.response_key().node == other.response_key().node
            && one.name.node == other.name.node
            && one.arguments == other.arguments
    };
    if first.node.name.node.starts_with("__") || !others.iter().all(same) {
        return Err(refused(ONE_FIELD));
    }
    if let [Positioned { node: Selection::Field(_), .. }] = set.items.as_slice() {
        return Ok(());
    }
    let mut field = (*first).clone();
    for other in others {
        field.node.selection_set.node.items.extend(other.node.selection_set.node.items.iter().cloned());
    }
    let mut used = HashSet::new();
    reach(document, &field.node.selection_set.node, &mut used);
    let pos = field.pos;
    document.fragments.retain(|name, _| used.contains(name));
    if let Some(operation) = chosen_mut(document, name) {
        operation.selection_set.node.items = vec![Positioned::new(Selection::Field(field), pos)];
    }
    Ok(())
}

fn refused(message: &str) -> ServerError {
    server_error(ErrorCode::InvalidInput, message)
}

/// The root fields wherever they stand. An unknown fragment has none: the library names it.
fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> Result<(), ServerError> {
    for item in &set.items {
        if item.node.directives().iter().any(|on| matches!(on.node.name.node.as_str(), "skip" | "include")) {
            return Err(refused(ALWAYS));
        }
        match &item.node {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(inline) => {
                if inline.node.type_condition.as_ref().is_some_and(|on| on.node.on.node != ROOT) {
                    return Err(refused(ELSEWHERE));
                }
                collect(document, &inline.node.selection_set.node, fields)?;
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    if fragment.node.type_condition.node.on.node != ROOT {
                        return Err(refused(ELSEWHERE));
                    }
                    collect(document, &fragment.node.selection_set.node, fields)?;
                }
            }
        }
    }
    Ok(())
}

/// The fragments that a selection needs.
fn reach(document: &ExecutableDocument, set: &SelectionSet, used: &mut HashSet<Name>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => reach(document, &field.node.selection_set.node, used),
            Selection::InlineFragment(inline) => reach(document, &inline.node.selection_set.node, used),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if used.insert(name.clone())
                    && let Some(fragment) = document.fragments.get(name)
                {
                    reach(document, &fragment.node.selection_set.node, used);
                }
            }
        }
    }
}

fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    crate::graphql::document::operation(document, name)
}

fn chosen_mut<'a>(document: &'a mut ExecutableDocument, name: Option<&str>) -> Option<&'a mut OperationDefinition> {
    match (&mut document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&mut operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get_mut(name).map(|operation| &mut operation.node)
        }
        (DocumentOperations::Multiple(_), None) | (DocumentOperations::Single(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests;
