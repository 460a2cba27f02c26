//! The adapters against what is really there: Postgres, files, processes.

mod ambiguous;
mod back;
mod caller_rates;
mod copied;
mod event_log;
mod fail_points;
mod gateway;
mod kafka;
mod lease;
mod open_letters;
mod pool;
mod private_server;
mod schema;
mod shapes;
mod snapshots;
mod tails;
mod testing;
