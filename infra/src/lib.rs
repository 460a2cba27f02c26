//! Adapters: Postgres (pool, event log, private server), payment gateways, configuration, telemetry.

pub mod clock;
pub mod config;
pub mod private_server;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
