//! Subscriptions: over `WebSockets` (graphql-transport-ws) and as event streams.

mod bounds;
mod client;
mod events;
mod names;
mod progress;
mod protocol;
mod rights;
