//! What a booking is: pure, no IO, no clock, no randomness.
//!
//! Every aggregate is a folder with the same rooms (`mod.rs` states and decisions, `command.rs`, `event.rs`, `error.rs`, `tests.rs`).
//! The process manager is `trip_saga`. Value types stand beside them. Time, ids and randomness come in with the command.

pub mod address;
pub mod aggregate;
pub mod booking;
pub mod bus;
pub mod campaign;
pub mod car;
pub mod context;
pub mod dead_letter;
pub mod discount;
pub mod email_claim;
pub mod failure;
pub mod flight;
mod footprint;
pub mod hotel;
pub mod id;
pub mod local_day;
pub mod member;
pub mod message;
pub mod money;
pub mod occasion;
pub mod payment;
pub mod personal;
pub mod points;
pub mod points_account;
pub mod programme;
pub mod rental;
pub mod reservation;
pub mod reward;
pub mod shape;
pub mod stay;
#[cfg(test)]
mod testing;
pub mod together;
pub mod trip;
pub mod trip_saga;
