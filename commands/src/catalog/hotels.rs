//! Hotels of the reference catalogue: their rows, the offers that price their rooms, and the countries they stand in.

use std::collections::HashMap;

use chrono::NaiveDate;
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_infra::airports::{self, Airport};

use super::source::Numbered;
use super::sql::{self, Row};
use super::{CatalogueItem, REFERENCE_SUPPLIER, gaps};
use crate::input::{self, HotelInput, MoneyInput, RoomTypeInput};

/// Hotels in the order of their rows, each with its offers, and what could not be read.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    let (mut lines, mut hotels) = (Vec::new(), Vec::new());
    let mut countries: HashMap<String, String> = HashMap::new();
    let mut offers: HashMap<String, Vec<RoomTypeInput>> = HashMap::new();
    for row in sql::rows(text) {
        let read = match (row.damage(), row.table.as_str()) {
            (Some(reason), _) => Err(reason.to_owned()),
            (None, "hotel.countries") => country(&row).map(|(code, airport)| countries.insert(code, airport)).map(drop),
            (None, "hotel.hotel_offers") => {
                offer(&row).map(|(hotel, room)| add(offers.entry(hotel).or_default(), room))
            }
            (None, "hotel.hotels") => {
                hotels.push(row);
                continue;
            }
            (None, table) => Err(format!("no hotels stand in the table {table}")),
        };
        if let Err(reason) = read {
            lines.push((row.line, Err(reason)));
        }
    }
    // Each round of a loop fails in the same way: once is enough.
    lines.dedup();
    for row in hotels {
        lines.push((row.line, hotel(&row, &countries, &mut offers)));
    }
    lines.sort_by_key(|(line, _)| *line);
    lines
}

/// A country's code and the airport that stands for it.
fn country(row: &Row) -> Result<(String, String), String> {
    Ok((row.text("iso_code2")?.to_owned(), row.text("iata_code")?.to_owned()))
}

/// The hotel's number and a room type. The offer prices a whole stay with its taxes; a night costs that divided by the nights, rounded
/// half up to the minor unit.
fn offer(row: &Row) -> Result<(String, RoomTypeInput), String> {
    let date = |column: &str| -> Result<NaiveDate, String> {
        row.text(column)?.parse().map_err(|_| format!("{column}: not a date such as 2024-12-16"))
    };
    let nights = (date("check_out_date")? - date("check_in_date")?).num_days();
    if nights < 1 {
        return Err("check_out_date: must be after check_in_date".to_owned());
    }
    let currency: Currency = row.text("price_currency")?.parse().map_err(|error| format!("price_currency: {error}"))?;
    let stay = Money::parse(row.text("price_total")?, currency).map_err(|error| format!("price_total: {error}"))?;
    let night = Money::new((2 * stay.minor + nights) / (2 * nights), currency);
    let hotel = row.text("hotel_id")?.to_owned();
    let room_type = RoomTypeInput {
        code: row.text("room_type")?.to_owned(),
        name: room_name(row)?,
        rooms: 0,
        nightly_price: MoneyInput { amount: night.decimal_text(), currency: currency.to_string() },
    };
    Ok((hotel, room_type))
}

/// For example `Deluxe room, 1 queen bed`.
fn room_name(row: &Row) -> Result<String, String> {
    let mut category = row.text("room_category")?.replace('_', " ").to_lowercase();
    if let Some(first) = category.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let beds = row.text("room_beds")?;
    let bed = row.text("room_bed_type")?.to_lowercase();
    Ok(format!("{category}, {beds} {bed} {}", if beds == "1" { "bed" } else { "beds" }))
}

/// Of two offers for one room type the first counts.
fn add(rooms: &mut Vec<RoomTypeInput>, room: RoomTypeInput) {
    if rooms.iter().all(|known| known.code != room.code) {
        rooms.push(room);
    }
}

fn hotel(
    row: &Row,
    countries: &HashMap<String, String>,
    offers: &mut HashMap<String, Vec<RoomTypeInput>>,
) -> Result<CatalogueItem, String> {
    let (code, country) = (row.text("ota_hotel_id")?, row.text("country_code")?);
    let airport = airport_of(row, countries.get(country))?;
    let mut room_types = offers.remove(row.text("id")?).ok_or("no offer prices its rooms")?;
    for room in &mut room_types {
        room.rooms = gaps::rooms(&format!("{code}-{}", room.code));
    }
    let hotel = HotelInput {
        supplier: REFERENCE_SUPPLIER.to_owned(),
        code: code.to_owned(),
        name: row.text("name")?.to_owned(),
        city: airport.city.clone(),
        country: country.to_owned(),
        time_zone: airport.zone.name().to_owned(),
        latitude: Some(row.number("latitude")?),
        longitude: Some(row.number("longitude")?),
        room_types,
    };
    input::hotel(&hotel).map(CatalogueItem::Hotel).map_err(|error| error.to_string())
}

/// City and zone are those of the airport beside the hotel, else of the one that stands for its country.
fn airport_of(row: &Row, of_country: Option<&String>) -> Result<&'static Airport, String> {
    let country = of_country.ok_or("country_code: not among the countries")?;
    let airport = airports::lookup(row.text("iata_code")?).or_else(|| airports::lookup(country));
    airport.ok_or_else(|| "iata_code: unknown, and so is the airport of the country".to_owned())
}
