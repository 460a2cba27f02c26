//! End to end: the program as a user starts it, over the command line and HTTP, each test with a data directory of its own.

mod bad_input;
mod chaos;
mod crash_sweep;
mod dead_letters;
mod demo;
mod deploy;
mod gateway;
mod house;
mod identity;
mod judge;
mod kafka_announce;
mod kafka_topics;
mod keycloak;
mod kill;
#[path = "../src/cli/demo/ledger.rs"]
mod ledger;
mod members;
mod operator;
mod outbox;
mod projections;
mod recover;
mod replay;
mod roles;
mod support;
mod upgrade;
mod verbs;
mod verify;
