//! `dead-letters show`.

use traveladvisor_domain::id::LetterId;
use traveladvisor_infra::event_log::EventLog;

use super::letter::{Letter, Outlook};
use super::record::{Cause, Whole, instant};
use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table};

/// Prints what it was, why it was set aside, what was said of it, and what can be done. `option` names the log to verbs.
pub(super) async fn run(log: &EventLog, option: &str, id: LetterId, printer: Printer) -> Result<(), Failure> {
    let Some(letter) = Letter::read(log, id).await? else {
        return Err(Failure::refused(format!(
            "there is no dead letter {id}: look for it in `dead-letters list{option} --all`"
        )));
    };
    let whole = Whole::from(&letter);
    if printer.is_json() {
        return Ok(printer.json(&whole)?);
    }
    heading(&whole, printer)?;
    let mut rows = table(&["at", "position", "event", "by", "why"]);
    for line in &whole.history {
        let (event, by) = (line.event_type.to_owned(), line.actor.clone().unwrap_or_default());
        rows.add_row([instant(Some(line.at)), line.position.clone(), event, by, line.text.clone()]);
    }
    printer.line(rows.trim_fmt())?;
    printer.line("")?;
    printer.line(meaning(letter.outlook()))?;
    for verb in &whole.verbs {
        printer.line(format!("  traveladvisor dead-letters{option} {verb} {id} --reason TEXT"))?;
    }
    if let Some(booking) = &whole.letter.booking_id {
        printer.line(format!("Its trip: traveladvisor sagas show {booking}"))?;
    }
    Ok(())
}

fn heading(whole: &Whole, printer: Printer) -> Result<(), Failure> {
    let record = &whole.letter;
    printer.line(format!("{}   {}   {}", record.letter_id, record.state, record.outlook))?;
    printer.line(format!("  what         {}", record.what))?;
    match &record.cause {
        Some(Cause::Event { stream, sequence, place }) => {
            printer.line(format!("  from         message {place} of {stream} #{sequence}"))?;
        }
        Some(Cause::Record { topic, partition, offset }) => {
            printer.line(format!("  from         {topic}, partition {partition}, offset {offset}"))?;
        }
        None => {}
    }
    if let Some(reason) = &record.reason {
        printer.line(format!("  because      {reason}"))?;
    }
    if record.next_wake_up.is_some() {
        printer.line(format!("  next wake-up {}, then it comes again", instant(record.next_wake_up)))?;
    }
    Ok(printer.line("")?)
}

const fn meaning(outlook: Outlook) -> &'static str {
    match outlook {
        Outlook::ComesAgain => "It comes again by itself. What can be done now:",
        Outlook::TimerFires => "Its timer fires again by itself. What can be done now:",
        Outlook::SagaAsksAgain => "Its saga was answered and asks anew by itself. What can be done now:",
        Outlook::PaymentAsksAgain => "Its payment asks the gateway again by itself. What can be done now:",
        Outlook::Handled => "It came again and was handled: nothing is to be done. What would be taken:",
        Outlook::NeedsOperator => "Nobody brings it again by itself. What can be done now:",
        Outlook::Discarded => "It was given up and never comes again: nothing can be done.",
    }
}
