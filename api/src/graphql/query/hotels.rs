//! `hotels`: properties by place, words and stay.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use traveladvisor_domain::trip::ROOMS_MAX;
use traveladvisor_projections::reads::HotelSearch;

use super::filter;
use crate::graphql::read::{now, read_fault, reads};
use crate::graphql::scalars::Date;
use crate::graphql::types::{HotelConnection, Window, page};

/// Which hotels. All that is given must hold. With dates only those that still sell the rooms in every night of the stay.
#[derive(InputObject)]
pub(crate) struct HotelFilter {
    /// The city's name; upper and lower case are the same.
    pub(crate) city: Option<String>,
    /// Country, ISO 3166-1 alpha-2; upper and lower case are the same.
    pub(crate) country: Option<String>,
    /// Words that all stand in name or city.
    pub(crate) text: Option<String>,
    /// First night; with `checkOut`. `PAST` once it is over everywhere on earth.
    pub(crate) check_in: Option<Date>,
    /// The morning of departure; with `checkIn`.
    pub(crate) check_out: Option<Date>,
    /// Rooms wanted, 1 to 99.
    #[graphql(default_with = "Some(1)")]
    pub(crate) rooms: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct HotelsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl HotelsQuery {
    /// Hotels by name.
    #[graphql(visible = "crate::graphql::part::hotel")]
    async fn hotels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hotels.")] filter: HotelFilter,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<HotelConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let search = search(filter, now(ctx)?)?;
        Ok(reads(ctx)?.hotels(&search, &page).await.map_err(read_fault)?.into())
    }
}

fn search(given: HotelFilter, now: DateTime<Utc>) -> Result<HotelSearch> {
    Ok(HotelSearch {
        city: filter::text("city", given.city)?,
        country: filter::text("country", given.country)?,
        text: filter::text("text", given.text)?,
        stay: filter::stay(given.check_in.map(|date| date.0), given.check_out.map(|date| date.0), now)?,
        rooms: filter::count("rooms", given.rooms, ROOMS_MAX)?,
    })
}
