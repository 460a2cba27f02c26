//! Trips as people see them.

mod earlier;
mod lists;
mod sagas;
mod states;
mod views;
