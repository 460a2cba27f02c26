//! The engine against a real Postgres.

mod engine;
mod support;
