//! Engines with logs of their own, joined by a real broker.

mod announced;
mod cluster;
mod connector;
mod contract;
mod courier;
mod debezium;
mod faults;
mod outcomes;
pub(crate) mod process;
mod records;
mod suite;
mod sweep;
mod upkeep;
mod verdict;

pub(crate) use cluster::{ALL_END, Cluster};
