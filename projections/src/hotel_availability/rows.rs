//! Hotels in the making.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use traveladvisor_domain::hotel::{HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::HotelId;
use uuid::Uuid;

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct HotelBatch {
    /// Details as they are last said.
    pub(super) details: BTreeMap<HotelId, HotelDetails>,
    nights: BTreeMap<(HotelId, String, NaiveDate), NightChange>,
}

/// What changes of a night.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NightChange {
    /// Rooms sold, less rooms given back.
    pub(super) sold: i64,
    /// Rooms on sale from now on; absent: as before.
    pub(super) rooms: Option<i64>,
    /// Closed or opened; absent: as before.
    pub(super) stop_sell: Option<bool>,
}

const UPSERT_HOTELS: &str = "INSERT INTO hotels \
     (id, supplier, code, name, name_key, city, city_key, country, country_key, time_zone, latitude, longitude) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                          $9::text[], $10::text[], $11::float8[], $12::float8[]) \
     ON CONFLICT (id) DO UPDATE SET (supplier, code, name, name_key, city, city_key, country, country_key, time_zone, \
         latitude, longitude) = (excluded.supplier, excluded.code, excluded.name, excluded.name_key, excluded.city, \
         excluded.city_key, excluded.country, excluded.country_key, excluded.time_zone, excluded.latitude, \
         excluded.longitude)";

const INSERT_ROOM_TYPES: &str = "INSERT INTO hotel_room_types \
     (hotel_id, code, place, name, rooms, nightly_minor, currency) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])";

const UPSERT_NIGHTS: &str = "INSERT INTO hotel_nights AS known (hotel_id, room_type, night, sold, rooms, stop_sell) \
     SELECT n.hotel_id, n.room_type, n.night, n.sold, n.rooms, coalesce(n.stop_sell, false) \
       FROM unnest($1::uuid[], $2::text[], $3::date[], $4::bigint[], $5::bigint[], $6::boolean[]) \
            AS n(hotel_id, room_type, night, sold, rooms, stop_sell) \
     ON CONFLICT (hotel_id, room_type, night) DO UPDATE SET sold = known.sold + excluded.sold";

const CHANGE_NIGHTS: &str = "UPDATE hotel_nights AS known \
        SET rooms = coalesce(n.rooms, known.rooms), stop_sell = coalesce(n.stop_sell, known.stop_sell) \
       FROM unnest($1::uuid[], $2::text[], $3::date[], $4::bigint[], $5::boolean[]) \
            AS n(hotel_id, room_type, night, rooms, stop_sell) \
      WHERE known.hotel_id = n.hotel_id AND known.room_type = n.room_type AND known.night = n.night";

impl HotelBatch {
    pub(super) fn night(&mut self, hotel: HotelId, room_type: &str, night: NaiveDate) -> &mut NightChange {
        self.nights.entry((hotel, room_type.to_owned(), night)).or_default()
    }

    pub(super) async fn flush(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.details.is_empty() {
            flush_hotels(&self.details, connection).await?;
            flush_room_types(&self.details, connection).await?;
        }
        if !self.nights.is_empty() {
            flush_sales(&self.nights, connection).await?;
            flush_changes(&self.nights, connection).await?;
        }
        Ok(())
    }
}

async fn flush_hotels(
    details: &BTreeMap<HotelId, HotelDetails>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let texts = |text: fn(&HotelDetails) -> &String| details.values().map(text).cloned().collect::<Vec<_>>();
    let keys =
        |text: fn(&HotelDetails) -> &String| details.values().map(|d| text(d).to_lowercase()).collect::<Vec<_>>();
    sqlx::query(UPSERT_HOTELS)
        .bind(details.keys().map(|id| id.0).collect::<Vec<_>>())
        .bind(texts(|hotel| &hotel.supplier))
        .bind(texts(|hotel| &hotel.code))
        .bind(texts(|hotel| &hotel.name))
        .bind(keys(|hotel| &hotel.name))
        .bind(texts(|hotel| &hotel.city))
        .bind(keys(|hotel| &hotel.city))
        .bind(texts(|hotel| &hotel.country))
        .bind(keys(|hotel| &hotel.country))
        .bind(details.values().map(|hotel| hotel.time_zone.name()).collect::<Vec<_>>())
        .bind(details.values().map(|hotel| hotel.latitude).collect::<Vec<_>>())
        .bind(details.values().map(|hotel| hotel.longitude).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Replaced as a whole: what is withdrawn is gone.
async fn flush_room_types(
    details: &BTreeMap<HotelId, HotelDetails>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let hotels: Vec<Uuid> = details.keys().map(|id| id.0).collect();
    sqlx::query("DELETE FROM hotel_room_types WHERE hotel_id = ANY($1)").bind(hotels).execute(&mut *connection).await?;
    let kinds: Vec<(Uuid, i64, &RoomTypeDetails)> = details
        .iter()
        .flat_map(|(id, hotel)| (0_i64..).zip(&hotel.room_types).map(move |(place, kind)| (id.0, place, kind)))
        .collect();
    sqlx::query(INSERT_ROOM_TYPES)
        .bind(kinds.iter().map(|(hotel, ..)| *hotel).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(.., kind)| kind.code.as_str()).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(_, place, _)| *place).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(.., kind)| kind.name.as_str()).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(.., kind)| i64::from(kind.rooms)).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(.., kind)| kind.nightly_price.minor).collect::<Vec<_>>())
        .bind(kinds.iter().map(|(.., kind)| kind.nightly_price.currency.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

type Nights = BTreeMap<(HotelId, String, NaiveDate), NightChange>;

async fn flush_sales(nights: &Nights, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(UPSERT_NIGHTS)
        .bind(nights.keys().map(|(hotel, ..)| hotel.0).collect::<Vec<_>>())
        .bind(nights.keys().map(|(_, room_type, _)| room_type.as_str()).collect::<Vec<_>>())
        .bind(nights.keys().map(|(.., night)| *night).collect::<Vec<_>>())
        .bind(nights.values().map(|night| night.sold).collect::<Vec<_>>())
        .bind(nights.values().map(|night| night.rooms).collect::<Vec<_>>())
        .bind(nights.values().map(|night| night.stop_sell).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Rare beside sales: most batches have none.
async fn flush_changes(nights: &Nights, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let changed = |night: &NightChange| night.rooms.is_some() || night.stop_sell.is_some();
    let nights: Vec<_> = nights.iter().filter(|(_, night)| changed(night)).collect();
    if nights.is_empty() {
        return Ok(());
    }
    sqlx::query(CHANGE_NIGHTS)
        .bind(nights.iter().map(|((hotel, ..), _)| hotel.0).collect::<Vec<_>>())
        .bind(nights.iter().map(|((_, room_type, _), _)| room_type.as_str()).collect::<Vec<_>>())
        .bind(nights.iter().map(|((.., night), _)| *night).collect::<Vec<_>>())
        .bind(nights.iter().map(|(_, night)| night.rooms).collect::<Vec<_>>())
        .bind(nights.iter().map(|(_, night)| night.stop_sell).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
