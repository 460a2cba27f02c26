//! A hotel as handed in.

use traveladvisor_domain::hotel::{ALLOTMENT_MAX, HotelDetails, RoomTypeDetails};

use super::{At, FieldError, HotelInput, RoomTypeInput, code, count, country, degrees, money, name, zone};

/// Furthest north or south, in degrees.
const LATITUDE_MAX: f64 = 90.0;
/// Furthest east or west, in degrees.
const LONGITUDE_MAX: f64 = 180.0;

/// Checks every field; the first that breaks its rule is the error.
pub fn hotel(input: &HotelInput) -> Result<HotelDetails, FieldError> {
    Ok(HotelDetails {
        supplier: code(&input.supplier).at("supplier")?,
        code: code(&input.code).at("code")?,
        name: name(&input.name).at("name")?,
        city: name(&input.city).at("city")?,
        country: country(&input.country).at("country")?,
        time_zone: zone(&input.time_zone).at("timeZone")?,
        latitude: degrees(input.latitude, LATITUDE_MAX).at("latitude")?,
        longitude: degrees(input.longitude, LONGITUDE_MAX).at("longitude")?,
        room_types: room_types(&input.room_types).at("roomTypes")?,
    })
}

fn room_types(inputs: &[RoomTypeInput]) -> Result<Vec<RoomTypeDetails>, FieldError> {
    inputs.iter().enumerate().map(|(place, input)| room_type(input).at(&place.to_string())).collect()
}

fn room_type(input: &RoomTypeInput) -> Result<RoomTypeDetails, FieldError> {
    Ok(RoomTypeDetails {
        code: code(&input.code).at("code")?,
        name: name(&input.name).at("name")?,
        rooms: count(input.rooms, ALLOTMENT_MAX).at("rooms")?,
        nightly_price: money(&input.nightly_price).at("nightlyPrice")?,
    })
}
