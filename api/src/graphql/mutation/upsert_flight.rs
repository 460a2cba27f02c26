//! `upsertFlight`: a supplier lists a departure or replaces its details.

use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use traveladvisor_commands::{CallerCommand, input};
use traveladvisor_domain::id::FlightId;
use traveladvisor_projections::runtime::ProjectionName;

use super::submit::{Accepted, Findings, Outcome, submit};
use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::scalars::{DateTime, Position};
use crate::graphql::types::{Flight, MoneyInput, UserError};
use crate::place::Place;

/// A departure and what it sells. (`supplier`, `code`) names the same departure at every import.
#[derive(InputObject)]
pub(crate) struct UpsertFlightInput {
    /// Who supplies it.
    #[graphql(default = "own")]
    pub(crate) supplier: String,
    /// The supplier's code of this departure.
    pub(crate) code: String,
    /// The airline's code.
    pub(crate) carrier: String,
    /// IATA code of the airport of departure.
    pub(crate) origin: String,
    /// IATA code of the airport of arrival.
    pub(crate) destination: String,
    /// Departure.
    pub(crate) departure_at: DateTime,
    /// Arrival.
    pub(crate) arrival_at: DateTime,
    /// What is on sale: all of it, at least one.
    pub(crate) cabins: Vec<CabinInput>,
}

/// A cabin of a departure.
#[derive(InputObject)]
pub(crate) struct CabinInput {
    /// For example `ECONOMY`.
    pub(crate) cabin: String,
    /// Seats on sale.
    pub(crate) seats: i64,
    /// Price of one seat, taxes included.
    pub(crate) price: MoneyInput,
}

/// What became of a change of a flight.
#[derive(Debug, Default, SimpleObject)]
#[graphql(complex)]
pub(crate) struct UpsertFlightPayload {
    #[graphql(skip)]
    changed: Option<(FlightId, Place)>,
    /// Where the change stands in the event log; null when there are errors.
    position: Option<Position>,
    /// What to put right; empty when the change was accepted.
    errors: Vec<UserError>,
}

#[ComplexObject]
impl UpsertFlightPayload {
    /// The flight, read at `position`; null when there are errors.
    async fn flight(&self, ctx: &Context<'_>) -> Option<Result<Flight>> {
        let (id, position) = self.changed?;
        read(ctx, id, position).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: FlightId, position: Place) -> Result<Option<Flight>> {
    wait_for(ctx, ProjectionName::FlightAvailability, position).await?;
    Ok(reads(ctx)?.flight(id).await.map_err(read_fault)?.map(Flight::from))
}

impl From<Outcome> for UpsertFlightPayload {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(Accepted { subject, position, .. }) => Self {
                changed: Some((FlightId(subject.uuid), position)),
                position: Some(Position(position)),
                errors: Vec::new(),
            },
            Err(errors) => Self { errors, ..Self::default() },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpsertFlight;

#[Object]
impl UpsertFlight {
    /// Lists a departure or replaces its details. The same details again change nothing.
    #[graphql(visible = "crate::graphql::part::flight")]
    async fn upsert_flight(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The departure.")] input: UpsertFlightInput,
    ) -> Result<UpsertFlightPayload> {
        let mut findings = Findings::default();
        let details = findings.check(&[], input::flight(&input.into()));
        let details = match findings.settle(details) {
            Ok(details) => details,
            Err(errors) => return Ok(Err(errors).into()),
        };
        Ok(submit(ctx, CallerCommand::UpsertFlight(details).into()).await?.into())
    }
}

impl From<UpsertFlightInput> for input::FlightInput {
    fn from(given: UpsertFlightInput) -> Self {
        Self {
            supplier: given.supplier,
            code: given.code,
            carrier: given.carrier,
            origin: given.origin,
            destination: given.destination,
            departure_at: given.departure_at.0,
            arrival_at: given.arrival_at.0,
            cabins: given.cabins.into_iter().map(input::CabinInput::from).collect(),
        }
    }
}

impl From<CabinInput> for input::CabinInput {
    fn from(given: CabinInput) -> Self {
        Self { cabin: given.cabin, seats: given.seats, price: given.price.into() }
    }
}
