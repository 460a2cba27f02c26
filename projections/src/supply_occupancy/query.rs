//! Reading what is sold and left: of a hotel night by night, of a flight, of a fleet day by day.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_domain::local_day;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::rental::DAYS_MAX;
use uuid::Uuid;

use crate::reads::ReadError;
use crate::search::Period;
use crate::sql::{money, zone};
use crate::views::{OccupancyView, UnitOccupancy};

const UNITS: &str =
    "SELECT unit, on_sale, time_zone, departure FROM occupancy_units WHERE supply_id = $1 ORDER BY place";
const ALLOTMENTS: &str = "SELECT night, room_type, rooms, stop_sell FROM occupancy_allotments WHERE hotel_id = $1 AND night >= $2 AND night < $3";
const NIGHTS: &str = "\
SELECT night, room_type AS unit, currency, sold, revenue_minor FROM occupancy_nights \
 WHERE hotel_id = $1 AND night >= $2 AND night < $3 ORDER BY night, room_type, currency";
const SEATS: &str = "\
SELECT cabin AS unit, currency, sold, revenue_minor FROM occupancy_seats WHERE flight_id = $1 ORDER BY cabin, currency";
/// `$2` are the beginnings of days, in order; so a rental's first day is the number of those that are not after its pick-up. The days that are
/// asked for are those from place `$3` on, up to and without `$4`. What does not divide counts for the first day.
const RENTALS: &str = "\
SELECT place, '' AS unit, currency, sum(sold)::bigint AS sold, \
       sum(revenue_minor / days + CASE WHEN place = first THEN revenue_minor % days ELSE 0 END)::bigint AS revenue_minor \
  FROM (SELECT width_bucket(pick_up_at, $2::timestamptz[]) - 1 AS first, days, currency, sold, revenue_minor \
          FROM occupancy_rentals WHERE car_id = $1 AND pick_up_at >= $5 AND pick_up_at < $6) AS rental \
 CROSS JOIN LATERAL generate_series(greatest(first, $3), least(first + days, $4) - 1) AS place \
 GROUP BY place, currency ORDER BY place, currency";

/// What a supply has on sale.
struct Unit {
    name: String,
    on_sale: u64,
    zone: Tz,
    departure: Option<DateTime<Utc>>,
}

/// What changes have said of a night.
#[derive(Clone, Copy, Default)]
struct Allotment {
    rooms: Option<u64>,
    is_closed: bool,
}

/// What is sold of a unit.
#[derive(Default)]
struct Sold {
    count: i64,
    revenue: Vec<Money>,
}

/// The nights of a hotel; nothing when there is no such hotel.
pub(crate) async fn hotel(pool: &PgPool, id: HotelId, period: Period) -> Result<Option<Vec<OccupancyView>>, ReadError> {
    let units = units(pool, id.0).await?;
    if units.is_empty() {
        return Ok(None);
    }
    let (from, to) = (period.from(), period.to());
    let rows = sqlx::query(ALLOTMENTS).bind(id.0).bind(from).bind(to).fetch_all(pool).await?;
    let mut allotments: BTreeMap<(NaiveDate, String), Allotment> = BTreeMap::new();
    for row in &rows {
        allotments.insert((row.try_get("night")?, row.try_get("room_type")?), allotment(row)?);
    }
    let rows = sqlx::query(NIGHTS).bind(id.0).bind(from).bind(to).fetch_all(pool).await?;
    let mut sold = by_day(&rows, |row| Ok(row.try_get("night")?))?;
    let night = |day: NaiveDate| {
        let on_sale = |unit: &Unit| {
            let said = allotments.get(&(day, unit.name.clone())).copied().unwrap_or_default();
            if said.is_closed { 0 } else { said.rooms.unwrap_or(unit.on_sale) }
        };
        OccupancyView { day, units: occupied(&units, sold.remove(&day).unwrap_or_default(), on_sale) }
    };
    Ok(Some(period.days().map(night).collect()))
}

/// A departure; nothing when there is no such flight.
pub(crate) async fn flight(pool: &PgPool, id: FlightId) -> Result<Option<OccupancyView>, ReadError> {
    let units = units(pool, id.0).await?;
    let departure = units.first().and_then(|unit| Some(unit.departure?.with_timezone(&unit.zone).date_naive()));
    let Some(day) = departure else { return Ok(None) };
    let rows = sqlx::query(SEATS).bind(id.0).fetch_all(pool).await?;
    let sold = by_day(&rows, |_| Ok(day))?.remove(&day).unwrap_or_default();
    Ok(Some(OccupancyView { day, units: occupied(&units, sold, |unit| unit.on_sale) }))
}

/// The days of a fleet; nothing when there is no such fleet. A rental takes as many days as are paid for, from that of its pick-up on.
pub(crate) async fn car(pool: &PgPool, id: CarId, period: Period) -> Result<Option<Vec<OccupancyView>>, ReadError> {
    let units = units(pool, id.0).await?;
    let Some(zone) = units.first().map(|unit| unit.zone) else { return Ok(None) };
    // Whatever is still rented on the first day began so many days before it at most.
    let first = period.from().checked_sub_days(Days::new(DAYS_MAX.unsigned_abs())).unwrap_or(NaiveDate::MIN);
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day < period.to()).collect();
    let starts: Vec<DateTime<Utc>> = days.iter().map(|day| local_day::start_of(*day, zone)).collect();
    let place_of_first = i64::try_from(days.partition_point(|day| *day < period.from())).unwrap_or(i64::MAX);
    let rows = sqlx::query(RENTALS)
        .bind(id.0)
        .bind(&starts)
        .bind(place_of_first)
        .bind(i64::try_from(days.len()).unwrap_or(i64::MAX))
        .bind(starts.first())
        .bind(local_day::start_of(period.to(), zone))
        .fetch_all(pool)
        .await?;
    let mut sold = by_day(&rows, |row| {
        let place = usize::try_from(row.try_get::<i64, _>("place")?).unwrap_or(usize::MAX);
        days.get(place).copied().ok_or_else(|| ReadError::Damaged("column place".to_owned()))
    })?;
    let day = |day: NaiveDate| {
        let sold = sold.remove(&day).unwrap_or_default();
        OccupancyView { day, units: occupied(&units, sold, |unit| unit.on_sale) }
    };
    Ok(Some(period.days().map(day).collect()))
}

async fn units(pool: &PgPool, supply: Uuid) -> Result<Vec<Unit>, ReadError> {
    let rows = sqlx::query(UNITS).bind(supply).fetch_all(pool).await?;
    let unit = |row: &PgRow| {
        let on_sale = row.try_get::<i64, _>("on_sale")?.unsigned_abs();
        let (name, departure) = (row.try_get("unit")?, row.try_get("departure")?);
        Ok(Unit { name, on_sale, zone: zone(row, "time_zone")?, departure })
    };
    rows.iter().map(unit).collect()
}

fn allotment(row: &PgRow) -> Result<Allotment, ReadError> {
    let rooms: Option<i64> = row.try_get("rooms")?;
    let is_closed = row.try_get::<Option<bool>, _>("stop_sell")?.unwrap_or(false);
    Ok(Allotment { rooms: rooms.map(i64::unsigned_abs), is_closed })
}

type SoldUnits = BTreeMap<String, Sold>;

/// What is sold, by day and unit. Rows come by currency.
fn by_day(
    rows: &[PgRow],
    day: impl Fn(&PgRow) -> Result<NaiveDate, ReadError>,
) -> Result<BTreeMap<NaiveDate, SoldUnits>, ReadError> {
    let mut days: BTreeMap<NaiveDate, SoldUnits> = BTreeMap::new();
    for row in rows {
        let sold = days.entry(day(row)?).or_default().entry(row.try_get("unit")?).or_default();
        let (count, revenue): (i64, Money) = (row.try_get("sold")?, money(row, "revenue_minor")?);
        sold.count += count;
        // Of what was sold and given back again nothing is told.
        if count != 0 || revenue.minor != 0 {
            sold.revenue.push(revenue);
        }
    }
    Ok(days)
}

/// What is on sale and what became of it, then what was sold and is withdrawn by now.
fn occupied(units: &[Unit], mut sold: SoldUnits, on_sale: impl Fn(&Unit) -> u64) -> Vec<UnitOccupancy> {
    let mut occupied: Vec<_> = units
        .iter()
        .map(|unit| occupancy(unit.name.clone(), on_sale(unit), sold.remove(&unit.name).unwrap_or_default()))
        .collect();
    let withdrawn = sold.into_iter().filter(|(_, sold)| sold.count != 0 || !sold.revenue.is_empty());
    occupied.extend(withdrawn.map(|(unit, sold)| occupancy(unit, 0, sold)));
    occupied
}

fn occupancy(unit: String, on_sale: u64, sold: Sold) -> UnitOccupancy {
    let count = u64::try_from(sold.count).unwrap_or(0);
    UnitOccupancy { unit, on_sale, sold: count, left: on_sale.saturating_sub(count), revenue: sold.revenue }
}
