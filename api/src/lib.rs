//! The edge: HTTP, GraphQL, limits.
