//! `upsertHotel`: a supplier lists a property or replaces its details.

use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use traveladvisor_commands::{CallerCommand, input};
use traveladvisor_domain::id::HotelId;
use traveladvisor_projections::runtime::ProjectionName;

use super::submit::{Accepted, Findings, Outcome, submit};
use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::scalars::Position;
use crate::graphql::types::{Hotel, MoneyInput, UserError};
use crate::place::Place;

/// A property and what it sells. `code` is the supplier's own; (`supplier`, `code`) names the same hotel at every import.
#[derive(InputObject)]
pub(crate) struct UpsertHotelInput {
    /// Who supplies it.
    #[graphql(default = "own")]
    pub(crate) supplier: String,
    /// The supplier's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// City.
    pub(crate) city: String,
    /// Country, ISO 3166-1 alpha-2 in capitals.
    pub(crate) country: String,
    /// IANA name of the property's time zone, for example `Asia/Seoul`.
    pub(crate) time_zone: String,
    /// Degrees north, -90 to 90.
    pub(crate) latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    pub(crate) longitude: Option<f64>,
    /// What is on sale: all of it, at least one.
    pub(crate) room_types: Vec<RoomTypeInput>,
}

/// A kind of room.
#[derive(InputObject)]
pub(crate) struct RoomTypeInput {
    /// The property's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// Rooms on sale for each night.
    pub(crate) rooms: i64,
    /// Price of one room for one night, taxes included.
    pub(crate) nightly_price: MoneyInput,
}

/// What became of a change of a hotel.
#[derive(Debug, Default, SimpleObject)]
#[graphql(complex)]
pub(crate) struct UpsertHotelPayload {
    #[graphql(skip)]
    changed: Option<(HotelId, Place)>,
    /// Where the change stands in the event log; null when there are errors.
    position: Option<Position>,
    /// What to put right; empty when the change was accepted.
    errors: Vec<UserError>,
}

#[ComplexObject]
impl UpsertHotelPayload {
    /// The hotel, read at `position`; null when there are errors.
    async fn hotel(&self, ctx: &Context<'_>) -> Option<Result<Hotel>> {
        let (id, position) = self.changed?;
        read(ctx, id, position).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: HotelId, position: Place) -> Result<Option<Hotel>> {
    wait_for(ctx, ProjectionName::HotelAvailability, position).await?;
    Ok(reads(ctx)?.hotel(id).await.map_err(read_fault)?.map(Hotel::from))
}

impl From<Outcome> for UpsertHotelPayload {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(Accepted { subject, position, .. }) => Self {
                changed: Some((HotelId(subject.uuid), position)),
                position: Some(Position(position)),
                errors: Vec::new(),
            },
            Err(errors) => Self { errors, ..Self::default() },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpsertHotel;

#[Object]
impl UpsertHotel {
    /// Lists a hotel or replaces its details. The same details again change nothing.
    #[graphql(visible = "crate::graphql::part::hotel")]
    async fn upsert_hotel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The hotel.")] input: UpsertHotelInput,
    ) -> Result<UpsertHotelPayload> {
        let mut findings = Findings::default();
        let details = findings.check(&[], input::hotel(&input.into()));
        let details = match findings.settle(details) {
            Ok(details) => details,
            Err(errors) => return Ok(Err(errors).into()),
        };
        Ok(submit(ctx, CallerCommand::UpsertHotel(details).into()).await?.into())
    }
}

impl From<UpsertHotelInput> for input::HotelInput {
    fn from(given: UpsertHotelInput) -> Self {
        Self {
            supplier: given.supplier,
            code: given.code,
            name: given.name,
            city: given.city,
            country: given.country,
            time_zone: given.time_zone,
            latitude: given.latitude,
            longitude: given.longitude,
            room_types: given.room_types.into_iter().map(input::RoomTypeInput::from).collect(),
        }
    }
}

impl From<RoomTypeInput> for input::RoomTypeInput {
    fn from(given: RoomTypeInput) -> Self {
        Self { code: given.code, name: given.name, rooms: given.rooms, nightly_price: given.nightly_price.into() }
    }
}
