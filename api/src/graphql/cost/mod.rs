//! What an operation costs, told in `extensions.cost` of every answer: its fields, each as often as it may answer, and what its root fields
//! ask of the rest of the house.

mod arguments;
mod prices;

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, ServerError, Variables};
use serde::Serialize;

use self::arguments::Arguments;
use super::document::{Size, Sizes};
use super::fault::server_error;
use super::types::ErrorCode;
use crate::limits::{INTROSPECTION_FIELDS_PER_COST, QUERY_COMPLEXITY_MAX};

/// The cost of an operation, as its answer tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Cost {
    /// What the operation costs.
    pub(crate) requested: usize,
    /// What one operation may cost.
    pub(crate) max: usize,
    /// What its caller may still spend at once; none where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remaining: Option<u64>,
}

impl Cost {
    /// What an operation of a bounded document costs.
    pub(crate) fn of(document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Self {
        let arguments = Arguments { definitions: &operation.variable_definitions, variables };
        let fragments = HashMap::new();
        let mut bill = Bill { document, sizes: Sizes::new(document), fragments, kind: operation.ty, arguments };
        Self { requested: bill.of(&operation.selection_set.node), max: QUERY_COMPLEXITY_MAX, remaining: None }
    }

    /// Refuses what costs more than one operation may.
    pub(crate) fn bounded(&self) -> Result<(), ServerError> {
        if self.requested <= self.max {
            return Ok(());
        }
        let message = format!(
            "The query costs {} and may cost {}: ask for fewer fields, or for shorter pages, at once.",
            self.requested, self.max
        );
        Err(server_error(ErrorCode::QueryTooComplex, message))
    }
}

/// The bill of an operation: what is at its root has a price, and so has a page below it; all else costs one for each field.
struct Bill<'a> {
    document: &'a ExecutableDocument,
    sizes: Sizes<'a>,
    /// What each fragment costs below a root field: it is added up once, however often it is spread.
    fragments: HashMap<&'a Name, usize>,
    kind: OperationType,
    arguments: Arguments<'a>,
}

impl<'a> Bill<'a> {
    fn of(&mut self, root: &'a SelectionSet) -> usize {
        root.items.iter().map(|item| self.one(&item.node)).fold(0, usize::saturating_add)
    }

    /// Within bounds nothing spreads itself, and what is spread twice is asked twice.
    fn one(&mut self, selection: &'a Selection) -> usize {
        match selection {
            Selection::Field(field) => self.field(&field.node),
            Selection::InlineFragment(inline) => self.of(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let document = self.document;
                let fragment = document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.of(&fragment.node.selection_set.node))
            }
        }
    }

    fn field(&mut self, field: &'a Field) -> usize {
        let set = &field.selection_set.node;
        match field.name.node.as_str() {
            "__schema" | "__type" => introspection(self.sizes.of(set).unwrap_or_default()),
            name => prices::of(self.kind, name).cost(self.below(set), field, &self.arguments),
        }
    }

    /// What stands below a root field. Bounded documents end, however they are nested.
    fn below(&mut self, set: &'a SelectionSet) -> usize {
        set.items.iter().map(|item| self.one_below(&item.node)).fold(0, usize::saturating_add)
    }

    fn one_below(&mut self, selection: &'a Selection) -> usize {
        match selection {
            Selection::Field(field) => {
                let below = self.below(&field.node.selection_set.node);
                prices::below(field.node.name.node.as_str()).cost(below, &field.node, &self.arguments)
            }
            Selection::InlineFragment(inline) => self.below(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => self.spread(&spread.node.fragment_name.node),
        }
    }

    fn spread(&mut self, name: &'a Name) -> usize {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return 0 };
        // One that spreads itself is refused before; here it ends.
        self.fragments.insert(name, 0);
        let cost = self.below(&fragment.node.selection_set.node);
        self.fragments.insert(name, cost);
        cost
    }
}

fn introspection(below: Size) -> usize {
    1 + below.introspected / INTROSPECTION_FIELDS_PER_COST
}

#[cfg(test)]
mod tests;
