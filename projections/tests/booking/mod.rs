//! Trips as people see them.

mod lists;
mod sagas;
mod states;
mod views;
