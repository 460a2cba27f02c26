//! The GraphQL schema and its execution.

pub(crate) mod admit;
mod card_number;
mod complete;
pub(crate) mod cost;
mod declared;
mod document;
mod error_page;
pub(crate) mod execute;
pub(crate) mod fault;
mod header_key;
mod mutation;
pub(crate) mod part;
pub(crate) mod persisted;
mod query;
mod read;
mod rights;
pub(crate) mod scalars;
mod scrub;
pub(crate) mod subscription;
pub(crate) mod types;
mod variables;

use async_graphql::registry::SDLExportOptions;
use async_graphql::{Schema, SchemaBuilder};

pub use self::error_page::error_page;
use self::mutation::Mutation;
pub(crate) use self::mutation::{holds_card_number, idempotency_key};
pub use self::mutation::{operator_reason, reason_fingerprint, resolution};
use self::part::Part;
use self::query::Query;
use self::subscription::Subscription;

/// The schema with what its resolvers need.
pub(crate) type TravelSchema = Schema<Query, Mutation, Subscription>;

/// The schema without the parts that resolvers need.
pub(crate) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
}

/// What of it a process serves, in the schema definition language; nothing where that is nothing.
pub fn sdl_of(part: Part) -> String {
    part::printed(part)
}

/// The schema in the schema definition language: types by name, the rest in the order of the code; the same at every call.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident();
    builder().finish().sdl_with_options(options)
}
