//! A departure as handed in.

use traveladvisor_domain::flight::{CABIN_SEATS_MAX, CabinDetails, FlightDetails};

use super::{At, CabinInput, FieldError, FlightInput, airport, code, count, instant, money};

/// Checks every field; the first that breaks its rule is the error.
pub fn flight(input: &FlightInput) -> Result<FlightDetails, FieldError> {
    Ok(FlightDetails {
        supplier: code(&input.supplier).at("supplier")?,
        code: code(&input.code).at("code")?,
        carrier: code(&input.carrier).at("carrier")?,
        origin_zone: airport(&input.origin).at("origin")?.zone,
        destination_zone: airport(&input.destination).at("destination")?.zone,
        departure_at: instant(input.departure_at).at("departureAt")?,
        arrival_at: instant(input.arrival_at).at("arrivalAt")?,
        cabins: cabins(&input.cabins).at("cabins")?,
        origin: input.origin.clone(),
        destination: input.destination.clone(),
    })
}

fn cabins(inputs: &[CabinInput]) -> Result<Vec<CabinDetails>, FieldError> {
    inputs.iter().enumerate().map(|(place, input)| cabin(input).at(&place.to_string())).collect()
}

fn cabin(input: &CabinInput) -> Result<CabinDetails, FieldError> {
    Ok(CabinDetails {
        cabin: code(&input.cabin).at("cabin")?,
        seats: count(input.seats, CABIN_SEATS_MAX).at("seats")?,
        price: money(&input.price).at("price")?,
    })
}
