//! What verbs of operators have in common: who decides, how a verb reaches the log, and how its end is told.

mod actor;

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use traveladvisor_commands::{Engine, Receipt, Rejection, Request};
use traveladvisor_domain::failure::Code;
use traveladvisor_infra::event_log::{EventLog, RELAY};

pub(super) use self::actor::actor;
use super::failure::Failure;
use super::print::Printer;

/// How often a verb is handed over at most while the engine is busy: saying it twice is harmless.
const TRIES_MAX: u32 = 50;
/// Pause before it is handed over again.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// Hands a verb over, again and again while the engine is busy.
pub(super) async fn submit(engine: &Engine, request: Request) -> Result<Receipt, Rejection> {
    let mut tries = 1;
    loop {
        match engine.submit(request.clone()).await {
            Err(rejection) if passes(rejection.code) && tries < TRIES_MAX => tries += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// What became of a verb, in a word of the program's contract.
pub(super) const fn outcome(answer: &Result<Receipt, Rejection>) -> &'static str {
    match answer {
        Ok(Receipt { changed: true, .. }) => "recorded",
        Ok(_) => "so already",
        Err(rejection) if is_fault(rejection.code) => "not taken",
        Err(_) => "refused",
    }
}

/// Whether the same may be taken a moment later.
const fn passes(code: Code) -> bool {
    matches!(code, Code::Overloaded | Code::Conflict)
}

/// Whether it was not the domain that said no.
const fn is_fault(code: Code) -> bool {
    passes(code) || matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Internal)
}

/// Asks whoever sits there; without a terminal nobody does.
pub(super) fn agrees(verb: &str, count: u64) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(io::stderr(), "{verb} all {count}? [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Who carries on what was recorded; `look` is the verb that shows it.
pub(super) async fn follow_up(log: &EventLog, look: &str, printer: Printer) -> Result<(), Failure> {
    let is_delivering = log.owners().await?.iter().any(|owner| owner.name == RELAY && owner.held.is_some());
    printer.hint(if is_delivering {
        format!("What was recorded is carried on by the program that serves: see `traveladvisor {look}`.")
    } else {
        "What was recorded stands; no program serves now, and the next `traveladvisor serve` carries it on.".to_owned()
    });
    Ok(())
}

/// Ends with what is worst: a service that is away, then a refusal; `look` is the verb that shows why.
pub(super) fn ended(codes: impl Iterator<Item = Code>, look: &str) -> Result<(), Failure> {
    let codes: Vec<Code> = codes.collect();
    if let Some(code) = codes.iter().find(|code| is_fault(**code)) {
        return Err(Failure::unavailable(format!("not everything was taken ({code}): say it again")));
    }
    match codes.len() {
        0 => Ok(()),
        1 => Err(Failure::refused(format!("it was refused: look at `traveladvisor {look}`"))),
        refused => Err(Failure::refused(format!("{refused} were refused: look at `traveladvisor {look}`"))),
    }
}
