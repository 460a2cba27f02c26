//! The API's contract, from outside of the crate.

mod as_of;
mod bad_input;
mod catalogue;
mod codes;
mod faults;
mod keys;
mod leaks;
mod members;
mod metrics;
mod models;
mod nodes;
mod pages;
mod projections;
mod request_ids;
mod rights;
mod sagas;
mod schema;
mod server;
mod shape;
mod sockets;
mod statements;
mod trips;
mod world;
