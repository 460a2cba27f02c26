//! Subscriptions: over `WebSockets` (graphql-transport-ws) and as event streams.

mod client;
mod events;
mod progress;
mod protocol;
mod rights;
