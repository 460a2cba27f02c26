//! The API's contract, from outside of the crate.

mod bad_input;
mod catalogue;
mod schema;
mod server;
mod trips;
mod world;
