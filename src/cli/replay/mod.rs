//! `replay`: a stream step by step, with what each event changes in the state; or a stretch of the log through read models.

mod bounds;
mod changes;
mod state;
mod step;
mod stream;
mod stretch;

use clap::Args;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::config::Config;

use self::bounds::{AsOf, Bounds};
use super::events::Sight;
use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::print::Printer;
use super::signals::unless_stopped;

/// What is replayed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    stream: Option<OneStream>,
    #[command(flatten)]
    stretch: Option<stretch::OneStretch>,
    /// The log that the stream is in, where there are several: booking, hotel, flight, car, payment, member or read [default: booking]
    #[arg(long, value_name = "NAME", conflicts_with = "into")]
    log: Option<LogName>,
    #[command(flatten)]
    sight: Sight,
}

/// One stream, and how much of it.
#[derive(Debug, Args)]
#[group(id = "one stream")]
struct OneStream {
    /// Kind of the stream: booking, `trip_saga`, hotel, flight, car, payment, `dead_letter`, member,
    /// `email_claim`, `points_account`, campaign, reward or programme
    #[arg(long, value_name = "KIND", required = false, requires = "id")]
    aggregate: StreamKind,
    /// The stream, such as `hotel_01h…`; saga and payment of a trip also by the booking's id, a points account by the member's
    #[arg(long, value_name = "ID", required = false, requires = "aggregate")]
    id: StreamId,
    /// Show the steps from this one on only; those before it are gone through silently
    #[arg(long, value_name = "N", requires = "aggregate", value_parser = clap::value_parser!(u64).range(1..))]
    from_sequence: Option<u64>,
    /// End with this step
    #[arg(long, value_name = "N", requires = "aggregate", value_parser = clap::value_parser!(u64).range(1..))]
    to_sequence: Option<u64>,
    /// End with what was recorded at this instant (UTC unless an offset stands there), or stands at this position of the log
    #[arg(long, value_name = "TIME|POSITION", requires = "aggregate")]
    as_of: Option<AsOf>,
}

impl OneStream {
    fn stream(&self) -> Result<StreamId, Failure> {
        let Self { aggregate, id, .. } = self;
        // Streams that bear the UUID of another one.
        let (also, beside) = match aggregate {
            StreamKind::TripSaga | StreamKind::Payment => (Some(StreamKind::Booking), ", or the booking's id"),
            StreamKind::PointsAccount => (Some(StreamKind::Member), ", or the member's id"),
            _ => (None, ""),
        };
        if id.kind == *aggregate || Some(id.kind) == also {
            return Ok(StreamId::new(*aggregate, id.uuid));
        }
        Err(Failure::usage(format!("{id} is no {0} id: --aggregate {0} takes {0}_…{beside}", aggregate.as_str())))
    }
}

/// Runs the verb.
pub(crate) async fn run(arguments: Arguments, config: Config, printer: Printer) -> Result<(), Failure> {
    let asked = match (arguments.stream, arguments.stretch) {
        (Some(stream), None) => stream,
        (None, Some(stretch)) => return stretch::run(stretch, config, printer).await,
        _ => return Err(Failure::usage("say what to replay: --aggregate KIND --id ID, or --into SCHEMA")),
    };
    let stream = asked.stream()?;
    let name = LogName::asked(&config, arguments.log, printer)?;
    let house = House::open(config, Schema::Expect, &[name]).await?;
    let done = unless_stopped(async {
        let bounds =
            Bounds::of(&house.log, stream, (asked.from_sequence.unwrap_or(1), asked.to_sequence), asked.as_of).await?;
        stream::run(&house.log, stream, &bounds, arguments.sight, printer).await
    })
    .await;
    house.close().await?;
    done
}
