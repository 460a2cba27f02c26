//! What the supplier says: listing, details, allotments.

use std::collections::BTreeSet;

use super::nights::{AllotmentChange, Nights};
use super::{
    ALLOTMENT_HORIZON_DAYS, ALLOTMENT_MAX, ALLOTMENT_NIGHTS_MAX, Hotel, HotelDetails, HotelError, HotelEvent,
    ROOM_TYPES_MAX, RoomTypeDetails,
};
use crate::occasion::Occasion;

/// Coordinates closer than this, in degrees, are the same place: about a centimetre. A number that went through JSON may come back with
/// another last digit, and that must not look like a change.
const SAME_PLACE_DEGREES: f64 = 1e-7;

impl Hotel {
    pub(super) fn upsert(&self, details: HotelDetails, occasion: Occasion) -> Result<Vec<HotelEvent>, HotelError> {
        check_room_types(&details.room_types)?;
        let business_date = occasion.date_in(details.time_zone);
        Ok(match self.details() {
            None => vec![HotelEvent::HotelListed { details, business_date }],
            Some(known) if is_same(known, &details) => Vec::new(),
            Some(_) => vec![HotelEvent::HotelChanged { details, business_date }],
        })
    }

    pub(super) fn change_allotment(
        &self,
        room_type: String,
        change: AllotmentChange,
        occasion: Occasion,
    ) -> Result<Vec<HotelEvent>, HotelError> {
        let Self::Listed(listing) = self else { return Err(HotelError::NotListed) };
        if listing.room_type(&room_type).is_none() {
            return Err(HotelError::UnknownRoomType(room_type));
        }
        check_change(change)?;
        let business_date = self.today(occasion);
        if change.from < business_date || listing.memory.has_forgotten(change.from, business_date) {
            return Err(HotelError::Past);
        }
        if (change.to - business_date).num_days() > ALLOTMENT_HORIZON_DAYS {
            return Err(HotelError::TooFarAhead);
        }
        let untouched = Nights::default();
        if !listing.nights.get(&room_type).unwrap_or(&untouched).would_change(change) {
            return Ok(Vec::new());
        }
        let AllotmentChange { from, to, rooms, stop_sell } = change;
        Ok(vec![HotelEvent::AllotmentChanged { room_type, from, to, rooms, stop_sell, business_date }])
    }
}

fn check_room_types(room_types: &[RoomTypeDetails]) -> Result<(), HotelError> {
    let codes: BTreeSet<&str> = room_types.iter().map(|kind| kind.code.as_str()).collect();
    if room_types.is_empty() || room_types.len() > ROOM_TYPES_MAX || codes.len() != room_types.len() {
        return Err(HotelError::RoomTypes);
    }
    if room_types.iter().any(|kind| kind.rooms > ALLOTMENT_MAX) {
        return Err(HotelError::TooManyRooms);
    }
    Ok(())
}

fn check_change(change: AllotmentChange) -> Result<(), HotelError> {
    if change.rooms.is_none() && change.stop_sell.is_none() {
        return Err(HotelError::NothingToChange);
    }
    if change.night_count() < 1 {
        return Err(HotelError::EmptyRange);
    }
    if change.night_count() > ALLOTMENT_NIGHTS_MAX {
        return Err(HotelError::RangeTooLong);
    }
    if change.rooms.is_some_and(|rooms| rooms > ALLOTMENT_MAX) {
        return Err(HotelError::TooManyRooms);
    }
    Ok(())
}

fn is_same(known: &HotelDetails, given: &HotelDetails) -> bool {
    let at_the_same_place = is_near(known.latitude, given.latitude) && is_near(known.longitude, given.longitude);
    let placed = HotelDetails { latitude: known.latitude, longitude: known.longitude, ..given.clone() };
    at_the_same_place && *known == placed
}

fn is_near(known: Option<f64>, given: Option<f64>) -> bool {
    match (known, given) {
        (Some(known), Some(given)) => (known - given).abs() < SAME_PLACE_DEGREES,
        (None, None) => true,
        _ => false,
    }
}
