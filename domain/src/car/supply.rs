//! What the supplier says: listing and details.

use super::{Car, CarDetails, CarError, CarEvent, VEHICLES_MAX};
use crate::occasion::Occasion;

impl Car {
    pub(super) fn upsert(&self, details: CarDetails, occasion: Occasion) -> Result<Vec<CarEvent>, CarError> {
        if details.vehicles > VEHICLES_MAX {
            return Err(CarError::TooManyVehicles);
        }
        let business_date = occasion.date_in(details.time_zone);
        Ok(match self.details() {
            None => vec![CarEvent::CarListed { details, business_date }],
            Some(known) if *known == details => Vec::new(),
            Some(_) => vec![CarEvent::CarChanged { details, business_date }],
        })
    }
}
