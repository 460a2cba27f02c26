//! What the supplier says: listing and details.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{CABIN_SEATS_MAX, CABINS_MAX, Flight, FlightDetails, FlightError, FlightEvent};
use crate::occasion::Occasion;

impl Flight {
    pub(super) fn upsert(&self, details: FlightDetails, occasion: Occasion) -> Result<Vec<FlightEvent>, FlightError> {
        check(&details)?;
        let business_date = occasion.date_in(details.origin_zone);
        Ok(match self.details() {
            None => vec![FlightEvent::FlightListed { details, business_date }],
            Some(known) if *known == details => Vec::new(),
            Some(_) => vec![FlightEvent::FlightChanged { details, business_date }],
        })
    }
}

impl FlightDetails {
    /// The calendar day of the departure at its airport.
    pub fn departure_date(&self) -> NaiveDate {
        self.departure_at.with_timezone(&self.origin_zone).date_naive()
    }
}

fn check(details: &FlightDetails) -> Result<(), FlightError> {
    if details.arrival_at <= details.departure_at {
        return Err(FlightError::ArrivalBeforeDeparture);
    }
    let names: BTreeSet<&str> = details.cabins.iter().map(|cabin| cabin.cabin.as_str()).collect();
    if details.cabins.is_empty() || details.cabins.len() > CABINS_MAX || names.len() != details.cabins.len() {
        return Err(FlightError::Cabins);
    }
    if details.cabins.iter().any(|cabin| cabin.seats > CABIN_SEATS_MAX) {
        return Err(FlightError::TooManySeats);
    }
    Ok(())
}
