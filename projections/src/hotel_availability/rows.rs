//! Hotels in the making.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::HotelId;

use crate::runtime::{Changes, Holds, Meeting, Rows, Table, column};

/// About how many bytes a hotel takes in memory, with its room types.
const HOTEL_BYTES: usize = 2_048;
/// About how many bytes a changed night takes.
const NIGHT_BYTES: usize = 160;

/// Hotels as they are last said.
pub(super) static HOTELS: Table = Table {
    name: "hotels",
    columns: &[
        column("id", Holds::Uuid),
        column("supplier", Holds::Text),
        column("code", Holds::Text),
        column("name", Holds::Text),
        column("name_key", Holds::Text),
        column("city", Holds::Text),
        column("city_key", Holds::Text),
        column("country", Holds::Text),
        column("country_key", Holds::Text),
        column("time_zone", Holds::Text),
        column("latitude", Holds::Float),
        column("longitude", Holds::Float),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET (supplier, code, name, name_key, city, city_key, country, country_key, time_zone, latitude, longitude) = \
         (excluded.supplier, excluded.code, excluded.name, excluded.name_key, excluded.city, excluded.city_key, excluded.country, excluded.country_key, excluded.time_zone, excluded.latitude, excluded.longitude)",
    ),
};

/// What they sell: replaced as a whole, what is withdrawn is gone.
pub(super) static ROOM_TYPES: Table = Table {
    name: "hotel_room_types",
    columns: &[
        column("hotel_id", Holds::Uuid),
        column("code", Holds::Text),
        column("place", Holds::Int),
        column("name", Holds::Text),
        column("rooms", Holds::Int),
        column("nightly_minor", Holds::Int),
        column("currency", Holds::Text),
    ],
    meeting: Meeting::Never,
};

/// Hotels whose room types go.
static REPLACED_HOTELS: Table =
    Table { name: "hotel_room_types", columns: &[column("hotel_id", Holds::Uuid)], meeting: Meeting::Never };

/// What changes of nights; what is sold is written as a difference.
pub(super) static NIGHTS: Table = Table {
    name: "hotel_nights",
    columns: &[
        column("hotel_id", Holds::Uuid),
        column("room_type", Holds::Text),
        column("night", Holds::Date),
        column("sold", Holds::Int),
        column("rooms", Holds::Int),
        column("stop_sell", Holds::Flag),
    ],
    meeting: Meeting::Merges(
        "(hotel_id, room_type, night) DO UPDATE SET sold = known.sold + excluded.sold, \
         rooms = coalesce(excluded.rooms, known.rooms), stop_sell = coalesce(excluded.stop_sell, known.stop_sell)",
    ),
};

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

impl HotelBatch {
    pub(super) fn night(&mut self, hotel: HotelId, room_type: &str, night: NaiveDate) -> &mut NightChange {
        self.nights.entry((hotel, room_type.to_owned(), night)).or_default()
    }

    pub(super) fn bytes(&self) -> usize {
        self.details.len() * HOTEL_BYTES + self.nights.len() * NIGHT_BYTES
    }

    pub(super) fn flush(self, changes: &mut Changes) {
        let (mut hotels, mut replaced) = (Rows::new(&HOTELS), Rows::new(&REPLACED_HOTELS));
        let mut room_types = Rows::new(&ROOM_TYPES);
        for (id, hotel) in &self.details {
            write_hotel(&mut hotels, *id, hotel);
            replaced.row().uuid(id.0);
            write_room_types(&mut room_types, *id, hotel);
        }
        let mut nights = Rows::new(&NIGHTS);
        for ((hotel, room_type, night), change) in &self.nights {
            let mut row = nights.row();
            row.uuid(hotel.0).text(room_type).date(*night).int(change.sold);
            row.int_if_any(change.rooms).flag_if_any(change.stop_sell);
        }
        changes.write(hotels);
        changes.delete(replaced);
        changes.write(room_types);
        changes.write(nights);
    }
}

fn write_hotel(rows: &mut Rows, id: HotelId, hotel: &HotelDetails) {
    let mut row = rows.row();
    row.uuid(id.0).text(&hotel.supplier).text(&hotel.code);
    row.text(&hotel.name).text(&hotel.name.to_lowercase());
    row.text(&hotel.city).text(&hotel.city.to_lowercase());
    row.text(&hotel.country).text(&hotel.country.to_lowercase());
    row.text(hotel.time_zone.name()).float_if_any(hotel.latitude).float_if_any(hotel.longitude);
}

fn write_room_types(rows: &mut Rows, id: HotelId, hotel: &HotelDetails) {
    for (place, kind) in (0_i64..).zip(&hotel.room_types) {
        let mut row = rows.row();
        row.uuid(id.0).text(&kind.code).int(place).text(&kind.name).int(i64::from(kind.rooms));
        row.int(kind.nightly_price.minor).text(kind.nightly_price.currency.as_str());
    }
}
