//! The edge: HTTP, GraphQL, limits.
//!
//! One request takes this way: `http::ask` lets it in, stage by stage, and learns from `identity` who sent it; `graphql::execute` parses it,
//! bounds what it may cost, asks `graphql::rights` whether the caller may, and runs it under a deadline; one file under `graphql/mutation` or `graphql/query` does what is asked, and `graphql::scrub` sees to it that no answer
//! repeats what a caller gave.

mod admission;
mod api;
mod caller;
mod graphql;
mod http;
mod identity;
pub mod limits;

pub use admission::Allowance;
pub use api::{Api, Parts, Positions, Readiness};
pub use caller::{Caller, Scope, Scopes};
pub use graphql::{error_page, operator_reason, reason_fingerprint, resolution, sdl};
pub use http::{router, serve};
pub use identity::{DevelopmentToken, Identity, development_token};
