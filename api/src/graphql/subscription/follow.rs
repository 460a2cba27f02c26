//! Any operation as a stream of answers: one for a query or a mutation, as many as come for a subscription.

use std::panic::AssertUnwindSafe;

use async_graphql::Request;
use async_graphql::parser::types::OperationType;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::caller::Asking;
use crate::graphql::TravelSchema;
use crate::graphql::admit::{Admitted, admit};
use crate::graphql::document::{operation, parse};
use crate::graphql::execute::{Allowed, Answer, Parameters, execute, streamed};

/// Whether it takes more than one answer.
pub(crate) fn is_subscription(parameters: &Parameters) -> bool {
    kind(parameters) == Some(OperationType::Subscription)
}

/// Whether it writes.
pub(crate) fn is_mutation(parameters: &Parameters) -> bool {
    kind(parameters) == Some(OperationType::Mutation)
}

fn kind(parameters: &Parameters) -> Option<OperationType> {
    let document = parse(&parameters.query).ok()?;
    operation(&document, parameters.operation_name.as_deref()).map(|operation| operation.ty)
}

/// Admits an operation of a caller; a query or a mutation has been executed by then, a subscription is, as long as the stream is read.
pub(crate) async fn follow(
    schema: &TravelSchema,
    parameters: Parameters,
    asking: Asking,
) -> BoxStream<'static, Answer> {
    if !is_subscription(&parameters) {
        return once(execute(schema, parameters, asking, Allowed::Everything).await);
    }
    let request_id = asking.request_id.clone();
    let answers = subscribe(schema, parameters, asking).await;
    answers
        .map(move |mut answer| {
            answer.bear_of(&request_id);
            answer
        })
        .boxed()
}

async fn subscribe(schema: &TravelSchema, mut parameters: Parameters, asking: Asking) -> BoxStream<'static, Answer> {
    let admitted = admit(schema, &mut parameters, &asking, Allowed::Everything).await;
    let Admitted { document, variables, told } = match admitted {
        Ok(admitted) => admitted,
        Err(answer) => return once(answer),
    };
    let Parameters { query, operation_name, .. } = parameters;
    let mut request = Request::new(&query).variables(variables).data(asking.caller).data(asking.trace);
    request.operation_name.clone_from(&operation_name);
    request.set_parsed_query(document);
    let mut is_first = true;
    // A panic in a resolver ends this operation and no other.
    AssertUnwindSafe(schema.execute_stream(request))
        .catch_unwind()
        .map(move |response| {
            let first = std::mem::replace(&mut is_first, false);
            let answer = streamed(response.ok(), first, &query, operation_name.as_deref());
            // It was paid once, and the first answer says so.
            if first { answer.telling(told) } else { answer }
        })
        .boxed()
}

/// One answer and no other.
pub(crate) fn once(answer: Answer) -> BoxStream<'static, Answer> {
    stream::once(std::future::ready(answer)).boxed()
}
