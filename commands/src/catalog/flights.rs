//! Flight offers of the reference catalogue. Several offers can be one departure: then the lowest price counts.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use traveladvisor_domain::flight::FlightDetails;

use super::source::Numbered;
use super::sql::{self, Row};
use super::{CatalogueItem, REFERENCE_SUPPLIER, gaps, local_time};
use crate::input::{self, CabinInput, FlightInput, MoneyInput};

/// Minutes by which the duration written beside an offer may differ from its times. Those of some winter departures are written as in
/// summer, when Europe is an hour nearer to Korea; the times are what travellers go by.
const DURATION_SLACK_MINUTES: i64 = 60;

/// What makes two offers the same departure: carrier, number, origin, destination, local departure.
type Departure = [String; 5];

/// Departures in the order of their first offers, and what could not be read.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    let mut lines: Vec<Numbered> = Vec::new();
    let mut places: HashMap<Departure, usize> = HashMap::new();
    for row in sql::rows(text) {
        let (departure, flight) = match offer(&row) {
            Ok(offer) => offer,
            Err(reason) => {
                lines.push((row.line, Err(reason)));
                continue;
            }
        };
        let Some(&first) = places.get(&departure) else {
            places.insert(departure, lines.len());
            lines.push((row.line, Ok(CatalogueItem::Flight(flight))));
            continue;
        };
        if let Err(reason) = merge(&mut lines[first], flight) {
            lines.push((row.line, Err(reason)));
        }
    }
    lines
}

fn merge(first: &mut Numbered, again: FlightDetails) -> Result<(), String> {
    let (line, Ok(CatalogueItem::Flight(flight))) = first else { return Ok(()) };
    if flight.arrival_at != again.arrival_at {
        return Err(format!("arrival_at: differs from the same departure on line {line}"));
    }
    for (cabin, again) in flight.cabins.iter_mut().zip(again.cabins) {
        cabin.price.minor = cabin.price.minor.min(again.price.minor);
    }
    Ok(())
}

fn offer(row: &Row) -> Result<(Departure, FlightDetails), String> {
    let (carrier, number) = (row.text("carrier_code")?, row.text("flight_number")?);
    let (origin, departs) = (row.text("departure_iata")?, local(row, "departure_at")?);
    let (destination, arrives) = (row.text("arrival_iata")?, local(row, "arrival_at")?);
    let departure_at = at_airport(origin, departs).map_err(|reason| format!("departure_iata: {reason}"))?;
    let arrival_at = at_airport(destination, arrives).map_err(|reason| format!("arrival_iata: {reason}"))?;
    check_duration(arrival_at - departure_at, row.text("duration")?)?;
    let code = format!("{carrier}{number}-{}", departs.date());
    let cabin = CabinInput {
        cabin: "ECONOMY".to_owned(),
        seats: gaps::seats(&code),
        price: MoneyInput { amount: row.text("price")?.to_owned(), currency: gaps::CURRENCY.to_owned() },
    };
    let flight = FlightInput {
        supplier: REFERENCE_SUPPLIER.to_owned(),
        carrier: carrier.to_owned(),
        origin: origin.to_owned(),
        destination: destination.to_owned(),
        departure_at,
        arrival_at,
        cabins: vec![cabin],
        code,
    };
    let departure = [carrier, number, origin, destination, &departs.to_string()].map(str::to_owned);
    Ok((departure, input::flight(&flight).map_err(|error| error.to_string())?))
}

/// Times are written with `+00` but are local to their airports, as the durations show.
fn local(row: &Row, column: &str) -> Result<NaiveDateTime, String> {
    let text = row.text(column)?;
    let local = text.strip_suffix("+00").unwrap_or(text);
    NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M:%S")
        .map_err(|_| format!("{column}: not a time such as 2024-12-30T15:25:00+00"))
}

fn at_airport(iata: &str, local: NaiveDateTime) -> Result<DateTime<Utc>, String> {
    let airport = input::airport(iata).map_err(|error| error.to_string())?;
    local_time::instant(local, airport.zone)
}

fn check_duration(between: TimeDelta, written: &str) -> Result<(), String> {
    let minutes = duration_minutes(written).ok_or("duration: not such as 2 hours 55 minutes")?;
    let between = between.num_minutes();
    if between.abs_diff(minutes) <= DURATION_SLACK_MINUTES.unsigned_abs() {
        return Ok(());
    }
    Err(format!("duration: {minutes} minutes are written but {between} lie between the local times"))
}

fn duration_minutes(written: &str) -> Option<i64> {
    let words: Vec<&str> = written.split_whitespace().collect();
    let parts = words.chunks(2).map(|part| {
        let [count, unit] = part else { return None };
        let minutes = match unit.trim_end_matches('s') {
            "day" => 24 * 60,
            "hour" => 60,
            "minute" => 1,
            _ => return None,
        };
        Some(i64::from(count.parse::<u16>().ok()?) * minutes)
    });
    parts.sum()
}
