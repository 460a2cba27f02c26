//! Searching fleets, and the vehicles left for a rental.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use traveladvisor_domain::id::CarId;
use traveladvisor_domain::rental::Rental;
use uuid::Uuid;

use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{CarSearch, Page, Slice};
use crate::sql::{Conditions, count, count_if_any, is_storable, is_storable_instant, money, zone};
use crate::views::CarView;

const CAR: &str = "id, supplier, code, name, car_class, location, time_zone, vehicles, daily_minor, currency";

/// By price, each currency by itself.
const BY_PRICE: Order = Order { list: List::Cars, columns: &["currency", "daily_minor", "id"], way: Way::Ascending };

/// Those of some fleets that there are.
pub(crate) async fn cars_of_ids(pool: &PgPool, ids: &[CarId]) -> Result<Vec<CarView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {CAR}, NULL::bigint AS vehicles_left FROM cars WHERE id = ANY($1)");
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query(&sql).bind(ids).fetch_all(pool).await?.iter().map(|row| car_of(row, None)).collect()
}

/// Fleets by daily price, each currency by itself. With a rental, those are left out that have no vehicle for the whole of it.
pub(crate) async fn cars(pool: &PgPool, search: &CarSearch, page: &Page) -> Result<Slice<CarView>, ReadError> {
    let window: Window<'_, (String, i64, Uuid)> = Window::of(BY_PRICE, page)?;
    let is_askable = is_storable([search.location.as_deref(), search.car_class.as_deref()])
        && search.rental.is_none_or(|r| is_storable_instant(r.pick_up()) && is_storable_instant(r.drop_off()));
    if !is_askable {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(search)).await?;
    let beyond = window.beyond(pool, || select(search)).await?;
    let cars = rows.iter().map(|row| {
        let car = car_of(row, search.rental)?;
        let key = (car.daily_price.currency, car.daily_price.minor, car.id.0);
        Ok((window.cursor(&key), car))
    });
    Ok(window.cut(cars.collect::<Result<_, ReadError>>()?, beyond))
}

fn select(search: &CarSearch) -> Conditions<'_> {
    let mut query = Conditions::after(&format!("SELECT {CAR}, vehicles_left FROM cars c CROSS JOIN LATERAL ("));
    match search.rental {
        Some(rental) => left_in(query.builder(), rental),
        None => _ = query.builder().push("SELECT NULL::bigint AS vehicles_left"),
    }
    query.builder().push(") AS rental");
    if search.rental.is_some() {
        query.and("vehicles_left > 0");
    }
    if let Some(location) = &search.location {
        query.and("location_key = ").push_bind(location.to_lowercase());
    }
    if let Some(car_class) = &search.car_class {
        query.and("car_class_key = ").push_bind(car_class.to_lowercase());
    }
    query
}

/// Vehicles of fleet `c` less the most that are out at any instant of a rental. The steps of the number out are added up in order;
/// at one instant what comes back counts before what leaves, because rentals are half open. Whatever overlaps and left earlier is out when
/// the rental begins, and nothing that overlaps leaves after its end, so no level outside it is higher than the highest within.
fn left_in(query: &mut QueryBuilder<'_, Postgres>, rental: Rental) {
    query.push("SELECT greatest(c.vehicles - coalesce(max(vehicles_out), 0), 0) AS vehicles_left FROM (");
    query.push("SELECT (sum(step) OVER (ORDER BY at, step))::bigint AS vehicles_out FROM (");
    query.push("SELECT pick_up_at AS at, 1 AS step FROM car_rentals r WHERE ");
    overlapping(query, rental);
    query.push(" UNION ALL SELECT drop_off_at, -1 FROM car_rentals r WHERE ");
    overlapping(query, rental);
    query.push(") AS steps) AS levels");
}

fn overlapping(query: &mut QueryBuilder<'_, Postgres>, rental: Rental) {
    query.push("r.car_id = c.id AND r.drop_off_at > ").push_bind(rental.pick_up());
    query.push(" AND r.pick_up_at < ").push_bind(rental.drop_off());
}

fn car_of(row: &PgRow, rental: Option<Rental>) -> Result<CarView, ReadError> {
    let daily_price = money(row, "daily_minor")?;
    Ok(CarView {
        id: CarId(row.try_get("id")?),
        supplier: row.try_get("supplier")?,
        code: row.try_get("code")?,
        name: row.try_get("name")?,
        car_class: row.try_get("car_class")?,
        location: row.try_get("location")?,
        time_zone: zone(row, "time_zone")?,
        vehicles: count(row, "vehicles")?,
        daily_price,
        vehicles_left: count_if_any(row, "vehicles_left")?,
        // A total beyond all bounds cannot be booked either: none is shown.
        total: rental.and_then(|rental| daily_price.times(rental.started_days()).ok()),
    })
}
