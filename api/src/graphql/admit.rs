//! What a request must pass before it is executed: the document's bounds, the way it came, the caller's rights, the cost, the rate.

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{ServerError, Variables};

use super::TravelSchema;
use super::cost::Cost;
use super::document::{operation, parse};
use super::execute::{Allowed, Answer, Parameters, Stage};
use super::header_key::misplaced;
use super::part::{self, Part};
use super::rights;
use super::subscription::keep_one;
use super::types::ErrorCode;
use super::variables;
use crate::admission::{Rate, Rates, over_rate};
use crate::caller::Asking;

/// A request that may be executed.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The document.
    pub(crate) document: ExecutableDocument,
    /// The variables.
    pub(crate) variables: Variables,
    /// What is told of it beside its answer.
    pub(crate) told: Told,
}

/// What every answer tells beside its data and errors, as far as it came to be known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    /// What the operation costs.
    pub(crate) cost: Option<Cost>,
    /// How its caller's account stands.
    pub(crate) rate: Option<Rate>,
}

/// Lets a request pass, or answers it.
pub(crate) async fn admit(
    schema: &TravelSchema,
    parameters: &mut Parameters,
    asking: &Asking,
    allowed: Allowed,
) -> Result<Admitted, Answer> {
    let mut document = parse(&parameters.query).map_err(Answer::rejected)?;
    let name = parameters.operation_name.as_deref();
    if operation(&document, name).is_some_and(|operation| operation.ty == OperationType::Subscription) {
        // First of all: what is executed is what is held against the rules and paid for, not what it was made of.
        keep_one(&mut document, name).map_err(Answer::rejected)?;
    }
    let chosen = operation(&document, parameters.operation_name.as_deref());
    let missing = chosen.and_then(|operation| variables::missing(operation, &parameters.variables));
    let variables = Variables::from_json(std::mem::take(&mut parameters.variables));
    let mut told = Told::default();
    // Where it cannot be told which operation is meant, the library says so, and executes none.
    if let Some(operation) = chosen {
        if allowed == Allowed::Queries && operation.ty == OperationType::Mutation {
            let message = "Mutations are sent by POST: GET only reads.";
            return Err(Answer::of(Stage::NotAllowed, ErrorCode::InvalidInput, message));
        }
        let part = schema.data::<Part>().copied().unwrap_or_default();
        part::check(&document, operation, part).map_err(Answer::rejected)?;
        let mut cost = Cost::of(&document, operation, &variables);
        let refuse = |stage, error: ServerError, told| Answer::refused(stage, error).telling(told);
        let rates = schema.data::<Rates>();
        cost.max = rates.map_or(cost.max, |rates| cost.max.min(rates.cost_max()));
        told.cost = Some(cost);
        rights::check(&document, operation, &asking.caller).map_err(|error| refuse(Stage::Forbidden, error, told))?;
        if let Some(error) = missing {
            return Err(refuse(Stage::Rejected, error, told));
        }
        if asking.idempotency_key.is_some()
            && let Some(why) = misplaced(&document, operation)
        {
            return Err(Answer::of(Stage::KeyMisplaced, ErrorCode::InvalidInput, why).telling(told));
        }
        cost.bounded().map_err(|error| refuse(Stage::Rejected, error, told))?;
        if let Some(rates) = rates {
            let rate = rates.spend(&asking.caller, &cost).await;
            cost.remaining = Some(rate.remaining());
            told = Told { cost: Some(cost), rate: Some(rate) };
            if !rate.is_paid() {
                return Err(refuse(Stage::OverRate, over_rate(&rate), told));
            }
        }
    }
    Ok(Admitted { document, variables, told })
}
