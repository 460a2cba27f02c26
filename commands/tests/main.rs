//! The engine against a real Postgres.

mod crowd;
mod engine;
mod guilty;
mod guilty_messages;
mod snapshots;
mod support;
