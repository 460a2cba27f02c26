//! The read side against a real Postgres: real events through the log, then what readers see.

mod booking;
mod cars;
mod flights;
mod hotels;
mod rebuild;
mod runtime;
mod standby;
mod support;
