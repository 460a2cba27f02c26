//! A stretch of the log through read models, into a schema of its own.

use clap::Args;
use serde::Serialize;
use tokio::sync::watch;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::event_log::{EventLog, Position, Stretch};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{Progress, Rate, Rebuild, Scratch, abandon, prepare, scratch};

use super::bounds::AsOf;
use crate::cli::failure::Failure;
use crate::cli::house::{House, Schema};
use crate::cli::logs::LogName;
use crate::cli::print::Printer;
use crate::cli::projections::{bar, named, rate};
use crate::cli::signals::unless_stopped;

/// A stretch, and where its rows go.
#[derive(Debug, Args)]
#[group(id = "one stretch")]
pub(super) struct OneStretch {
    /// Fold a stretch of the log through read models into this new schema, to look at it with SQL; drop it when you are done
    #[arg(long, value_name = "SCHEMA", required = false, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    into: String,
    /// Read models [default: all]
    #[arg(value_name = "NAME", requires = "into", value_parser = named)]
    names: Vec<ProjectionName>,
    /// Begin after what was recorded at this instant, or with this position [default: the beginning of the log]
    #[arg(long, value_name = "TIME|POSITION", requires = "into")]
    from: Option<AsOf>,
    /// End with what was recorded at this instant, or with this position [default: the end of the log]
    #[arg(long, value_name = "TIME|POSITION", requires = "into")]
    to: Option<AsOf>,
    /// Events a second at most, or `unlimited`; the default leaves most of the machine to commands [default: 12000]
    #[arg(long, value_name = "N", requires = "into", value_parser = rate)]
    rate: Option<Rate>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    name: &'static str,
    schema: &'a str,
    tables: &'a [&'static str],
    position: u64,
    dead_letters: usize,
}

/// Runs the verb.
pub(super) async fn run(asked: OneStretch, config: Config, printer: Printer) -> Result<(), Failure> {
    let read = LogName::read(&config);
    let house = House::open(config, Schema::Expect, &[read]).await?;
    let done = fold(&house.log, asked, printer).await;
    house.close().await?;
    done
}

async fn fold(log: &EventLog, asked: OneStretch, printer: Printer) -> Result<(), Failure> {
    let head = log.head().await?;
    let until = place(log, asked.to, head).await?.min(head);
    let after = match asked.from {
        Some(AsOf::Place(first)) => Position(first.0.saturating_sub(1)),
        from => place(log, from, Position::START).await?,
    };
    let mut names = if asked.names.is_empty() { ProjectionName::ALL.to_vec() } else { asked.names };
    names.sort_unstable();
    names.dedup();
    let how = Rebuild::default();
    let how = Rebuild { rate: asked.rate.unwrap_or(how.rate), ..how };
    let progress = watch::Sender::new(Progress::START);
    prepare(log, &asked.into).await?;
    let folding = scratch(log, &names, Stretch { after, until }, (&asked.into, how), &progress);
    let made = tokio::select! {
        made = unless_stopped(async { Ok(folding.await) }) => made,
        () = bar::show(progress.subscribe(), printer) => unreachable!("it is shown for as long as it is polled"),
    };
    let made = match made {
        Ok(made) => made?,
        Err(_stopped) => {
            abandon(log, &asked.into).await?;
            return Err(Failure::failed("interrupted: nothing is left of it, run it again to begin anew"));
        }
    };
    made.iter().try_for_each(|made| print(made, &asked.into, printer))
}

async fn place(log: &EventLog, asked: Option<AsOf>, otherwise: Position) -> Result<Position, Failure> {
    Ok(match asked {
        Some(AsOf::Moment(moment)) => log.position_by(moment).await?,
        Some(AsOf::Place(position)) => position,
        None => otherwise,
    })
}

fn print(made: &Scratch, schema: &str, printer: Printer) -> Result<(), Failure> {
    let Scratch { name, tables, position, dead_letters } = made;
    if printer.is_json() {
        let (position, dead_letters) = (position.0, *dead_letters);
        return Ok(printer.json(&Done { name, schema, tables, position, dead_letters })?);
    }
    let tables: Vec<_> = tables.iter().map(|table| format!("{schema}.{table}")).collect();
    printer.line(format!("{name} as of {position}: {}.", tables.join(", ")))?;
    if *dead_letters > 0 {
        printer.line(format!("{name}: {dead_letters} events could not be taken in, or wait behind such."))?;
    }
    Ok(())
}
