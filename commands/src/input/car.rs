//! A fleet as handed in.

use chrono_tz::Tz;
use traveladvisor_domain::car::{CarDetails, VEHICLES_MAX};
use traveladvisor_infra::airports;

use super::{At, CarInput, FieldError, code, count, money, name, zone};

/// Checks every field; the first that breaks its rule is the error.
pub fn car(input: &CarInput) -> Result<CarDetails, FieldError> {
    Ok(CarDetails {
        supplier: code(&input.supplier).at("supplier")?,
        code: code(&input.code).at("code")?,
        name: name(&input.name).at("name")?,
        car_class: code(&input.car_class).at("carClass")?,
        location: name(&input.location).at("location")?,
        time_zone: time_zone(input).at("timeZone")?,
        vehicles: count(input.vehicles, VEHICLES_MAX).at("vehicles")?,
        daily_price: money(&input.daily_price).at("dailyPrice")?,
    })
}

/// What is given counts; an airport has a zone of its own.
fn time_zone(input: &CarInput) -> Result<Tz, FieldError> {
    if let Some(given) = &input.time_zone {
        return zone(given);
    }
    let airport = airports::lookup(&input.location);
    airport
        .map(|airport| airport.zone)
        .ok_or_else(|| FieldError::new("the location is no airport: give its IANA time zone such as Asia/Seoul"))
}
