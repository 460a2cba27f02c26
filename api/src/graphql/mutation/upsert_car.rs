//! `upsertCar`: a supplier lists a fleet or replaces its details.

use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use traveladvisor_commands::{CallerCommand, input};
use traveladvisor_domain::id::CarId;
use traveladvisor_projections::runtime::ProjectionName;

use super::submit::{Accepted, Findings, Outcome, submit};
use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::scalars::Position;
use crate::graphql::types::{Car, MoneyInput, UserError};
use crate::place::Place;

/// A fleet of one class at one location. (`supplier`, `code`) names the same fleet at every import.
#[derive(InputObject)]
pub(crate) struct UpsertCarInput {
    /// Who supplies it.
    #[graphql(default = "own")]
    pub(crate) supplier: String,
    /// The supplier's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// Class, for example `STANDARD`.
    pub(crate) car_class: String,
    /// IATA code of an airport, or the name of a place.
    pub(crate) location: String,
    /// IANA name of the location's time zone; may be left out when the location is an airport.
    pub(crate) time_zone: Option<String>,
    /// Vehicles of the fleet.
    pub(crate) vehicles: i64,
    /// Price of one vehicle for one started day (a started 24 h), taxes included.
    pub(crate) daily_price: MoneyInput,
}

/// What became of a change of a fleet.
#[derive(Debug, Default, SimpleObject)]
#[graphql(complex)]
pub(crate) struct UpsertCarPayload {
    #[graphql(skip)]
    changed: Option<(CarId, Place)>,
    /// Where the change stands in the event log; null when there are errors.
    position: Option<Position>,
    /// What to put right; empty when the change was accepted.
    errors: Vec<UserError>,
}

#[ComplexObject]
impl UpsertCarPayload {
    /// The fleet, read at `position`; null when there are errors.
    async fn car(&self, ctx: &Context<'_>) -> Option<Result<Car>> {
        let (id, position) = self.changed?;
        read(ctx, id, position).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: CarId, position: Place) -> Result<Option<Car>> {
    wait_for(ctx, ProjectionName::CarAvailability, position).await?;
    Ok(reads(ctx)?.car(id).await.map_err(read_fault)?.map(Car::from))
}

impl From<Outcome> for UpsertCarPayload {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(Accepted { subject, position, .. }) => Self {
                changed: Some((CarId(subject.uuid), position)),
                position: Some(Position(position)),
                errors: Vec::new(),
            },
            Err(errors) => Self { errors, ..Self::default() },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpsertCar;

#[Object]
impl UpsertCar {
    /// Lists a fleet or replaces its details. The same details again change nothing.
    #[graphql(visible = "crate::graphql::part::car")]
    async fn upsert_car(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The fleet.")] input: UpsertCarInput,
    ) -> Result<UpsertCarPayload> {
        let mut findings = Findings::default();
        let details = findings.check(&[], input::car(&input.into()));
        let details = match findings.settle(details) {
            Ok(details) => details,
            Err(errors) => return Ok(Err(errors).into()),
        };
        Ok(submit(ctx, CallerCommand::UpsertCar(details).into()).await?.into())
    }
}

impl From<UpsertCarInput> for input::CarInput {
    fn from(given: UpsertCarInput) -> Self {
        Self {
            supplier: given.supplier,
            code: given.code,
            name: given.name,
            car_class: given.car_class,
            location: given.location,
            time_zone: given.time_zone,
            vehicles: given.vehicles,
            daily_price: given.daily_price.into(),
        }
    }
}
