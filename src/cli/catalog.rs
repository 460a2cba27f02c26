//! `catalog import`: list hotels, flights, cars and campaigns from files.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use traveladvisor_commands::catalog::{self, CatalogueItem, ImportReport, Line, Progress, Tally};
use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::{CallerCommand, Deciders, Rejection, Request};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::together::Together;
use traveladvisor_infra::config::Mode;

use super::failure::Failure;
use super::house::{House, SANDBOX_START, Schema};
use super::logs::LogName;
use super::print::Printer;
use super::running::Engines;
use super::signals::unless_stopped;
use super::{Globals, Listening, Sandbox, settings};

/// Who imports, in the events' metadata.
const ACTOR: &str = "catalog import";
/// How often an item is submitted at most while the engine is busy.
const TRIES_MAX: u32 = 50;
/// Pause before an item is submitted again.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Plain progress lines of an import.
const PLAIN_LINES: usize = 4;

/// Verbs of the catalogue.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogVerb {
    /// Import a file or a folder
    ///
    /// Understood are the reference catalogue's SQL files, the CSV of New York departures, and JSON Lines of the API's
    /// upsert inputs. Doing it again changes nothing. Ends with 1 when a line was bad; the good ones are imported.
    /// The sandbox dates listings 2024-12-01 unless told otherwise, so that the demo can book them afterwards.
    ///
    /// --json: {"listed", "changed", "unchanged", "hotels": {"changed", "unchanged"}, "flights", "cars",
    /// "campaigns", "rejected": [{"file", "line", "reason"}]}
    Import {
        /// The file or folder
        path: PathBuf,
        #[command(flatten)]
        sandbox: Sandbox,
    },
}

/// Runs the verb.
pub(crate) async fn run(verb: CatalogVerb, globals: &Globals, printer: Printer) -> Result<(), Failure> {
    let CatalogVerb::Import { path, sandbox } = verb;
    let mut config = settings(globals, Some(&Listening { listen: None, sandbox }))?;
    if config.mode == Mode::Sandbox {
        config.clock = config.clock.or(Some(SANDBOX_START));
    }
    let lines = catalog::read(&path).map_err(|error| Failure::failed(error.to_string()))?;
    // Listings are decided on by whoever owns them, whatever else this process may do.
    config.roles.clear();
    let logs = LogName::decided(&config);
    let house = House::open(config, Schema::Migrate, &logs).await?;
    let imported = unless_stopped(import(&house, lines, printer)).await;
    house.close().await?;
    let report = imported?;
    print(&report, printer)?;
    if report.rejected.is_empty() { Ok(()) } else { Err(Failure::told()) }
}

/// Imports through engines of its own, which deliver nothing: listings cause no messages.
async fn import(house: &House, lines: Vec<Line>, printer: Printer) -> Result<ImportReport, Failure> {
    let engines = Engines::start(house, Delivery::Elsewhere).await?;
    let deciders = engines.deciders(&house.config)?;
    let report = import_through(&deciders, lines, printer).await;
    drop(deciders);
    engines.stop().await;
    Ok(report)
}

/// Imports through engines that run.
pub(crate) async fn import_through(deciders: &Deciders, lines: Vec<Line>, printer: Printer) -> ImportReport {
    let show = progress(printer);
    catalog::import(lines, |item| submit(deciders, item), show).await
}

async fn submit(deciders: &Deciders, item: CatalogueItem) -> Result<bool, String> {
    let command = match item {
        CatalogueItem::Hotel(details) => CallerCommand::UpsertHotel(details),
        CatalogueItem::Flight(details) => CallerCommand::UpsertFlight(details),
        CatalogueItem::Car(details) => CallerCommand::UpsertCar(details),
        CatalogueItem::Campaign(details) => CallerCommand::Together(Together::ListCampaign(details)),
    };
    let request = Request {
        command,
        caller: ACTOR.to_owned(),
        idempotency: None,
        expected_version: None,
        traceparent: None,
        request_id: None,
    };
    let mut tries = 1;
    loop {
        match deciders.submit(request.clone()).await {
            Ok(receipt) => return Ok(receipt.changed),
            Err(rejection) if passes(&rejection) && tries < TRIES_MAX => tries += 1,
            Err(rejection) => return Err(rejection.message),
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// Whether the same item may be taken a moment later: listing it twice is harmless.
const fn passes(rejection: &Rejection) -> bool {
    matches!(rejection.code, Code::Overloaded | Code::Conflict | Code::Unavailable)
}

fn progress(printer: Printer) -> Box<dyn FnMut(Progress)> {
    if printer.shows_bars() {
        let bar = ProgressBar::new(0).with_style(
            ProgressStyle::with_template("importing {bar:40} {pos}/{len} lines")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        return Box::new(move |now| {
            bar.set_length(now.total as u64);
            bar.set_position(now.done as u64);
            if now.done == now.total {
                bar.finish_and_clear();
            }
        });
    }
    Box::new(move |now| {
        let step = now.total.div_ceil(PLAIN_LINES).max(1);
        if now.done > 0 && (now.done.is_multiple_of(step) || now.done == now.total) {
            printer.hint(format!("imported {} of {} lines", now.done, now.total));
        }
    })
}

#[derive(Serialize)]
struct Counts {
    changed: u64,
    unchanged: u64,
}

#[derive(Serialize)]
struct Rejected<'a> {
    file: &'a str,
    line: u64,
    reason: &'a str,
}

#[derive(Serialize)]
struct Report<'a> {
    listed: u64,
    changed: u64,
    unchanged: u64,
    hotels: Counts,
    flights: Counts,
    cars: Counts,
    campaigns: Counts,
    rejected: Vec<Rejected<'a>>,
}

const fn counts(tally: Tally) -> Counts {
    Counts { changed: tally.changed, unchanged: tally.unchanged }
}

fn print(report: &ImportReport, printer: Printer) -> Result<(), Failure> {
    if printer.is_json() {
        let rejected = report
            .rejected
            .iter()
            .map(|line| Rejected { file: &line.file, line: line.line, reason: &line.reason })
            .collect();
        return Ok(printer.json(&Report {
            listed: report.listed(),
            changed: report.changed(),
            unchanged: report.unchanged(),
            hotels: counts(report.hotels),
            flights: counts(report.flights),
            cars: counts(report.cars),
            campaigns: counts(report.campaigns),
            rejected,
        })?);
    }
    for line in &report.rejected {
        printer.line(format!("{}:{}: {}", line.file, line.line, line.reason))?;
    }
    let tallies = [
        ("hotels", report.hotels),
        ("flights", report.flights),
        ("cars", report.cars),
        ("campaigns", report.campaigns),
    ];
    for (name, tally) in tallies {
        printer.line(format!("{name:<9} {:>6} changed {:>6} unchanged", tally.changed, tally.unchanged))?;
    }
    Ok(printer.line(format!(
        "{} listed: {} changed, {} unchanged, {} lines rejected.",
        report.listed(),
        report.changed(),
        report.unchanged(),
        report.rejected.len()
    ))?)
}
