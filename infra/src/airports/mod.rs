//! Every airport with an IATA code: its place and its time zone. Embedded, so that local times can be read without a network.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::Tz;
use serde::Deserialize;

/// The table as the program carries it (source and licence beside it).
const TABLE: &str = include_str!("../../seed-data/airports/airports.csv");

static AIRPORTS: LazyLock<HashMap<String, Airport>> = LazyLock::new(|| rows().filter_map(Result::ok).collect());

/// An airport.
#[derive(Debug, Clone, PartialEq)]
pub struct Airport {
    /// Name for people.
    pub name: String,
    /// The city it serves; empty for a few small ones.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The zone of its local times.
    pub zone: Tz,
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// The airport with a three-letter IATA code in capitals; `None` when there is none.
pub fn lookup(iata: &str) -> Option<&'static Airport> {
    AIRPORTS.get(iata)
}

/// One line of the table. Fields as its header names them.
#[derive(Deserialize)]
struct Row {
    iata: String,
    name: String,
    city: String,
    country: String,
    lat: f64,
    lon: f64,
    tz: Tz,
}

/// All lines. A test reads them all, so that none is left out in silence.
fn rows() -> impl Iterator<Item = Result<(String, Airport), csv::Error>> {
    csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize::<Row>().map(|row| {
        let Row { iata, name, city, country, lat, lon, tz } = row?;
        Ok((iata, Airport { name, city, country, zone: tz, latitude: lat, longitude: lon }))
    })
}
