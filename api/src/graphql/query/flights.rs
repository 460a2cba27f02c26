//! `flights`: departures by airports, day and cabin.

use async_graphql::{Context, InputObject, Object, Result};
use traveladvisor_domain::trip::SEATS_MAX;
use traveladvisor_projections::reads::FlightSearch;

use super::filter;
use crate::graphql::read::{read_fault, reads};
use crate::graphql::scalars::Date;
use crate::graphql::types::{FlightConnection, Window, page};
use crate::limits::SEARCH_COMPLEXITY;

/// Which flights. All that is given must hold, and the seats must still be on sale in one cabin.
#[derive(InputObject)]
pub(crate) struct FlightFilter {
    /// IATA code of the airport of departure.
    pub(crate) origin: Option<String>,
    /// IATA code of the airport of arrival.
    pub(crate) destination: Option<String>,
    /// The day of departure, a date at the origin.
    pub(crate) departure_date: Option<Date>,
    /// The cabin that must have the seats; any one when left out.
    pub(crate) cabin: Option<String>,
    /// Seats wanted, 1 to 99.
    #[graphql(default_with = "Some(1)")]
    pub(crate) seats: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct FlightsQuery;

#[Object]
impl FlightsQuery {
    /// Flights by departure.
    #[graphql(complexity = "SEARCH_COMPLEXITY + Window::entries(first) * child_complexity")]
    async fn flights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which flights.")] filter: FlightFilter,
        #[graphql(desc = "Entries wanted, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<FlightConnection> {
        let page = page(Window { first, after })?;
        let search = search(filter)?;
        Ok(reads(ctx)?.flights(&search, &page).await.map_err(read_fault)?.into())
    }
}

fn search(given: FlightFilter) -> Result<FlightSearch> {
    Ok(FlightSearch {
        origin: filter::text("origin", given.origin)?,
        destination: filter::text("destination", given.destination)?,
        departure_date: given.departure_date.map(|date| filter::date("departureDate", date.0)).transpose()?,
        cabin: filter::text("cabin", given.cabin)?,
        seats: filter::count("seats", given.seats, SEATS_MAX)?,
    })
}
