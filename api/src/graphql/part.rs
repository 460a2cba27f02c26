//! What of the schema a process serves: all of it, or what its roles are about. The rest is the gateway's.

mod printed;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::{Context as GraphContext, ServerError};
use traveladvisor_domain::context::{Context, Contexts};

pub(crate) use self::printed::printed;
use super::fault::server_error;
use super::types::ErrorCode;

/// Root fields, and whose they are. One that stands nowhere is of several, and so the gateway's alone.
const OF_CONTEXTS: &[(Context, &str)] = &[
    (
        Context::Booking,
        "bookTrip cancelBooking resolveSaga resolveSagas booking saga sagas travellerBookings bookingProgress bookings",
    ),
    (Context::Hotel, "upsertHotel changeAllotment hotel hotels hotelOccupancy"),
    (Context::Flight, "upsertFlight flight flights flightOccupancy"),
    (Context::Car, "upsertCar car cars carOccupancy"),
    (Context::Payment, "paymentLedger"),
    (
        Context::Member,
        "signUp updateProfile closeMember grantReward openCampaign closeCampaign me member campaigns vouchers",
    ),
];
/// Root fields of whoever keeps the read models.
const OF_PROJECTIONS: &str = "rebuildProjection rollbackProjection projections";

/// What of the schema a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// What is about these contexts, and about read models where they are kept here.
    Of(Contexts, ReadModels),
}

/// Whether a process keeps read models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadModels {
    /// It does.
    Kept,
    /// Others do.
    Elsewhere,
}

impl Part {
    /// Whether a field at the root is of this part.
    pub(crate) fn has(self, field: &str) -> bool {
        let Self::Of(contexts, read_models) = self else { return true };
        let is_among = |fields: &str| fields.split(' ').any(|one| one == field);
        let of_context = OF_CONTEXTS.iter().any(|(context, fields)| contexts.has(*context) && is_among(fields));
        of_context || (read_models == ReadModels::Kept && is_among(OF_PROJECTIONS))
    }

    /// Whose part it is, for a sentence.
    fn told(self) -> String {
        let Self::Of(contexts, read_models) = self else { return "everything".to_owned() };
        let read_models = (read_models == ReadModels::Kept).then_some("projections");
        let names: Vec<&str> = contexts.iter().map(Context::as_str).chain(read_models).collect();
        if names.is_empty() { "nothing".to_owned() } else { format!("what is about {}", names.join(", ")) }
    }
}

/// Refuses an operation that asks for what other roles serve.
pub(crate) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    part: Part,
) -> Result<(), ServerError> {
    if part == Part::Whole {
        return Ok(());
    }
    let mut asked = Vec::new();
    roots(document, &operation.selection_set.node, &mut HashSet::new(), &mut asked);
    let foreign = asked.into_iter().find(|field| !field.starts_with("__") && !part.has(field));
    let Some(field) = foreign else { return Ok(()) };
    let kind = match operation.ty {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    };
    // What the schema does not have at all the library refuses by its name, here as at the gateway.
    if !is_declared(kind, field) {
        return Ok(());
    }
    let message =
        format!("This process serves {} alone: ask the gateway (the role api) for the {kind} {field}.", part.told());
    Err(server_error(ErrorCode::InvalidInput, message))
}

fn is_declared(kind: &str, field: &str) -> bool {
    super::declared::fields()
        .any(|(on, declared)| on.as_str().eq_ignore_ascii_case(kind) && declared.name.node.as_str() == field)
}

/// The names of an operation's fields at the root, its fragments written out.
fn roots<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    spread: &mut HashSet<&'a str>,
    found: &mut Vec<&'a str>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => found.push(field.node.name.node.as_str()),
            Selection::InlineFragment(inline) => roots(document, &inline.node.selection_set.node, spread, found),
            Selection::FragmentSpread(named) => {
                let name = &named.node.fragment_name.node;
                if spread.insert(name.as_str())
                    && let Some(fragment) = document.fragments.get(name)
                {
                    roots(document, &fragment.node.selection_set.node, spread, found);
                }
            }
        }
    }
}

/// Whether introspection shows the fields of a context at the root.
fn shows(ctx: &GraphContext<'_>, field: &str) -> bool {
    ctx.data::<Part>().copied().unwrap_or_default().has(field)
}

macro_rules! visible {
    ($($name:ident $field:literal,)+) => {
        $(
            /// Whether introspection shows what stands beside this field.
            pub(crate) fn $name(ctx: &GraphContext<'_>) -> bool {
                shows(ctx, $field)
            }
        )+
    };
}

visible! {
    booking "bookTrip",
    hotel "upsertHotel",
    flight "upsertFlight",
    car "upsertCar",
    payment "paymentLedger",
    member "signUp",
    read_models "projections",
    gateway "node",
}
