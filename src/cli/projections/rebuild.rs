//! `projections rebuild`.

use std::num::{NonZeroU32, NonZeroUsize};

use clap::Args;
use serde::Serialize;
use tokio::sync::watch;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{
    Plan, Progress, REBUILD_WORKERS_MAX, Rate, Rebuild, Rebuilt, clear, plan, rebuild,
};

use super::{bar, named};
use crate::cli::failure::Failure;
use crate::cli::print::Printer;
use crate::cli::signals::unless_stopped;

/// What to make anew, and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Read models, such as booking; several are made in one pass over the log
    #[arg(required = true, value_name = "NAME", value_parser = named)]
    names: Vec<ProjectionName>,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Threads that decode events [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = workers)]
    workers: Option<NonZeroUsize>,
    /// Events a second at most, or `unlimited`; the default leaves most of the machine to commands [default: 12000]
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<Rate>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    name: &'static str,
    live_version: Option<u32>,
    version: u32,
    until: u64,
    live_bytes: u64,
    drops_generation: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: &'static str,
    generation: u64,
    position: u64,
    events: u64,
    seconds: f64,
    events_per_second: f64,
    dead_letters: usize,
    switch_ms: f64,
    switch_tries: u32,
}

/// Runs the verb.
pub(super) async fn run(log: &EventLog, arguments: Arguments, printer: Printer) -> Result<(), Failure> {
    let mut names = arguments.names;
    names.sort_unstable();
    names.dedup();
    if arguments.dry_run {
        return dry_run(log, &names, printer).await;
    }
    let mut how = Rebuild::default();
    how.workers = arguments.workers.unwrap_or(how.workers);
    how.rate = arguments.rate.unwrap_or(how.rate);
    let progress = watch::Sender::new(Progress::START);
    let shown = bar::show(progress.subscribe(), printer);
    let rebuilding = unless_stopped(async { Ok(rebuild(log, &names, how, &progress).await) });
    let rebuilt = tokio::select! {
        rebuilt = rebuilding => rebuilt,
        () = shown => unreachable!("it is shown for as long as it is polled"),
    };
    match rebuilt {
        Ok(rebuilt) => rebuilt?.iter().try_for_each(|done| print(done, printer)),
        Err(_stopped) => {
            clear(log, &names).await?;
            Err(Failure::failed(
                "interrupted: the live rows are as they were, or switched already; run it again to begin anew",
            ))
        }
    }
}

fn print(done: &Rebuilt, printer: Printer) -> Result<(), Failure> {
    let per_s = f64::from(u32::try_from(done.events).unwrap_or(u32::MAX)) / done.seconds.max(0.001);
    if printer.is_json() {
        return Ok(printer.json(&Done {
            name: done.name,
            generation: done.generation,
            position: done.position.0,
            events: done.events,
            seconds: done.seconds,
            events_per_second: per_s,
            dead_letters: done.dead_letters,
            switch_ms: done.switch_ms,
            switch_tries: done.switch_tries,
        })?);
    }
    printer.line(format!(
        "{}: generation {} is live at {}: {} events in {:.1} s ({per_s:.0}/s), switched in {:.1} ms.",
        done.name, done.generation, done.position, done.events, done.seconds, done.switch_ms
    ))?;
    if done.dead_letters > 0 {
        printer.line(format!(
            "{}: {} events could not be taken in or wait behind such: see `traveladvisor projections status {}`.",
            done.name, done.dead_letters, done.name
        ))?;
    }
    Ok(())
}

async fn dry_run(log: &EventLog, names: &[ProjectionName], printer: Printer) -> Result<(), Failure> {
    for name in names {
        let Plan { name, live_version, version, until, live_bytes, drops_generation } = plan(log, *name).await?;
        if printer.is_json() {
            let until = until.0;
            printer.json(&Planned { name, live_version, version, until, live_bytes, drops_generation })?;
            continue;
        }
        let live = live_version.map_or("none".to_owned(), |live| format!("version {live}"));
        printer.line(format!(
            "{name}: would read the log up to {until} and replace rows of {live} ({live_bytes} bytes with indexes) by rows of version {version}."
        ))?;
        if let Some(generation) = drops_generation {
            printer.line(format!("{name}: the former rows of generation {generation} would go."))?;
        }
    }
    Ok(())
}

/// Events a second, or as many as can be.
pub(crate) fn rate(text: &str) -> Result<Rate, String> {
    if text == "unlimited" {
        return Ok(Rate::Unlimited);
    }
    let rate: NonZeroU32 = text.parse().map_err(|_| "a number of events from 1, or `unlimited`".to_owned())?;
    Ok(Rate::PerSecond(rate.get()))
}

/// Threads that decode: each holds a page of the log.
fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let workers: NonZeroUsize = text.parse().map_err(|_| format!("a number from 1 to {REBUILD_WORKERS_MAX}"))?;
    let is_few = workers.get() <= REBUILD_WORKERS_MAX;
    is_few
        .then_some(workers)
        .ok_or_else(|| format!("at most {REBUILD_WORKERS_MAX}: each holds a page of the log in memory"))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};
    use traveladvisor_projections::runtime::rebuild::REBUILD_RATE_DEFAULT;

    use super::Arguments;

    #[test]
    fn the_help_tells_the_rate_that_is_kept() {
        let help = Arguments::augment_args(Command::new("rebuild")).render_long_help().to_string();
        assert!(help.contains(&format!("[default: {REBUILD_RATE_DEFAULT}]")), "{help}");
    }
}
