//! Trips as people see them.

mod as_of;
mod earlier;
mod histories;
mod lists;
mod points;
mod sagas;
mod shapes;
mod states;
mod views;
