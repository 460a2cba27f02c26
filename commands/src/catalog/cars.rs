//! Cars of the reference catalogue.

use super::source::Numbered;
use super::sql::{self, Row};
use super::{CatalogueItem, REFERENCE_SUPPLIER, gaps};
use crate::input::{self, CarInput, MoneyInput};

/// Every offer is a fleet. Its place counts all rows of the file, also those that cannot be read, so that codes do not move.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    (1..).zip(sql::rows(text)).map(|(place, row)| (row.line, fleet(place, &row))).collect()
}

fn fleet(place: usize, row: &Row) -> Result<CatalogueItem, String> {
    let (vehicle, category) = (row.text("vehicle_code")?, row.text("category")?);
    let code = format!("{vehicle}-{category}-{place}");
    let car = CarInput {
        supplier: REFERENCE_SUPPLIER.to_owned(),
        name: row.text("description")?.to_owned(),
        car_class: class(category).to_owned(),
        location: gaps::car_location(place).to_owned(),
        time_zone: None,
        vehicles: gaps::vehicles(&code),
        daily_price: MoneyInput { amount: row.text("price")?.to_owned(), currency: gaps::CURRENCY.to_owned() },
        code,
    };
    input::car(&car).map(CatalogueItem::Car).map_err(|error| error.to_string())
}

/// The Amadeus words for its categories; others stay as they are.
fn class(category: &str) -> &str {
    match category {
        "ST" => "STANDARD",
        "BU" => "BUSINESS",
        "FC" => "FIRST",
        other => other,
    }
}
