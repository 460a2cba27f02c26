//! `events`: look at the log.

mod list;
mod masked;
mod record;
mod show;
mod tail;
mod verify;

pub(super) use self::masked::masked;
use clap::{Args, Subcommand};
use traveladvisor_domain::context::Contexts;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::config::Config;
use traveladvisor_infra::event_log::{EventFilter, Position};

use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::print::Printer;
use super::signals::unless_stopped;

/// A verb, and the log that it is about.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The log to look at, where there are several: booking, hotel, flight, car, payment, member or read [default: booking]
    #[arg(long, global = true, value_name = "NAME")]
    log: Option<LogName>,
    #[command(subcommand)]
    verb: EventsVerb,
}

/// Verbs of the log.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsVerb {
    /// List events in their order
    ///
    /// --json: one object a line, {"position", "stream", "sequence", "type", "version",
    /// "occurredAt", "recordedAt", "payload", "metadata"}; an event of an older shape also has "today": [{"type", "version", "payload"}]
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        sight: Sight,
    },
    /// Show a stream or one event with its payload
    ///
    /// --json: as `events list`
    Show {
        /// A stream such as `booking_01h…`, or a position
        id: String,
        #[command(flatten)]
        sight: Sight,
    },
    /// Show the latest events, and with --follow those that come
    ///
    /// --json: as `events list`
    Tail {
        #[command(flatten)]
        which: Which,
        /// How many of the latest to begin with
        #[arg(long, default_value_t = 10, conflicts_with = "after")]
        last: u64,
        /// Go on until Ctrl-C
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        sight: Sight,
    },
    /// Check the whole log: order, sequences, readable events, delivered messages, wake-ups
    ///
    /// Reads the log once, up to where it ends now; others may go on writing. Ends with 3 when something is damaged.
    ///
    /// --json: {"head", "deliveredTo", "events", "streams", "messages", "setAside", "wakeups", "damage": [{"kind", "count"}],
    /// "findings": [{"kind", "position", "stream", "what"}]}; kind is order, sequence, unreadable, undelivered or wakeup
    Verify,
}

/// Which events. All that is given must hold.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// Only this stream, such as `booking_01h…`
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only events of this name, such as `RoomsReserved`
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only streams of this kind: booking, `trip_saga`, hotel, flight, car, payment, `dead_letter`, member,
    /// `email_claim`, `points_account`, campaign, reward or programme
    #[arg(long, value_name = "KIND")]
    kind: Option<StreamKind>,
    /// Only what belongs to this booking
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Only after this position
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
}

/// What is shown of an event.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sight {
    /// Show what travellers and members say of themselves, such as e-mail, names, phone and gender, which is hidden otherwise
    #[arg(long)]
    personal: bool,
}

impl Sight {
    /// Whether personal values are seen.
    pub(super) const fn shows_personal(self) -> bool {
        self.personal
    }
}

impl Which {
    fn filter(&self) -> EventFilter {
        EventFilter {
            after: self.after.unwrap_or(Position::START),
            stream: self.stream,
            kind: self.kind,
            event_type: self.event_type.clone(),
            correlation: self.correlation.clone(),
        }
    }
}

/// Runs the verb.
pub(crate) async fn run(Arguments { log, verb }: Arguments, config: Config, printer: Printer) -> Result<(), Failure> {
    let name = LogName::asked(&config, log, printer)?;
    let contexts = name.contexts(&config);
    if matches!(verb, EventsVerb::Verify) && contexts.is_none() {
        return Err(Failure::usage("the read log is a copy: verify the logs that it is made of"));
    }
    let house = House::open(config, Schema::Expect, &[name]).await?;
    let log = &house.log;
    let done = match verb {
        EventsVerb::Verify => verify::run(log, contexts.unwrap_or(Contexts::ALL), printer).await,
        EventsVerb::List { which, limit, sight } => {
            unless_stopped(list::run(log, which.filter(), limit, sight, printer)).await
        }
        EventsVerb::Show { id, sight } => unless_stopped(show::run(log, &id, sight, printer)).await,
        EventsVerb::Tail { which, last, follow, sight } => {
            tail::run(log, &which, tail::Reach { last, follow }, sight, printer).await
        }
    };
    house.close().await?;
    done
}
