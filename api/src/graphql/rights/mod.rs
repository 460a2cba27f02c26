//! Who may ask for what: every field of the schema has a rule (`rules`), and a request is held against them before anything is executed.
//!
//! Scopes are told here. That of trips everyone sees only their own is told where they are read and changed: `own`.

mod own;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned, ServerError, Value};

pub(crate) use self::own::{caller, may_change, member_to_change, member_to_see, only_own, own_member};
use self::rules::{RULES, Rule};
use super::declared::{fields, named};
use super::fault::server_error;
use super::types::ErrorCode;
use crate::caller::Caller;

/// Key, in `extensions`, of the scopes one of which would do.
pub(crate) const SCOPES: &str = "scopes";
/// Names of the fields by which a schema tells of itself.
const INTROSPECTION: [&str; 2] = ["__schema", "__type"];

/// A field of the schema.
struct Guarded {
    /// Absent when nobody has given it one: then nobody may ask for it.
    rule: Option<Rule>,
    /// The type that it leads to.
    leads_to: &'static Name,
}

type Fields = HashMap<&'static str, HashMap<&'static str, Guarded>>;

/// All fields, by the names of type and field.
static FIELDS: LazyLock<Fields> = LazyLock::new(fields_of_schema);

/// Refuses an operation that has a field which the caller may not ask for.
pub(crate) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    caller: &Caller,
) -> Result<(), ServerError> {
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    Walk { document, caller }.selections(&operation.selection_set.node, root)
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    caller: &'a Caller,
}

impl Walk<'_> {
    /// The document's size is bounded before, and no fragment spreads itself: the walk ends.
    fn selections(&self, set: &SelectionSet, on: &str) -> Result<(), ServerError> {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let name = &field.node.name;
                    self.field(name.node.as_str(), name.pos, on, &field.node.selection_set)?;
                }
                Selection::InlineFragment(inline) => {
                    let on =
                        inline.node.type_condition.as_ref().map_or(on, |condition| condition.node.on.node.as_str());
                    self.selections(&inline.node.selection_set.node, on)?;
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.selections(&fragment.node.selection_set.node, on)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, name: &str, pos: Pos, on: &str, below: &Positioned<SelectionSet>) -> Result<(), ServerError> {
        if INTROSPECTION.contains(&name) {
            return self.allow(Some(rules::INTROSPECTION), pos);
        }
        // What the schema does not have the library refuses by its name.
        let Some(field) = FIELDS.get(on).and_then(|fields| fields.get(name)) else { return Ok(()) };
        self.allow(field.rule, pos)?;
        self.selections(&below.node, field.leads_to)
    }

    fn allow(&self, rule: Option<Rule>, pos: Pos) -> Result<(), ServerError> {
        if rule.is_some_and(|rule| rule.allows(self.caller)) {
            return Ok(());
        }
        let mut error = server_error(ErrorCode::Forbidden, refusal(rule));
        error.locations = vec![pos];
        let scopes = rule.map_or(&[][..], Rule::scopes).iter().map(|scope| Value::from(scope.as_str()));
        error.extensions.get_or_insert_default().set(SCOPES, Value::List(scopes.collect()));
        Err(error)
    }
}

fn refusal(rule: Option<Rule>) -> String {
    let wanted: Vec<&str> = rule.map_or(&[][..], Rule::scopes).iter().map(|scope| scope.as_str()).collect();
    match wanted.as_slice() {
        [] => "Nobody may ask for this: leave it out.".to_owned(),
        scopes => format!("This takes the scope {}: ask with a token that has it.", scopes.join(" or ")),
    }
}

fn fields_of_schema() -> Fields {
    let mut rules: HashMap<(&str, &str), Rule> = HashMap::new();
    for (on, names, rule) in RULES {
        rules.extend(names.split_whitespace().map(|name| ((*on, name), *rule)));
    }
    let mut all = Fields::new();
    for (on, field) in fields() {
        let name = field.name.node.as_str();
        let rule = rules.get(&(on.as_str(), name)).copied();
        let guarded = Guarded { rule, leads_to: named(&field.ty.node) };
        all.entry(on.as_str()).or_default().insert(name, guarded);
    }
    all
}
