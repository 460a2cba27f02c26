//! Subscriptions: over `WebSockets` (graphql-transport-ws) and as event streams.

mod bounds;
mod client;
mod events;
mod names;
mod persisted;
mod progress;
mod protocol;
mod rights;
