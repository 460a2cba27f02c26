//! The edge: HTTP, GraphQL, limits.
//!
//! One request takes this way: `http::ask` lets it in, stage by stage, and learns from `identity` who sent it; `graphql::admit` parses it,
//! bounds it, asks `graphql::rights` whether the caller may, and takes its cost off the caller's account (`admission`); `graphql::execute`
//! runs it under a deadline; one file under `graphql/mutation`, `graphql/query` or `graphql/subscription` does what is asked, and
//! `graphql::scrub` sees to it that no answer repeats what a caller gave. What lasts, sockets (`http::ws`) and event streams (`http::sse`),
//! takes each of its operations the same way.

mod admission;
mod api;
mod caller;
mod graphql;
mod http;
mod identity;
pub mod limits;
mod place;

pub use admission::Allowance;
pub use api::{Api, Lags, Parts, Positions, Reach, Readiness};
pub use caller::{Caller, Scope, Scopes};
pub use graphql::part::{Part, ReadModels};
pub use graphql::{error_page, operator_reason, reason_fingerprint, resolution, sdl, sdl_of};
pub use http::{Handover, router, serve};
pub use identity::{DevelopmentToken, Identity, development_token};
