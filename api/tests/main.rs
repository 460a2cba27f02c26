//! The API's contract, from outside of the crate.

mod schema;
