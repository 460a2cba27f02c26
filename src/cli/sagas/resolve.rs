//! `sagas retry`, `mark-done`, `mark-undone`, `give-up`: one decision, recorded for each trip by itself.

use futures::StreamExt;
use serde::Serialize;
use traveladvisor_commands::engine::{Delivery, Engine};
use traveladvisor_commands::{CallerCommand, Receipt, Rejection, Request};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::reads::{PAGE_ITEMS_MAX, Page, SagaFilter};

use super::decide::{Decision, Target};
use super::open::Open;
use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::operator::{agrees, ended, follow_up, outcome, submit};
use crate::cli::print::Printer;
use crate::cli::running::start;

/// Most trips that one call decides on.
const DECIDED_MAX: usize = 10_000;
/// What shows the outcome.
const LOOK: &str = "sagas show";
/// How many are handed to the engine at once.
const AT_ONCE: usize = 16;
/// What became of the verb on one trip; its JSON is part of the program's contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    booking_id: String,
    verb: &'static str,
    outcome: &'static str,
    position: Option<String>,
    code: Option<Code>,
    message: Option<String>,
}

/// Records the decision through an engine of its own, which delivers nothing: what follows is done by the program that serves.
pub(super) async fn run(house: &House, decision: Decision, printer: Printer) -> Result<(), Failure> {
    let (trips, more) = trips(house, &decision, printer).await?;
    let (engine, running) = start(house, Context::Booking, &house.log, Delivery::Elsewhere).await?;
    let mut jobs = Vec::with_capacity(trips.len());
    for booking in trips {
        jobs.push(decide(&engine, booking, &decision));
    }
    let decided: Vec<Decided> = futures::stream::iter(jobs).buffered(AT_ONCE).collect().await;
    drop(engine);
    running.stop().await;
    let codes = decided.iter().map(|decided| tell(decided, printer)).collect::<Result<Vec<_>, _>>()?;
    if more {
        printer.hint(format!("More than {DECIDED_MAX} wait for this reason: say it again for the rest."));
    }
    if codes.iter().any(Option::is_none) {
        follow_up(&house.log, LOOK, printer).await?;
    }
    ended(codes.into_iter().flatten(), LOOK)
}

/// The trips to decide on, who waits longest first, and whether more are left.
async fn trips(house: &House, decision: &Decision, printer: Printer) -> Result<(Vec<BookingId>, bool), Failure> {
    let (fingerprint, yes) = match &decision.target {
        Target::Trips(trips) => return Ok((trips.clone(), false)),
        Target::Reason { fingerprint, yes } => (fingerprint, *yes),
    };
    let open = Open::at_the_logs_end(house).await?;
    let found = waiting(&open, fingerprint).await;
    open.close().await;
    let (trips, count) = found?;
    let verb = decision.resolution.verb().as_str();
    printer.hint(format!("{verb}: {count} waiting for {fingerprint}"));
    if trips.len() > 1 && !yes && !agrees(verb, count)? {
        return Err(Failure::usage(format!("{count} would be decided on: say --yes to do so")));
    }
    let more = count > trips.len() as u64;
    Ok((trips, more))
}

async fn waiting(open: &Open, fingerprint: &str) -> Result<(Vec<BookingId>, u64), Failure> {
    let filter = SagaFilter { fingerprint: Some(fingerprint.to_owned()), ..SagaFilter::default() };
    let (mut trips, mut after) = (Vec::new(), None);
    while trips.len() < DECIDED_MAX {
        let page = Page::first(PAGE_ITEMS_MAX.min(DECIDED_MAX - trips.len())).after(after);
        let slice = open.reads.without_history().sagas(&filter, &page).await?;
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
        trips.extend(slice.items.iter().map(|(_, saga)| saga.booking));
        if !slice.has_next {
            break;
        }
    }
    Ok((trips, open.reads.sagas_waiting_for(fingerprint).await?))
}

async fn decide(engine: &Engine, booking: BookingId, decision: &Decision) -> Decided {
    let request = Request {
        command: CallerCommand::ResolveSaga {
            booking,
            resolution: decision.resolution.clone(),
            fingerprint: decision.fingerprint.clone(),
            reason: decision.reason.clone(),
        },
        caller: decision.actor.clone(),
        idempotency: None,
        expected_version: None,
        traceparent: None,
        request_id: None,
    };
    let outcome = submit(engine, request).await;
    decided(booking, decision.resolution.verb().as_str(), outcome)
}

fn decided(booking: BookingId, verb: &'static str, answer: Result<Receipt, Rejection>) -> Decided {
    let (booking_id, outcome) = (booking.to_string(), outcome(&answer));
    match answer {
        Ok(Receipt { position, .. }) => {
            Decided { booking_id, verb, outcome, position: Some(position.to_string()), code: None, message: None }
        }
        Err(Rejection { code, message, .. }) => {
            Decided { booking_id, verb, outcome, position: None, code: Some(code), message: Some(message) }
        }
    }
}

/// Prints what became of one; gives the code of what was not recorded.
fn tell(decided: &Decided, printer: Printer) -> Result<Option<Code>, Failure> {
    if printer.is_json() {
        printer.json(decided)?;
        return Ok(decided.code);
    }
    let Decided { booking_id, verb, outcome, code, message, .. } = decided;
    let why = message.as_ref().zip(*code).map_or_else(String::new, |(message, code)| format!(": {message} ({code})"));
    printer.line(format!("{booking_id}   {verb} {outcome}{why}"))?;
    Ok(*code)
}
