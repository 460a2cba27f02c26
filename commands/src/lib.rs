//! The write side: engine, inbox, relay, timers, catalogue import.
pub mod catalog;
pub mod deciders;
pub mod engine;
pub mod input;
mod input_hash;
mod request;

pub use deciders::Deciders;
pub use engine::Engine;
pub use input_hash::input_hash;
pub use request::{CallerCommand, IdempotencyKey, LetterVerb, Receipt, Rejection, Request};
