//! What is measured under which load.

pub(crate) mod cluster;
pub(crate) mod engine;
pub(crate) mod fill;
pub(crate) mod growth;
pub(crate) mod hot;
pub(crate) mod http;
pub(crate) mod rebuild;
pub(crate) mod trips;
