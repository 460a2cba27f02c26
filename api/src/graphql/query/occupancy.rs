//! `hotelOccupancy`, `flightOccupancy`, `carOccupancy`: what is sold, what is left, and what it brings.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_projections::reads::{PERIOD_DAYS_MAX, Period};
use traveladvisor_projections::views::OccupancyView;

use crate::graphql::fault::argument_error;
use crate::graphql::read::{read_fault, reads};
use crate::graphql::scalars::Date;
use crate::graphql::types::Occupancy;

#[derive(Debug, Default)]
pub(crate) struct OccupancyQuery;

#[Object]
impl OccupancyQuery {
    /// What is sold of a hotel, night by night; null when there is none with this id.
    #[graphql(visible = "crate::graphql::part::hotel")]
    async fn hotel_occupancy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The hotel's id.")] hotel_id: ID,
        #[graphql(desc = "First night.")] from: Date,
        #[graphql(desc = "The day after the last night; 92 nights at most.")] to: Date,
    ) -> Option<Result<Vec<Occupancy>>> {
        let id = hotel_id.parse().ok()?;
        of_hotel(ctx, id, period(from, to)).await.transpose()
    }

    /// What is sold of a flight; null when there is none with this id.
    #[graphql(visible = "crate::graphql::part::flight")]
    async fn flight_occupancy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The flight's id.")] flight_id: ID,
    ) -> Option<Result<Occupancy>> {
        let id = flight_id.parse().ok()?;
        of_flight(ctx, id).await.transpose()
    }

    /// What is sold of a fleet, day by day at the rental location; null when there is none with this id. A rental takes as many days as are
    /// paid for, from that of its pick-up on.
    #[graphql(visible = "crate::graphql::part::car")]
    async fn car_occupancy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The car's id.")] car_id: ID,
        #[graphql(desc = "First day.")] from: Date,
        #[graphql(desc = "The day after the last one; 92 days at most.")] to: Date,
    ) -> Option<Result<Vec<Occupancy>>> {
        let id = car_id.parse().ok()?;
        of_car(ctx, id, period(from, to)).await.transpose()
    }
}

fn period(from: Date, to: Date) -> Result<Period> {
    Period::new(from.0, to.0).ok_or_else(|| {
        let message = format!("Give a day after `from`, {PERIOD_DAYS_MAX} days later at most.");
        argument_error(&["to"], message)
    })
}

async fn of_hotel(ctx: &Context<'_>, id: HotelId, period: Result<Period>) -> Result<Option<Vec<Occupancy>>> {
    Ok(reads(ctx)?.hotel_occupancy(id, period?).await.map_err(read_fault)?.map(occupancies))
}

async fn of_flight(ctx: &Context<'_>, id: FlightId) -> Result<Option<Occupancy>> {
    Ok(reads(ctx)?.flight_occupancy(id).await.map_err(read_fault)?.map(Occupancy::from))
}

async fn of_car(ctx: &Context<'_>, id: CarId, period: Result<Period>) -> Result<Option<Vec<Occupancy>>> {
    Ok(reads(ctx)?.car_occupancy(id, period?).await.map_err(read_fault)?.map(occupancies))
}

fn occupancies(days: Vec<OccupancyView>) -> Vec<Occupancy> {
    days.into_iter().map(Occupancy::from).collect()
}
