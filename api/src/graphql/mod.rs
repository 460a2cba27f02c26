//! The GraphQL schema and its execution.

mod card_number;
mod complete;
mod document;
mod error_page;
pub(crate) mod execute;
mod fault;
mod header_key;
mod mutation;
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
use self::query::Query;
use self::subscription::Subscription;
use crate::limits::{FIELD_DIRECTIVES_MAX, QUERY_COMPLEXITY_MAX, QUERY_DEPTH_MAX};

/// The schema with what its resolvers need.
pub(crate) type TravelSchema = Schema<Query, Mutation, Subscription>;

/// The schema without the parts that resolvers need.
pub(crate) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_complexity(QUERY_COMPLEXITY_MAX)
        .limit_depth(QUERY_DEPTH_MAX)
        .limit_directives(FIELD_DIRECTIVES_MAX)
}

/// The schema in the schema definition language: types by name, the rest in the order of the code; the same at every call.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident();
    builder().finish().sdl_with_options(options)
}
