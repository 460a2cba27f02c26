//! The engine against a real Postgres.

mod ambiguous;
mod audit;
mod cache;
mod child;
mod crowd;
mod dead_lettered;
mod engine;
mod gateway_calls;
mod guilty;
mod guilty_messages;
mod keys;
mod last_room;
mod lease;
mod loading;
mod overload;
mod postgres_away;
mod relay;
mod shapes;
mod snapshots;
mod starved;
mod support;
mod timers;
mod verbs;
