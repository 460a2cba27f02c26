//! Faults, rights and limits: what is answered in GraphQL `errors`, with the code in `extensions`.

use async_graphql::{Error, ErrorExtensionValues, ServerError, Value};

use super::types::ErrorCode;

/// Key of the code in `extensions`.
pub(crate) const CODE: &str = "code";
/// Key of the request's id in `extensions`.
pub(crate) const REQUEST_ID: &str = "requestId";
/// Key of the path of an input field in `extensions`.
pub(crate) const PATH: &str = "path";

/// An error that is no data: a code and a sentence, nothing of what was given or of how we are built.
pub(crate) fn fault(code: ErrorCode, message: impl Into<String>) -> Error {
    let mut error = Error::new(message);
    error.extensions = Some(extensions(code));
    error
}

/// A query's argument breaks its rule.
pub(crate) fn argument_error(path: &[&str], message: impl Into<String>) -> Error {
    coded_argument_error(ErrorCode::InvalidInput, path, message)
}

/// The same with a code that says more.
pub(crate) fn coded_argument_error(code: ErrorCode, path: &[&str], message: impl Into<String>) -> Error {
    let mut error = fault(code, message);
    let steps = path.iter().map(|step| Value::from((*step).to_owned())).collect();
    error.extensions.get_or_insert_default().set(PATH, Value::List(steps));
    error
}

/// Something broke on our side. The reason goes to the log of the program; the caller hears that it was us.
pub(crate) fn internal(reason: &dyn std::fmt::Display) -> Error {
    tracing::error!(%reason, "a request failed");
    fault(ErrorCode::Internal, "Something went wrong on our side: try again, and report it if it stays.")
}

/// The same for a request that never reached a resolver.
pub(crate) fn server_error(code: ErrorCode, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions = Some(extensions(code));
    error
}

pub(crate) fn extensions(code: ErrorCode) -> ErrorExtensionValues {
    let mut values = ErrorExtensionValues::default();
    values.set(CODE, code.as_str());
    values
}
