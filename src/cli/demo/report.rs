//! Tells what the demo did.

use std::net::SocketAddr;

use chrono::{DateTime, Days};
use serde::Serialize;
use serde_json::Value;

use super::Done;
use super::checks::Check;
use super::trips::Trip;
use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table};

#[derive(Serialize)]
struct Report<'a> {
    trips: &'a [Trip],
    checks: &'a [Check],
}

/// Where the demo plays.
pub(super) struct Stage {
    /// Address of the server.
    pub(super) url: String,
    /// What a later call must name to find the same data: empty, or ` --data-dir DIR`.
    pub(super) data_dir: String,
    /// Where it listens.
    pub(super) listen: SocketAddr,
    /// Whether it goes on serving.
    pub(super) serves: bool,
}

/// Prints trips and checks, then how to go on.
pub(super) fn print(done: &Done, stage: &Stage, printer: Printer) -> Result<(), Failure> {
    if printer.is_json() {
        return Ok(printer.json(&Report { trips: &done.booked.trips, checks: &done.checks })?);
    }
    for trip in &done.booked.trips {
        print_trip(trip, printer)?;
    }
    print_checks(&done.checks, printer)?;
    go_on(done, stage, printer)
}

fn print_trip(trip: &Trip, printer: Printer) -> Result<(), Failure> {
    printer.line("")?;
    printer.line(format!("{}   {}   {}", title(trip.name), trip.status, trip.booking_id))?;
    let mut rows = table(&["at", "position", "event", "what happened"]);
    for entry in trip.timeline.as_array().into_iter().flatten() {
        let word = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        rows.add_row([time(&entry["at"]), word("position"), word("type"), word("summary")]);
    }
    Ok(printer.line(rows.trim_fmt())?)
}

fn title(name: &str) -> &'static str {
    match name {
        "approved" => "A full trip",
        "car_sold_out" => "A trip whose car is sold out",
        "card_declined" => "A trip whose card is declined",
        "paid_with_points" => "A trip that a new member pays with points",
        _ => "A trip that its traveller cancels",
    }
}

fn time(at: &Value) -> String {
    let instant = at.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    instant.map(|at| at.format("%H:%M:%S%.3f").to_string()).unwrap_or_default()
}

fn print_checks(checks: &[Check], printer: Printer) -> Result<(), Failure> {
    printer.line("")?;
    printer.line("Checked against the log")?;
    let mut rows = table(&["", "check", "found"]);
    for check in checks {
        rows.add_row([if check.ok { "ok" } else { "NO" }, check.name, check.found.as_str()]);
    }
    Ok(printer.line(rows.trim_fmt())?)
}

fn go_on(done: &Done, stage: &Stage, printer: Printer) -> Result<(), Failure> {
    let (check_in, check_out) = (done.plan.check_in(), done.plan.check_in() + Days::new(2));
    let Stage { url, data_dir, listen, serves } = stage;
    printer.line("")?;
    if *serves {
        printer.line(format!("Serving {url}/graphql until Ctrl-C. To go on, paste:"))?;
    } else {
        printer.line("To go on, keep it running with:")?;
        printer.line(format!("  traveladvisor demo --serve{data_dir} --listen {listen}"))?;
        printer.line("and paste:")?;
    }
    printer.line(format!("  curl -s {url}/graphql -H 'content-type: application/json' -d '{{\"query\":"))?;
    printer.line(format!(
        "  \"{{ hotels(filter: {{city: \\\"Washington\\\", checkIn: \\\"{check_in}\\\", checkOut: \\\"{check_out}\\\"}}) \
         {{ nodes {{ id name roomTypes {{ code roomsLeft total {{ amount }} }} }} }} }}\"}}'"
    ))?;
    printer.line("What was just written to the log:")?;
    Ok(printer.line(format!("  traveladvisor events tail{data_dir}"))?)
}
