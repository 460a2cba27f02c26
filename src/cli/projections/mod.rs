//! `projections`: read models looked at, paused, mended, made anew and switched.

pub(crate) mod bar;
mod list;
mod pause;
mod rebuild;
mod record;
mod retry;
mod rollback;
mod verify;

use clap::{Args, Subcommand};
use traveladvisor_domain::id::StreamId;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{Rate, RebuildError};

use self::pause::Change;
use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::print::Printer;
use super::signals::unless_stopped;
use super::{Globals, settings};

/// Verbs of read models.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectionsVerb {
    /// List them: state, how far behind the log, and how many events could not be taken in
    ///
    /// --json: one object a line, {"name", "version", "generation", "state", "reason", "position", "head", "lagEvents", "lagIsExact",
    /// "lagMs", "eventsPerSecond", "deadLetters", "waiting", "lastError", "lastErrorAt", "former": {"version", "generation",
    /// "position"}, "rebuild": {"phase", "progress", "eventsPerSecond", "isCutOff", "startedAt", "toldAt"}}; null where there is
    /// none. state is starting, live, waiting, paused, stopped or unowned
    List,
    /// Tell all of one or of all, and what could not be taken in and why
    ///
    /// --json: as `projections list`, with {"keys": [{"key", "events", "position", "type", "reason", "since"}]}; where contexts have logs of
    /// their own, then a line for each of these: {"log", "state", "reason", "position", "head", "lagEvents", "lagIsExact", "toldAt"}
    Status {
        /// The read model, such as booking [default: all]
        #[arg(value_parser = named)]
        name: Option<ProjectionName>,
    },
    /// Make the rows of read models anew from the whole log, and switch to them
    ///
    /// Reads and writes go on meanwhile. The rows that were live are kept for `rollback` until the next rebuild. One that is
    /// cut off leaves the live rows as they are; the next one starts anew.
    ///
    /// --json: a line for each: {"name", "generation", "position", "events", "seconds", "eventsPerSecond", "deadLetters",
    /// "switchMs", "switchTries"}; with --dry-run {"name", "liveVersion", "version", "until", "liveBytes", "dropsGeneration"}
    Rebuild(rebuild::Arguments),
    /// Compare the live rows of a read model with what the log makes of them
    ///
    /// Ends with 3 when some differ, and shows the first of them. Reads and writes go on meanwhile.
    ///
    /// --json: {"name", "position", "drifted", "deadLetters", "tables": [{"name", "rows", "differences", "first": [{"live",
    /// "log"}]}]}; personal values are hidden
    Verify {
        #[command(flatten)]
        named: Named,
        /// Events a second at most, or `unlimited`; the default leaves most of the machine to commands [default: 12000]
        #[arg(long, value_name = "N", value_parser = rebuild::rate)]
        rate: Option<Rate>,
    },
    /// Go back to the rows that were live before the last rebuild, at once
    ///
    /// What the log has brought since then is taken in from there. Done twice it undoes itself.
    ///
    /// --json: {"name", "generation", "fromGeneration", "position"}
    Rollback(Named),
    /// Keep a read model where it is, in whatever process it is followed; what it shows stays readable
    ///
    /// --json: {"name", "outcome": "paused"|"paused already"}
    Pause(Named),
    /// Let a paused read model go on
    ///
    /// --json: {"name", "outcome": "resumed"|"not paused"}
    Resume(Named),
    /// Try again what a read model could not take in, and what waits behind it, in order
    ///
    /// Beside a program at work or without one. Ends with 4 when something still cannot be taken in.
    ///
    /// --json: one object for each key, {"key", "takenIn", "left", "reason"}; reason is null where nothing is left
    Retry {
        #[command(flatten)]
        named: Named,
        /// Only this key, such as `booking_01h…`, as `projections status` tells it
        #[arg(long, value_name = "KEY")]
        key: Option<StreamId>,
    },
}

/// Which read model.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Named {
    /// The read model, such as booking
    #[arg(value_parser = named)]
    name: ProjectionName,
}

/// Runs the verb.
pub(crate) async fn run(verb: ProjectionsVerb, globals: &Globals, printer: Printer) -> Result<(), Failure> {
    let config = settings(globals, None)?;
    let read = LogName::read(&config);
    let house = House::open(config, Schema::Expect, &[read]).await?;
    let log = &house.log;
    let done = match verb {
        ProjectionsVerb::List => unless_stopped(list::list(log, printer)).await,
        ProjectionsVerb::Status { name } => unless_stopped(list::status(log, name, printer)).await,
        ProjectionsVerb::Rebuild(arguments) => rebuild::run(log, arguments, printer).await,
        ProjectionsVerb::Verify { named, rate } => verify::run(log, named.name, rate, printer).await,
        ProjectionsVerb::Rollback(which) => unless_stopped(rollback::run(log, which.name, printer)).await,
        ProjectionsVerb::Pause(which) => unless_stopped(pause::run(log, which.name, Change::Pause, printer)).await,
        ProjectionsVerb::Resume(which) => unless_stopped(pause::run(log, which.name, Change::Resume, printer)).await,
        ProjectionsVerb::Retry { named, key } => unless_stopped(retry::run(log, named.name, key, printer)).await,
    };
    house.close().await?;
    done
}

pub(crate) use rebuild::rate;

/// A read model by its name.
pub(crate) fn named(text: &str) -> Result<ProjectionName, String> {
    ProjectionName::from_text(text).ok_or_else(|| {
        let known: Vec<_> = ProjectionName::ALL.iter().map(|name| name.as_str()).collect();
        format!("there is no such read model: {}", known.join(", "))
    })
}

impl From<RebuildError> for Failure {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Log(error) => error.into(),
            RebuildError::Database(_) => Self::unavailable(error.to_string()),
            RebuildError::Busy { .. }
            | RebuildError::NoFormer { .. }
            | RebuildError::UnknownVersion { .. }
            | RebuildError::LongName
            | RebuildError::SchemaExists(_) => Self::refused(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}
