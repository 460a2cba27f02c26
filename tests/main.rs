//! End to end: the program as a user starts it, over the command line and HTTP, each test with a data directory of its own.

mod bad_input;
mod chaos;
mod crash_sweep;
mod demo;
mod gateway;
mod house;
mod identity;
mod judge;
mod keycloak;
mod kill;
#[path = "../src/cli/demo/ledger.rs"]
mod ledger;
mod operator;
mod projections;
mod recover;
mod replay;
mod support;
mod verbs;
mod verify;
