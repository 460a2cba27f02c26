//! What stands in a field's arguments, for its price. What is malformed there is the library's to refuse.

use async_graphql::parser::types::{Field, VariableDefinition};
use async_graphql::{Name, Positioned, Value, Variables};
use chrono::NaiveDate;

/// The variables of an operation, with their definitions.
pub(super) struct Arguments<'a> {
    pub(super) definitions: &'a [Positioned<VariableDefinition>],
    pub(super) variables: &'a Variables,
}

impl Arguments<'_> {
    /// A whole number; none where there is none.
    pub(super) fn number(&self, field: &Field, name: &str) -> Option<i64> {
        number(&self.value(field, name)?)
    }

    /// A whole number of an input object; none where there is none.
    pub(super) fn number_in(&self, field: &Field, name: &str, member: &str) -> Option<i64> {
        match self.value(field, name)? {
            Value::Object(members) => number(members.get(member)?),
            _ => None,
        }
    }

    /// A day; none where there is none.
    pub(super) fn day(&self, field: &Field, name: &str) -> Option<NaiveDate> {
        match self.value(field, name)? {
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The length of a list; none where there is none.
    pub(super) fn length(&self, field: &Field, name: &str) -> Option<usize> {
        match self.value(field, name)? {
            Value::List(items) => Some(items.len()),
            _ => None,
        }
    }

    /// Whether there is a value.
    pub(super) fn is_given(&self, field: &Field, name: &str) -> bool {
        self.value(field, name).is_some_and(|value| value != Value::Null)
    }

    fn value(&self, field: &Field, name: &str) -> Option<Value> {
        let given = field.get_argument(name)?;
        given.node.clone().into_const_with(|name| self.variable(&name).ok_or(())).ok()
    }

    /// A variable that was given, or its default.
    fn variable(&self, name: &Name) -> Option<Value> {
        if let Some(given) = self.variables.get(name) {
            return Some(given.clone());
        }
        let definition = self.definitions.iter().find(|definition| definition.node.name.node == *name)?;
        definition.node.default_value().cloned()
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}
