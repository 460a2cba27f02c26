//! `flights`: departures by airports, day and cabin.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime as Instant, Utc};
use traveladvisor_domain::trip::SEATS_MAX;
use traveladvisor_projections::reads::FlightSearch;

use super::filter;
use crate::graphql::read::{now, read_fault, reads};
use crate::graphql::scalars::Date;
use crate::graphql::types::{FlightConnection, Window, page};

/// Which flights. All that is given must hold, the seats must still be on sale in one cabin, and the flight must not have departed.
#[derive(InputObject)]
pub(crate) struct FlightFilter {
    /// IATA code of the airport of departure.
    pub(crate) origin: Option<String>,
    /// IATA code of the airport of arrival.
    pub(crate) destination: Option<String>,
    /// The day of departure, a date at the origin. `PAST` once it is over everywhere on earth.
    pub(crate) departure_date: Option<Date>,
    /// The cabin that must have the seats; any one when left out.
    pub(crate) cabin: Option<String>,
    /// Seats wanted, 1 to 99.
    #[graphql(default_with = "Some(1)")]
    pub(crate) seats: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct FlightsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl FlightsQuery {
    /// Flights by departure.
    #[graphql(visible = "crate::graphql::part::flight")]
    async fn flights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which flights.")] filter: FlightFilter,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<FlightConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let search = search(filter, now(ctx)?)?;
        Ok(reads(ctx)?.flights(&search, &page).await.map_err(read_fault)?.into())
    }
}

fn search(given: FlightFilter, now: Instant<Utc>) -> Result<FlightSearch> {
    let departure = |date: Date| filter::day_to_come("departureDate", date.0, now);
    Ok(FlightSearch {
        origin: filter::text("origin", given.origin)?,
        destination: filter::text("destination", given.destination)?,
        departure_date: given.departure_date.map(departure).transpose()?,
        departing_after: Some(now),
        cabin: filter::text("cabin", given.cabin)?,
        seats: filter::count("seats", given.seats, SEATS_MAX)?,
    })
}
