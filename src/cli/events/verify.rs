//! `events verify`.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::Instant;
use traveladvisor_commands::engine::audit::{Audit, Damage, Finding, audit_of};
use traveladvisor_domain::context::Contexts;
use traveladvisor_infra::event_log::{EventLog, Position};

use crate::cli::failure::Failure;
use crate::cli::print::Printer;
use crate::cli::signals::unless_stopped;

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    head: String,
    delivered_to: String,
    events: u64,
    streams: u64,
    messages: u64,
    set_aside: u64,
    wakeups: u64,
    damage: Vec<Count>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct Found<'a> {
    kind: &'static str,
    position: Option<String>,
    stream: Option<String>,
    what: &'a str,
}

/// Runs the verb.
pub(super) async fn run(log: &EventLog, contexts: Contexts, printer: Printer) -> Result<(), Failure> {
    let audit = unless_stopped(async { Ok(audit_of(log, contexts, progress(printer)).await?) }).await?;
    if printer.is_json() {
        printer.json(&report(&audit))?;
    } else {
        print(&audit, printer)?;
    }
    if audit.is_clean() { Ok(()) } else { Err(Failure::damage_told()) }
}

fn counts(audit: &Audit) -> Vec<Count> {
    let counts = Damage::ALL.into_iter().zip(audit.counts).filter(|(_, count)| *count > 0);
    counts.map(|(damage, count)| Count { kind: damage.as_str(), count }).collect()
}

fn report(audit: &Audit) -> Report<'_> {
    let found =
        |finding: &Finding| (finding.position.map(|at| at.to_string()), finding.stream.map(|id| id.to_string()));
    let findings = audit.findings.iter().map(|finding| {
        let (position, stream) = found(finding);
        Found { kind: finding.damage.as_str(), position, stream, what: &finding.what }
    });
    Report {
        head: audit.head.to_string(),
        delivered_to: audit.delivered_to.to_string(),
        events: audit.events,
        streams: audit.streams,
        messages: audit.messages,
        set_aside: audit.set_aside,
        wakeups: audit.wakeups,
        damage: counts(audit),
        findings: findings.collect(),
    }
}

fn print(audit: &Audit, printer: Printer) -> Result<(), Failure> {
    for Finding { damage, position, stream, what } in &audit.findings {
        let place = [position.map(|at| format!("position {at}")), stream.map(|id| id.to_string())];
        let place: Vec<String> = place.into_iter().flatten().collect();
        printer.line(format!("{}: {}: {what}", damage.as_str(), place.join(", ")))?;
    }
    let Audit { head, delivered_to, events, streams, messages, set_aside, wakeups, .. } = audit;
    printer.line(format!("{events} events of {streams} streams up to position {head}."))?;
    printer.line(format!("{messages} messages up to position {delivered_to}, {set_aside} of them set aside."))?;
    printer.line(format!("{wakeups} wake-ups compared with their streams."))?;
    let damage: Vec<String> = counts(audit).iter().map(|Count { kind, count }| format!("{count} {kind}")).collect();
    if damage.is_empty() {
        return Ok(printer.line("Nothing is wrong.")?);
    }
    Ok(printer.line(format!("Damaged: {}. The first of each kind are told above.", damage.join(", ")))?)
}

/// Where the check stands: a bar on a terminal, a line now and then otherwise.
fn progress(printer: Printer) -> impl FnMut(Position, Position) {
    let bar = printer.shows_bars().then(|| {
        let style = ProgressStyle::with_template("checking {bar:40} {pos}/{len}  {msg}");
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let begun = Instant::now();
    let mut told = begun;
    move |through, head| {
        let seconds = begun.elapsed().as_secs_f64().max(0.001);
        let per_s = f64::from(u32::try_from(through.0).unwrap_or(u32::MAX)) / seconds;
        if let Some(bar) = &bar {
            bar.set_length(head.0);
            bar.set_position(through.0);
            let left = u32::try_from(head.0.saturating_sub(through.0)).unwrap_or(u32::MAX);
            let left = Duration::from_secs_f64(f64::from(left) / per_s.max(1.0));
            bar.set_message(format!("{per_s:.0} positions/s, {} left", HumanDuration(left)));
            if through >= head {
                bar.finish_and_clear();
            }
        } else if told.elapsed() >= LINE_EVERY {
            told = Instant::now();
            printer.hint(format!("checked {through} of {head}, {per_s:.0} positions/s"));
        }
    }
}
