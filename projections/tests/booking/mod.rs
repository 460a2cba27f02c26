//! Trips as people see them.

mod lists;
mod states;
mod views;
