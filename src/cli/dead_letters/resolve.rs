//! `dead-letters retry`, `discard`: one decision, recorded for each letter by itself.

use futures::StreamExt;
use serde::Serialize;
use traveladvisor_commands::engine::{Delivery, Engine};
use traveladvisor_commands::{CallerCommand, LetterVerb, Receipt, Rejection, Request};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::LetterId;
use traveladvisor_infra::event_log::EventLog;

use super::letter::Letter;
use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::operator::{agrees, ended, follow_up, outcome, submit};
use crate::cli::print::Printer;
use crate::cli::running::start;

/// What shows the outcome.
const LOOK: &str = "dead-letters show";
/// How many are handed to the engine at once.
const AT_ONCE: usize = 16;

/// A verb on some letters.
pub(super) struct Decision {
    /// Whose log it is.
    pub(super) context: Context,
    pub(super) target: Target,
    pub(super) verb: LetterVerb,
    pub(super) actor: String,
    pub(super) reason: String,
}

/// Which letters.
pub(super) enum Target {
    /// These.
    Letters(Vec<LetterId>),
    /// All that may need somebody.
    All {
        /// Without being asked.
        yes: bool,
    },
}

/// What became of the verb on one letter; its JSON is part of the program's contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    letter_id: String,
    verb: &'static str,
    outcome: &'static str,
    position: Option<String>,
    code: Option<Code>,
    message: Option<String>,
}

/// Records the decision through an engine of its own, which delivers nothing: what follows is done by the program that serves.
pub(super) async fn run(house: &House, decision: Decision, printer: Printer) -> Result<(), Failure> {
    let letters = letters(&house.log, &decision, printer).await?;
    let (engine, running) = start(house, decision.context, &house.log, Delivery::Elsewhere).await?;
    let jobs: Vec<_> = letters.into_iter().map(|letter| decide(&engine, letter, &decision)).collect();
    let decided: Vec<Decided> = futures::stream::iter(jobs).buffered(AT_ONCE).collect().await;
    drop(engine);
    running.stop().await;
    let codes = decided.iter().map(|decided| tell(decided, printer)).collect::<Result<Vec<_>, _>>()?;
    if codes.iter().any(Option::is_none) && decision.verb == LetterVerb::Retry {
        follow_up(&house.log, LOOK, printer).await?;
    }
    ended(codes.into_iter().flatten(), LOOK)
}

async fn letters(log: &EventLog, decision: &Decision, printer: Printer) -> Result<Vec<LetterId>, Failure> {
    let yes = match &decision.target {
        Target::Letters(letters) => return Ok(letters.clone()),
        Target::All { yes } => *yes,
    };
    let (letters, is_cut) = Letter::all(log).await?;
    let open: Vec<LetterId> =
        letters.iter().filter(|letter| letter.outlook().is_open()).map(|letter| letter.id).collect();
    let (verb, count) = (word(decision.verb), open.len());
    printer.hint(format!("{verb}: {count} letters"));
    if count > 1 && !yes && !agrees(verb, count as u64)? {
        return Err(Failure::usage(format!("{count} would be decided on: say --yes to do so")));
    }
    if is_cut {
        printer.hint("There are more: say it again for the rest.");
    }
    Ok(open)
}

async fn decide(engine: &Engine, letter: LetterId, decision: &Decision) -> Decided {
    let request = Request {
        command: CallerCommand::ResolveLetter { letter, verb: decision.verb, reason: decision.reason.clone() },
        caller: decision.actor.clone(),
        idempotency: None,
        expected_version: None,
        traceparent: None,
        request_id: None,
    };
    let answer = submit(engine, request).await;
    let (letter_id, verb, outcome) = (letter.to_string(), word(decision.verb), outcome(&answer));
    match answer {
        Ok(Receipt { position, .. }) => {
            Decided { letter_id, verb, outcome, position: Some(position.to_string()), code: None, message: None }
        }
        Err(Rejection { code, message, .. }) => {
            Decided { letter_id, verb, outcome, position: None, code: Some(code), message: Some(message) }
        }
    }
}

const fn word(verb: LetterVerb) -> &'static str {
    match verb {
        LetterVerb::Retry => "retry",
        LetterVerb::Discard => "discard",
    }
}

/// Prints what became of one; gives the code of what was not recorded.
fn tell(decided: &Decided, printer: Printer) -> Result<Option<Code>, Failure> {
    if printer.is_json() {
        printer.json(decided)?;
        return Ok(decided.code);
    }
    let Decided { letter_id, verb, outcome, code, message, .. } = decided;
    let why = message.as_ref().zip(*code).map_or_else(String::new, |(message, code)| format!(": {message} ({code})"));
    printer.line(format!("{letter_id}   {verb} {outcome}{why}"))?;
    Ok(*code)
}
