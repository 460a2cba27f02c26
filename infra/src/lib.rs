//! Adapters: Postgres (pool, event log, private server), payment gateways, configuration, telemetry.
