//! JSON Lines: one `upsert…` input of the API on each line, under the name of its mutation.

use serde::Deserialize;

use super::CatalogueItem;
use super::source::Numbered;
use crate::input::{self, CarInput, FlightInput, HotelInput};

/// Most bytes of one line.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// One line.
#[derive(Deserialize)]
enum Upsert {
    #[serde(rename = "upsertHotel")]
    Hotel(HotelInput),
    #[serde(rename = "upsertFlight")]
    Flight(FlightInput),
    #[serde(rename = "upsertCar")]
    Car(CarInput),
}

/// Every line that is not blank.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).map(|(at, line)| (at, item(line))).collect()
}

fn item(line: &str) -> Result<CatalogueItem, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
    }
    if line.contains(char::REPLACEMENT_CHARACTER) {
        return Err("not UTF-8".to_owned());
    }
    let upsert: Upsert = serde_json::from_str(line).map_err(|error| without_line(&error))?;
    match upsert {
        Upsert::Hotel(hotel) => input::hotel(&hotel).map(CatalogueItem::Hotel),
        Upsert::Flight(flight) => input::flight(&flight).map(CatalogueItem::Flight),
        Upsert::Car(car) => input::car(&car).map(CatalogueItem::Car),
    }
    .map_err(|error| error.to_string())
}

/// The reader sees each line by itself, so its "line 1" would mislead.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}
