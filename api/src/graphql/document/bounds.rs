//! What a document may hold, once it is parsed and before the library looks at it.

use async_graphql::ServerError;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};

use super::size::{Endless, Size, Sizes};
use super::too_complex;
use crate::graphql::fault::server_error;
use crate::graphql::types::ErrorCode;
use crate::limits::{
    DOCUMENT_DIRECTIVES_MAX, FIELD_DIRECTIVES_MAX, INTROSPECTION_LISTS_MAX, OPERATIONS_MAX, QUERY_ALIASES_MAX,
    QUERY_DEPTH_MAX, QUERY_SELECTIONS_MAX, ROOT_FIELDS_MAX, SELECTION_NESTING_MAX,
};

/// Refuses a document that holds too much of anything, or a fragment that spreads itself. Every operation counts, also those that are not
/// asked for: the library walks them all, and fragments once for each place that spreads them.
pub(super) fn bounded(document: &ExecutableDocument) -> Result<(), ServerError> {
    let operations = document.operations.iter().count();
    at_most(operations, OPERATIONS_MAX, "operations")?;
    let mut sizes = Sizes::new(document);
    let (mut selections, mut aliases, mut directives) = (0_usize, 0_usize, 0_usize);
    for (_, operation) in document.operations.iter() {
        let size = of_operation(&mut sizes, &operation.node)?;
        selections = selections.saturating_add(size.selections);
        aliases = aliases.saturating_add(size.aliases);
        directives = directives.saturating_add(size.directives);
    }
    for fragment in document.fragments.values() {
        // One that no operation spreads is walked as well, if only to be named.
        let size = sizes.of(&fragment.node.selection_set.node).map_err(endless)?;
        at_most(
            size.directives_on_one.max(fragment.node.directives.len()),
            FIELD_DIRECTIVES_MAX,
            "directives on one place",
        )?;
        directives = directives.saturating_add(fragment.node.directives.len());
        at_most(size.depth, QUERY_DEPTH_MAX, "levels of fields")?;
    }
    at_most(selections, QUERY_SELECTIONS_MAX, "selections")?;
    at_most(aliases, QUERY_ALIASES_MAX, "aliases")?;
    at_most(directives, DOCUMENT_DIRECTIVES_MAX, "directives")
}

fn of_operation<'a>(sizes: &mut Sizes<'a>, operation: &'a OperationDefinition) -> Result<Size, ServerError> {
    let mut size = sizes.of(&operation.selection_set.node).map_err(endless)?;
    let variables = operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
    let own = operation.directives.len().saturating_add(variables.sum());
    size.directives = size.directives.saturating_add(own);
    at_most(size.depth, QUERY_DEPTH_MAX, "levels of fields")?;
    at_most(size.fields_here, ROOT_FIELDS_MAX, "fields at its root")?;
    at_most(size.directives_on_one.max(operation.directives.len()), FIELD_DIRECTIVES_MAX, "directives on one place")?;
    // No field of ours has the name of such a list, so that it does not matter where it stands.
    at_most(size.introspection_lists, INTROSPECTION_LISTS_MAX, "lists of introspection within each other")?;
    Ok(size)
}

fn at_most(count: usize, most: usize, what: &str) -> Result<(), ServerError> {
    if count <= most {
        return Ok(());
    }
    Err(too_complex(format!("The query has more than {most} {what}: ask for less at once.")))
}

fn endless(why: Endless) -> ServerError {
    match why {
        Endless::Cycle => server_error(ErrorCode::InvalidInput, "A fragment spreads itself: remove the cycle."),
        Endless::TooDeep => too_complex(format!(
            "The query has more than {SELECTION_NESTING_MAX} selections within each other: ask flatter, with fewer fragments in fragments."
        )),
    }
}
