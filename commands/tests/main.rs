//! The engine against a real Postgres.

mod ambiguous;
mod audit;
mod bus;
mod cache;
mod child;
mod crowd;
mod dead_lettered;
mod engine;
mod gateway_calls;
mod guilty;
mod guilty_messages;
#[expect(dead_code, reason = "the tests of the program read more of it")]
#[path = "../../tests/judge/log/mod.rs"]
mod judge;
mod keys;
mod last_room;
mod lease;
#[path = "../../src/cli/demo/ledger.rs"]
mod ledger;
mod letters;
mod loading;
mod overload;
mod points;
mod postgres_away;
mod relay;
mod shapes;
mod snapshots;
mod starved;
mod support;
mod timers;
mod verbs;
