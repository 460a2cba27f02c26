//! Variables before anything is executed: those that must be there are (GraphQL specification, 6.1.2).
//!
//! The library looks at the values that were given, and at a missing one only where a field is about to use it: by then a write could have
//! been done. Values and types are its part.

use async_graphql::ServerError;
use async_graphql::parser::types::OperationDefinition;
use serde_json::Value;

use super::fault::server_error;
use super::types::ErrorCode;

/// Names may hold what a caller typed into them, so that the place tells which variable it is.
const MISSING: &str = "A variable that must not be null is missing: give the one that is defined at the place told.";

/// The first variable of an operation that may not be null and is: null was given, or nothing and there is no default.
pub(crate) fn missing(operation: &OperationDefinition, given: &Value) -> Option<ServerError> {
    let definition = operation.variable_definitions.iter().find(|definition| {
        let variable = &definition.node;
        let absent = given.get(variable.name.node.as_str()).map_or(variable.default_value.is_none(), Value::is_null);
        absent && !variable.var_type.node.nullable
    })?;
    let mut error = server_error(ErrorCode::InvalidInput, MISSING);
    error.locations.push(definition.pos);
    Some(error)
}
