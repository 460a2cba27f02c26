//! Searching hotels, and what is left for a stay.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use traveladvisor_domain::id::HotelId;
use traveladvisor_domain::stay::Stay;
use uuid::Uuid;

use crate::cursor::{self, List};
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{HotelSearch, Page, Slice};
use crate::sql::{Conditions, count, count_if_any, is_storable, is_storable_date, money, zone};
use crate::views::{HotelView, RoomTypeView};

/// Most words of a free text that are looked for; further ones are passed over.
const SEARCH_WORDS_MAX: usize = 10;

const HOTEL: &str = "id, supplier, code, name, name_key, city, country, time_zone, latitude, longitude";

/// By name.
const BY_NAME: Order = Order { list: List::Hotels, columns: &["name_key", "id"], way: Way::Ascending };

/// Those of some hotels that there are.
pub(crate) async fn hotels_of_ids(pool: &PgPool, ids: &[HotelId]) -> Result<Vec<HotelView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(format!("WITH page AS (SELECT {HOTEL} FROM hotels WHERE id = ANY("));
    query.push_bind(ids.iter().map(|id| id.0).collect::<Vec<_>>()).push("))");
    with_room_types(&mut query, None);
    let rows = query.build().fetch_all(pool).await?;
    Ok(hotels_of(&rows, None, 1)?.into_iter().map(|(_, hotel)| hotel).collect())
}

/// Hotels by name. With a stay, those are left out of which no room type has the rooms in every night.
pub(crate) async fn hotels(pool: &PgPool, search: &HotelSearch, page: &Page) -> Result<Slice<HotelView>, ReadError> {
    let window: Window<'_, (String, Uuid)> = Window::of(BY_NAME, page)?;
    let is_askable = is_storable([search.city.as_deref(), search.country.as_deref(), search.text.as_deref()])
        && search.stay.is_none_or(|stay| is_storable_date(stay.check_in()) && is_storable_date(stay.check_out()));
    if !is_askable {
        return Ok(Slice::empty());
    }
    let mut query = window.statement(select(search, "WITH page AS ("));
    query.push(")");
    with_room_types(&mut query, search.stay);
    let rows = query.build().fetch_all(pool).await?;
    let beyond = window.beyond(pool, || select(search, "")).await?;
    Ok(window.cut(hotels_of(&rows, search.stay, search.rooms)?, beyond))
}

fn select<'a>(search: &'a HotelSearch, beginning: &str) -> Conditions<'a> {
    let mut query = Conditions::after(&format!("{beginning}SELECT {HOTEL} FROM hotels h"));
    if let Some(city) = &search.city {
        query.and("city_key = ").push_bind(city.to_lowercase());
    }
    if let Some(country) = &search.country {
        query.and("country_key = ").push_bind(country.to_lowercase());
    }
    for word in search.text.iter().flat_map(|text| text.split_whitespace()).take(SEARCH_WORDS_MAX) {
        // strpos knows no wildcards: every letter stands for itself.
        query.and("strpos(name_key || ' ' || city_key, ").push_bind(word.to_lowercase()).push(") > 0");
    }
    if let Some(stay) = search.stay {
        let query = query.and("EXISTS (SELECT FROM hotel_room_types t CROSS JOIN LATERAL (");
        left_in(query, stay);
        query.push(") AS stay WHERE t.hotel_id = h.id AND stay.rooms_left >= ");
        query.push_bind(i64::from(search.rooms)).push(")");
    }
    query
}

/// The rooms left of room type `t` in the scarcest night of a stay. Nights without a row are as by default; `least` passes over nulls.
fn left_in(query: &mut QueryBuilder<'_, Postgres>, stay: Stay) {
    query.push("SELECT least(CASE WHEN count(*) < ").push_bind(stay.night_count());
    query.push(
        " THEN t.rooms END, min(CASE WHEN n.stop_sell THEN 0 ELSE greatest(coalesce(n.rooms, t.rooms) - n.sold, 0) END)) \
         AS rooms_left FROM hotel_nights n WHERE n.hotel_id = t.hotel_id AND n.room_type = t.code AND n.night >= ",
    );
    query.push_bind(stay.check_in()).push(" AND n.night < ").push_bind(stay.check_out());
}

/// The hotels of the page with their room types: one row each, in order.
fn with_room_types(query: &mut QueryBuilder<'_, Postgres>, stay: Option<Stay>) {
    query.push(
        " SELECT page.*, t.code AS room_type, t.name AS room_type_name, t.rooms, t.nightly_minor, t.currency, stay.rooms_left \
          FROM page LEFT JOIN hotel_room_types t ON t.hotel_id = page.id LEFT JOIN LATERAL (",
    );
    match stay {
        Some(stay) => left_in(query, stay),
        None => _ = query.push("SELECT NULL::bigint AS rooms_left"),
    }
    query.push(") AS stay ON t.code IS NOT NULL ORDER BY page.name_key, page.id, t.place");
}

fn hotels_of(rows: &[PgRow], stay: Option<Stay>, rooms: u32) -> Result<Vec<(String, HotelView)>, ReadError> {
    let mut hotels: Vec<(String, HotelView)> = Vec::new();
    for row in rows {
        let id = HotelId(row.try_get("id")?);
        if hotels.last().is_none_or(|(_, last)| last.id != id) {
            let key = (row.try_get::<&str, _>("name_key")?, id.0);
            hotels.push((cursor::write(List::Hotels, &key), hotel_of(row, id)?));
        }
        let has_room_type = row.try_get::<Option<&str>, _>("room_type")?.is_some();
        if let Some((_, hotel)) = hotels.last_mut().filter(|_| has_room_type) {
            hotel.room_types.push(room_type_of(row, stay, rooms)?);
        }
    }
    Ok(hotels)
}

fn hotel_of(row: &PgRow, id: HotelId) -> Result<HotelView, ReadError> {
    Ok(HotelView {
        id,
        supplier: row.try_get("supplier")?,
        code: row.try_get("code")?,
        name: row.try_get("name")?,
        city: row.try_get("city")?,
        country: row.try_get("country")?,
        time_zone: zone(row, "time_zone")?,
        latitude: row.try_get("latitude")?,
        longitude: row.try_get("longitude")?,
        room_types: Vec::new(),
    })
}

fn room_type_of(row: &PgRow, stay: Option<Stay>, rooms: u32) -> Result<RoomTypeView, ReadError> {
    let nightly_price = money(row, "nightly_minor")?;
    Ok(RoomTypeView {
        code: row.try_get("room_type")?,
        name: row.try_get("room_type_name")?,
        rooms: count(row, "rooms")?,
        nightly_price,
        rooms_left: count_if_any(row, "rooms_left")?,
        // A total beyond all bounds cannot be booked either: none is shown.
        total: stay.and_then(|stay| nightly_price.times(stay.night_count() * i64::from(rooms)).ok()),
    })
}
