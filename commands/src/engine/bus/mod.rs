//! Where contexts have logs of their own: what other logs send is consumed, and what is for them goes over a broker.
//!
//! `partition` keeps what of a partition is handled, `consumer` makes jobs of records, `post` sends what the relay hands it, and `copies`
//! holds what trips are priced from where supply and members are in other logs.

mod announce;
mod change;
mod consumer;
mod copies;
mod outbox;
mod partition;
mod post;
mod silence;
mod slot;
mod told;
mod unsendable;

use traveladvisor_domain::bus::Version;
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::message::{Destination, Message};
use traveladvisor_infra::kafka::KafkaSettings;

pub use self::announce::{AnnounceError, Announced};
pub use self::change::OutboxRefused;
pub(crate) use self::consumer::{Consuming, Intake};
pub use self::copies::Copies;
pub(crate) use self::partition::{Move, Partition, Record, moves_of};
pub(crate) use self::post::{Post, letter_of};
pub(crate) use self::silence::Silence;
pub(crate) use self::slot::watch as watch_slot;
pub(crate) use self::told::Again;
pub(crate) use self::unsendable::{Unsendable, surely_fits};

/// How messages for other logs leave this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outbox {
    /// The relay reads them from the log and produces them.
    #[default]
    Relay,
    /// Every append writes them to the outbox table, from which a connector reads them.
    Table,
}

/// Whether this process consumes what other logs send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumes {
    /// It is a member of its log's group.
    Here,
    /// Others do.
    Elsewhere,
}

/// What an engine needs to work beside others, each with its own log.
#[derive(Debug, Clone)]
pub struct Bus {
    /// Whose streams stand in this log.
    pub contexts: Contexts,
    /// Where the broker is.
    pub kafka: KafkaSettings,
    /// How messages for others leave.
    pub outbox: Outbox,
    /// The replication slot of this log, where a connector reads it.
    pub slot: String,
    /// In which version it writes.
    pub writes: Version,
    /// Whether this process takes in what others send.
    pub consumes: Consumes,
}

impl Bus {
    /// The context that this log is named by among others: the first that it holds.
    pub fn context(&self) -> Context {
        self.contexts.iter().next().unwrap_or(Context::Booking)
    }

    /// Whether somebody in another log decides on it.
    pub(crate) fn is_for_others(&self, message: &Message) -> bool {
        is_for_others(self.contexts, message)
    }

    /// Name of the group in which all processes of this log share its partitions.
    pub fn group(&self) -> &'static str {
        self.context().as_str()
    }
}

fn is_for_others(contexts: Contexts, message: &Message) -> bool {
    matches!(message.to, Destination::Stream(to) if !contexts.holds(to.kind))
}
