//! One GraphQL request from parameters to answer: parsed, bounded, executed under a deadline, scrubbed.

use std::panic::AssertUnwindSafe;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Request, Response, ServerError, Value};
use futures::FutureExt;
use serde::Serialize;

use super::TravelSchema;
use super::admit::{Admitted, Told, admit};
use super::complete::complete;
use super::cost::Cost;
use super::document::{operation, parse};
use super::fault::{REQUEST_ID, server_error};
use super::header_key::HeaderKey;
use super::persisted::PersistedQuery;
use super::rights::SCOPES;
use super::scrub::scrub;
use super::types::ErrorCode;
use crate::admission::Rate;
use crate::caller::{Asking, RequestId};
use crate::limits::{ERRORS_MAX, REQUEST_DEADLINE};

/// The parameters of a GraphQL request, however they came.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    /// The document; empty when only its hash was sent.
    pub(crate) query: String,
    /// Which of its operations.
    pub(crate) operation_name: Option<String>,
    /// Its variables: a JSON object or null.
    pub(crate) variables: serde_json::Value,
    /// The hash under which the document may be known.
    pub(crate) persisted: Option<PersistedQuery>,
}

/// What may be asked on the way the request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Reads only, as HTTP's GET is safe.
    Queries,
    /// Reads and writes.
    Everything,
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was executed; single fields may have failed.
    Executed,
    /// GraphQL rejected it before anything was executed.
    Rejected,
    /// The caller may not do what it asks for.
    Forbidden,
    /// The key of its header is meant for no mutation, or for several.
    KeyMisplaced,
    /// The caller has asked for too much of late.
    OverRate,
    /// A write on a way that allows reads only.
    NotAllowed,
    /// The deadline passed.
    TimedOut,
    /// It broke on a defect of ours.
    Broken,
}

/// A GraphQL response. `data` is left out when nothing was executed (GraphQL specification, 7.1).
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    #[serde(skip)]
    pub(crate) stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
    #[serde(skip)]
    rate: Option<Rate>,
}

/// What an answer tells beside its data.
#[derive(Debug, Serialize)]
struct Extensions {
    cost: Cost,
}

impl Answer {
    /// An answer that is one error.
    pub(crate) fn of(stage: Stage, code: ErrorCode, message: &str) -> Self {
        Self::refused(stage, server_error(code, message))
    }

    /// Tells the request's id beside every error.
    pub(crate) fn bear(&mut self, request_id: &str) {
        for error in &mut self.errors {
            error.extensions.get_or_insert_default().set(REQUEST_ID, request_id);
        }
    }

    /// The same, where the request has one.
    pub(crate) fn bear_of(&mut self, RequestId(id): &RequestId) {
        if let Some(id) = id {
            self.bear(id);
        }
    }

    /// A defect of ours.
    fn broken() -> Self {
        Self::of(Stage::Broken, ErrorCode::Internal, "Something went wrong on our side: report it.")
    }

    /// Whether anything was executed. If not, the errors are all there is.
    pub(crate) const fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// What went wrong.
    pub(crate) fn errors(&self) -> &[ServerError] {
        &self.errors
    }

    /// Scopes, one of which the caller lacks.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let told = self.errors.iter().filter_map(|error| error.extensions.as_ref()?.get(SCOPES));
        let named = told.flat_map(|scopes| match scopes {
            Value::List(scopes) => scopes.as_slice(),
            _ => &[],
        });
        named.filter_map(|scope| if let Value::String(scope) = scope { Some(scope.as_str()) } else { None }).collect()
    }

    /// The same from an error at hand.
    pub(crate) fn refused(stage: Stage, error: ServerError) -> Self {
        Self { stage, data: None, errors: vec![error], extensions: None, rate: None }
    }

    /// GraphQL rejected it.
    pub(crate) fn rejected(error: ServerError) -> Self {
        Self::refused(Stage::Rejected, error)
    }

    /// The answer with what is told beside it.
    pub(crate) fn telling(self, told: Told) -> Self {
        Self { extensions: told.cost.map(|cost| Extensions { cost }), rate: told.rate, ..self }
    }

    /// How the caller's account stands, if that was asked.
    pub(crate) fn rate(&self) -> Option<&Rate> {
        self.rate.as_ref()
    }
}

/// Executes a request for a caller.
pub(crate) async fn execute(schema: &TravelSchema, parameters: Parameters, asking: Asking, allowed: Allowed) -> Answer {
    let request_id = asking.request_id.clone();
    let mut answer = answered(schema, parameters, asking, allowed).await;
    answer.bear_of(&request_id);
    answer
}

async fn answered(schema: &TravelSchema, mut parameters: Parameters, asking: Asking, allowed: Allowed) -> Answer {
    let Admitted { document, variables, told } = match admit(schema, &mut parameters, &asking, allowed).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    let mut request = Request::new(&parameters.query)
        .variables(variables)
        .data(asking.caller)
        .data(asking.trace)
        .data(asking.request_id)
        .data(HeaderKey(asking.idempotency_key));
    request.operation_name.clone_from(&parameters.operation_name);
    request.set_parsed_query(document);
    // A panic in a resolver must not take the connection, and the other requests on it, with it.
    let execution = AssertUnwindSafe(schema.execute(request)).catch_unwind();
    let answered = match tokio::time::timeout(REQUEST_DEADLINE, execution).await {
        Ok(Ok(response)) => answer(completed(response, &parameters.query, parameters.operation_name.as_deref())),
        Ok(Err(_panic)) => Answer::broken(),
        Err(_elapsed) => {
            let message = "The answer took too long: ask again, with the same idempotency key.";
            Answer::of(Stage::TimedOut, ErrorCode::DeadlineExceeded, message)
        }
    };
    answered.telling(told)
}

/// One answer of a subscription; `response` is absent when a resolver panicked. One that fails before anything came was not accepted.
pub(crate) fn streamed(
    response: Option<Response>,
    is_first: bool,
    query: &str,
    operation_name: Option<&str>,
) -> Answer {
    let Some(response) = response else { return Answer::broken() };
    let failed = !response.errors.is_empty() && response.data == Value::Null;
    let response = completed(response, query, operation_name);
    let errors = response.errors.into_iter().take(ERRORS_MAX).map(scrub).collect();
    if failed && is_first {
        return Answer { stage: Stage::Rejected, data: None, errors, extensions: None, rate: None };
    }
    Answer { stage: Stage::Executed, data: Some(response.data), errors, extensions: None, rate: None }
}

/// Execution took the document, and errors are rare, so that it is parsed again only for them.
fn completed(mut response: Response, query: &str, operation_name: Option<&str>) -> Response {
    if response.errors.iter().all(|error| error.path.is_empty()) {
        return response;
    }
    if let Ok(document) = parse(query)
        && let Some(operation) = operation(&document, operation_name)
    {
        complete(&mut response.data, &response.errors, &document, operation);
    }
    response
}

/// An error without a path comes from before the execution: every resolver's error names its field.
fn answer(response: Response) -> Answer {
    let rejected = !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty());
    // Where every field is skipped the library answers null instead of an object without members.
    let nothing = response.data == Value::Null && response.errors.is_empty();
    let data = if nothing { Value::Object(IndexMap::default()) } else { response.data };
    let errors = response.errors.into_iter().take(ERRORS_MAX).map(scrub).collect();
    if rejected && data == Value::Null {
        return Answer { stage: Stage::Rejected, data: None, errors, extensions: None, rate: None };
    }
    Answer { stage: Stage::Executed, data: Some(data), errors, extensions: None, rate: None }
}
