//! Adapters: Postgres (pool, event log, private server), payment gateways, configuration, telemetry.

pub mod airports;
pub mod caller_rates;
pub mod clock;
pub mod config;
pub mod event_log;
pub mod fail_points;
pub mod gateway;
pub mod identity_provider;
pub mod kafka;
pub mod postgres;
pub mod private_server;
pub mod services;
pub mod stopping;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod web;
