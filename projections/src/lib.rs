//! The read side: the projector runtime, read models and their queries.
//!
//! One folder for each read model: `mod.rs` (the projection), what it folds and writes, and `query.rs` (what is read of it).

pub mod booking;
pub mod campaigns;
pub mod car_availability;
mod cursor;
pub mod flight_availability;
pub mod gather;
pub mod hotel_availability;
mod keyset;
pub mod members;
pub mod payment_ledger;
pub mod points;
pub mod reads;
pub mod runtime;
mod search;
mod sql;
pub mod supply_occupancy;
pub mod traveller_bookings;
pub mod views;
pub mod vouchers;
