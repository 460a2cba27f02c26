//! Trips as people see them.

mod earlier;
mod histories;
mod lists;
mod sagas;
mod states;
mod views;
