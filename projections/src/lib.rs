//! The read side: the projector runtime, read models and their queries.

pub mod reads;
pub mod runtime;
mod search;
pub mod views;
