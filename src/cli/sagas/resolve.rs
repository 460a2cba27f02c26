//! `sagas retry`, `mark-done`, `mark-undone`, `give-up`: one decision, recorded for each trip by itself.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;
use traveladvisor_commands::engine::{Delivery, Engine};
use traveladvisor_commands::{CallerCommand, Receipt, Rejection, Request};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::{EventLog, RELAY};
use traveladvisor_projections::reads::{PAGE_ITEMS_MAX, Page, SagaFilter};

use super::decide::{Decision, Target};
use super::open::Open;
use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::print::Printer;

/// Most trips that one call decides on.
const DECIDED_MAX: usize = 10_000;
/// How many are handed to the engine at once.
const AT_ONCE: usize = 16;
/// How often a verb is handed over at most while the engine is busy: saying it twice is harmless.
const TRIES_MAX: u32 = 50;
/// Pause before it is handed over again.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

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
    let (trips, more) = trips(&house.log, &decision, printer).await?;
    let (engine, running) = Engine::start(house.log.clone(), house.ports()?, Delivery::Elsewhere).await?;
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
        follow_up(&house.log, printer).await?;
    }
    ended(codes.into_iter().flatten())
}

/// The trips to decide on, who waits longest first, and whether more are left.
async fn trips(log: &EventLog, decision: &Decision, printer: Printer) -> Result<(Vec<BookingId>, bool), Failure> {
    let (fingerprint, yes) = match &decision.target {
        Target::Trips(trips) => return Ok((trips.clone(), false)),
        Target::Reason { fingerprint, yes } => (fingerprint, *yes),
    };
    let open = Open::at_the_logs_end(log).await?;
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

/// Asks whoever sits there; without a terminal nobody does.
fn agrees(verb: &str, count: u64) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(io::stderr(), "{verb} all {count}? [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
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
    let mut tries = 1;
    let outcome = loop {
        match engine.submit(request.clone()).await {
            Err(rejection) if passes(rejection.code) && tries < TRIES_MAX => tries += 1,
            outcome => break outcome,
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    };
    decided(booking, decision.resolution.verb().as_str(), outcome)
}

/// Whether the same may be taken a moment later.
const fn passes(code: Code) -> bool {
    matches!(code, Code::Overloaded | Code::Conflict)
}

/// Whether it was not the domain that said no.
const fn is_fault(code: Code) -> bool {
    passes(code) || matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Internal)
}

fn decided(booking: BookingId, verb: &'static str, outcome: Result<Receipt, Rejection>) -> Decided {
    let booking_id = booking.to_string();
    match outcome {
        Ok(Receipt { changed, position, .. }) => {
            let outcome = if changed { "recorded" } else { "so already" };
            Decided { booking_id, verb, outcome, position: Some(position.to_string()), code: None, message: None }
        }
        Err(Rejection { code, message, .. }) => {
            let outcome = if is_fault(code) { "not taken" } else { "refused" };
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

/// Who carries on what was recorded.
async fn follow_up(log: &EventLog, printer: Printer) -> Result<(), Failure> {
    let is_delivering = log.owners().await?.iter().any(|owner| owner.name == RELAY && owner.held.is_some());
    printer.hint(if is_delivering {
        "What was recorded is carried on by the program that serves: see `traveladvisor sagas show`."
    } else {
        "What was recorded stands; no program serves now, and the next `traveladvisor serve` carries it on."
    });
    Ok(())
}

/// Ends with what is worst: a service that is away, then a refusal.
fn ended(codes: impl Iterator<Item = Code>) -> Result<(), Failure> {
    let codes: Vec<Code> = codes.collect();
    if let Some(code) = codes.iter().find(|code| is_fault(**code)) {
        return Err(Failure::unavailable(format!("not everything was taken ({code}): say it again")));
    }
    match codes.len() {
        0 => Ok(()),
        1 => Err(Failure::refused("it was refused: look at `traveladvisor sagas show`")),
        refused => Err(Failure::refused(format!("{refused} were refused: look at `traveladvisor sagas show`"))),
    }
}
