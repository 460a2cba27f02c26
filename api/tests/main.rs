//! The API's contract, from outside of the crate.

mod as_of;
mod bad_input;
mod catalogue;
mod faults;
mod models;
mod nodes;
mod pages;
mod projections;
mod sagas;
mod schema;
mod server;
mod shape;
mod sockets;
mod statements;
mod trips;
mod world;
