//! `cars`: fleets by place, class and rental.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime as Instant, Utc};
use traveladvisor_projections::reads::CarSearch;

use super::filter;
use crate::graphql::read::{now, read_fault, reads};
use crate::graphql::scalars::DateTime;
use crate::graphql::types::{CarConnection, Window, page};

/// Which cars. All that is given must hold. With instants only fleets that have a vehicle for the whole rental.
#[derive(InputObject)]
pub(crate) struct CarFilter {
    /// Where vehicles are taken and brought back; upper and lower case are the same.
    pub(crate) location: Option<String>,
    /// Class; upper and lower case are the same.
    pub(crate) car_class: Option<String>,
    /// When the vehicle is taken; with `dropOffAt`. `PAST` before now.
    pub(crate) pick_up_at: Option<DateTime>,
    /// When it is brought back; with `pickUpAt`.
    pub(crate) drop_off_at: Option<DateTime>,
}

#[derive(Debug, Default)]
pub(crate) struct CarsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl CarsQuery {
    /// Cars by daily price.
    #[graphql(visible = "crate::graphql::part::car")]
    async fn cars(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cars.")] filter: CarFilter,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<CarConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let search = search(filter, now(ctx)?)?;
        Ok(reads(ctx)?.cars(&search, &page).await.map_err(read_fault)?.into())
    }
}

fn search(given: CarFilter, now: Instant<Utc>) -> Result<CarSearch> {
    Ok(CarSearch {
        location: filter::text("location", given.location)?,
        car_class: filter::text("carClass", given.car_class)?,
        rental: filter::rental(given.pick_up_at.map(|at| at.0), given.drop_off_at.map(|at| at.0), now)?,
    })
}
