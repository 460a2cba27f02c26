//! What came of all trips, told by those who share no code with what decided: the log, the gateway's books, the read models.

mod log;
pub(crate) mod read_models;
mod simulated;

pub(crate) use self::log::{Verdict, events, is_no_friend, judge, story};

/// The gateway's own books against the log.
pub(crate) mod money {
    pub(crate) use super::log::money::{faults, is_no_friend, of_the_sandbox};
    pub(crate) use super::simulated::of_a_simulator;
}
