//! The one rule for what the sources do not say.
//!
//! Every missing number is drawn from a range by the item's code: the 64-bit FNV-1a hash of the number's name and the code, folded into
//! the range. So it looks random, differs from item to item, and is the same at every import on every machine. The ranges:
//!
//! | what | range |
//! |---|---|
//! | rooms of a hotel's room type | 5 to 20 |
//! | seats of a departure that has no seat count | 120 to 180 |
//! | vehicles of a fleet | 2 to 9, so that one can be sold out by hand |
//! | fare of a New York departure | £30, and 10 pence a mile, and £0 to £20 drawn, in whole pence |
//!
//! All prices without a currency are pounds sterling. The eight fleets stand in turn at four airports that flights of the catalogue reach
//! and that are in or near the cities of its hotels where there are any: Seoul, Washington, Paris, Helsinki.

use std::ops::RangeInclusive;

use traveladvisor_domain::money::{Currency, Money};

use crate::input::MoneyInput;

/// Rooms of a room type.
const ROOMS: RangeInclusive<u32> = 5..=20;
/// Seats of a departure.
const SEATS: RangeInclusive<u32> = 120..=180;
/// Vehicles of a fleet.
const VEHICLES: RangeInclusive<u32> = 2..=9;
/// What every New York fare begins with, in pence.
const FARE_BASE_PENCE: i64 = 3_000;
/// What a mile adds, in pence.
const FARE_MILE_PENCE: i64 = 10;
/// What is drawn on top, in pence.
const FARE_DRAWN_PENCE: RangeInclusive<u32> = 0..=2_000;
/// Where fleets stand, in turn.
const CAR_LOCATIONS: [&str; 4] = ["ICN", "DCA", "CDG", "HEL"];

/// The currency of prices that name none.
pub(super) const CURRENCY: &str = "GBP";

/// Rooms of a hotel's room type.
pub(super) fn rooms(code: &str) -> i64 {
    drawn("rooms", code, ROOMS)
}

/// Seats of a departure.
pub(super) fn seats(code: &str) -> i64 {
    drawn("seats", code, SEATS)
}

/// Vehicles of a fleet.
pub(super) fn vehicles(code: &str) -> i64 {
    drawn("vehicles", code, VEHICLES)
}

/// Price of a seat on a New York departure of so many miles.
pub(super) fn new_york_fare(code: &str, miles: u32) -> MoneyInput {
    let pence = FARE_BASE_PENCE + FARE_MILE_PENCE * i64::from(miles) + drawn("fare", code, FARE_DRAWN_PENCE);
    MoneyInput { amount: Money::new(pence, Currency::GBP).decimal_text(), currency: CURRENCY.to_owned() }
}

/// The airport of the fleet that stands at this place of the file, from 1.
pub(super) fn car_location(place: usize) -> &'static str {
    CAR_LOCATIONS[place.saturating_sub(1) % CAR_LOCATIONS.len()]
}

fn drawn(what: &str, code: &str, range: RangeInclusive<u32>) -> i64 {
    let hash = fnv_1a(what.bytes().chain([0]).chain(code.bytes()));
    let width = u64::from(range.end() - range.start()) + 1;
    // The high half is better mixed than the low one.
    i64::from(*range.start()) + ((hash >> 32) % width).cast_signed()
}

/// 64-bit FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>).
fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
