//! `sagas show`: the page for whoever is called at three in the morning.

use chrono::{DateTime, TimeDelta, Utc};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip_saga::attention::Verb;
use traveladvisor_projections::views::{BookingView, SagaView, Story};

use super::left::to_settle;
use super::open::Open;
use super::record::{Whole, instant, verbs, waits_for};
use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::print::{Printer, table};

/// A wake-up that is due for longer than this was missed: whoever delivers fires it within a second.
const OVERDUE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Prints where a saga stands, what it waits for, what happened, and what can be done, as of the log's own time.
pub(super) async fn run(
    house: &House,
    booking: BookingId,
    now: DateTime<Utc>,
    printer: Printer,
) -> Result<(), Failure> {
    let open = Open::at_the_logs_end(house).await?;
    let bare = open.reads.without_history();
    let (saga, trip) = (bare.saga(booking).await, bare.booking(booking).await);
    let story = open.reads.story(booking).await;
    drop(bare);
    open.close().await;
    let Some((saga, trip)) = saga?.zip(trip?) else {
        return Err(Failure::refused(format!("there is no trip {booking}: check the id")));
    };
    let story = story?;
    if printer.is_json() {
        return Ok(printer.json(&Whole::of(&saga, &trip, &story))?);
    }
    heading(&saga, now, printer)?;
    steps(&saga, printer)?;
    happened(booking, &story, printer)?;
    next(&saga, &trip, printer)
}

fn heading(saga: &SagaView, now: DateTime<Utc>, printer: Printer) -> Result<(), Failure> {
    let need = if saga.needs_attention() { "   needs an operator" } else { "" };
    printer.line(format!("{}   {}{need}", saga.booking, saga.status.as_str()))?;
    printer.line(format!("  now          {} UTC", instant(Some(now))))?;
    printer.line(format!("  asked for    {}, by definition {}", instant(Some(saga.created_at)), saga.definition))?;
    if let Some(waiting) = saga.waiting {
        let (what, since) = (waits_for(saga), instant(Some(waiting.since)));
        printer.line(format!("  waits for    {what}, try {} since {since}", waiting.attempt))?;
    }
    if let Some(due) = saga.next_wake_up {
        let asked = saga.waiting.is_some_and(|waiting| waiting.for_answer);
        let then = match asked {
            _ if now - due > OVERDUE_AFTER => "which is over: nobody delivers, see `traveladvisor doctor`",
            true => "unless it is answered before",
            false => "then it is tried again by itself",
        };
        printer.line(format!("  next wake-up {}, {then}", instant(Some(due))))?;
    }
    if let Some(reason) = &saga.reason {
        printer.line(format!("  because      {reason}"))?;
    }
    if let Some(attention) = &saga.attention {
        printer.line(format!("  operator     needed since {}", instant(Some(attention.since))))?;
        printer.line(format!("  fingerprint  {}", attention.fingerprint))?;
    }
    Ok(printer.line("")?)
}

fn steps(saga: &SagaView, printer: Printer) -> Result<(), Failure> {
    let mut rows = table(&["step", "state", "tries", "began", "ended", "last error"]);
    for step in &saga.steps {
        let name = step.step.as_str().to_owned();
        let (began, ended) = (instant(step.started_at), instant(step.ended_at));
        let error = step.last_error.clone().unwrap_or_default();
        rows.add_row([name, step.state.as_str().to_owned(), step.attempts.to_string(), began, ended, error]);
    }
    printer.line(rows.trim_fmt())?;
    Ok(printer.line("")?)
}

fn happened(booking: BookingId, story: &Story, printer: Printer) -> Result<(), Failure> {
    let mut rows = table(&["at", "position", "event", "what happened"]);
    for (place, entry) in story.entries().enumerate() {
        if story.left_out > 0 && place == story.first.len() {
            let left_out = format!("{} lines are left out here", story.left_out);
            rows.add_row([String::new(), String::new(), "…".to_owned(), left_out]);
        }
        let (position, event) = (entry.position.to_string(), entry.event_type.clone());
        rows.add_row([instant(Some(entry.at)), position, event, entry.for_operators()]);
    }
    printer.line(rows.trim_fmt())?;
    if story.left_out > 0 {
        printer.line(format!("{} lines are left out. All of them, stream by stream:", story.left_out))?;
        for stream in [booking.saga(), booking.payment(), booking.stream()] {
            printer.line(format!("  traveladvisor events show {stream}"))?;
        }
    }
    Ok(printer.line("")?)
}

fn next(saga: &SagaView, trip: &BookingView, printer: Printer) -> Result<(), Failure> {
    let verbs = verbs(saga);
    let to_settle = to_settle(saga, trip);
    if !to_settle.is_empty() {
        printer.line("What was given up is left as it is. Settle it by hand:")?;
        to_settle.iter().try_for_each(|left| printer.line(format!("  {left}")))?;
    }
    if verbs.is_empty() && saga.waiting.is_none() && !to_settle.is_empty() {
        return Ok(printer.line("It has ended: no verb is taken any more.")?);
    }
    if verbs.is_empty() {
        let nothing = if saga.waiting.is_some() { "It goes on by itself." } else { "It has ended." };
        return Ok(printer.line(format!("{nothing} Nothing is to be done."))?);
    }
    printer.line("What can be done now:")?;
    let reason = saga.attention.as_ref().map(|attention| attention.fingerprint.as_str());
    let expecting = reason.map_or_else(String::new, |reason| format!(" --expecting {reason}"));
    for verb in verbs {
        let reference = if verb == Verb::MarkDone { " --reference REFERENCE" } else { "" };
        let (verb_name, booking) = (verb.as_str(), saga.booking);
        let command = format!("traveladvisor sagas {verb_name} {booking}{reference}{expecting} --reason TEXT");
        printer.line(format!("  {command}"))?;
        printer.line(format!("      {}", meaning(verb)))?;
    }
    if let Some(reason) = reason {
        printer.line(format!("All that wait for the same: traveladvisor sagas list --fingerprint {reason}"))?;
    }
    Ok(())
}

const fn meaning(verb: Verb) -> &'static str {
    match verb {
        Verb::Retry => "tries it again now",
        Verb::MarkDone => "the charge was made: REFERENCE is the gateway's; the trip goes on",
        Verb::MarkUndone => "it surely does not stand: never charged, or given back by other means",
        Verb::GiveUp => "leaves it as it is; the earlier steps are taken back, then the saga has failed",
    }
}
