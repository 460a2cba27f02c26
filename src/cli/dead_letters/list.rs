//! `dead-letters list`.

use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::EventLog;

use super::letter::{LETTERS_MAX, Letter};
use super::record::{Record, instant};
use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table, unbroken};

const COLUMNS: [&str; 6] = ["letter", "booking", "what", "since", "outlook", "next wake-up"];

/// Which letters.
pub(super) struct Which {
    /// Also those that need nobody any more.
    pub(super) all: bool,
    pub(super) booking: Option<BookingId>,
    pub(super) limit: usize,
}

/// Prints the letters that the filter admits, the newest first.
pub(super) async fn run(log: &EventLog, which: &Which, printer: Printer) -> Result<(), Failure> {
    let (letters, is_cut) = Letter::all(log).await?;
    let admitted: Vec<&Letter> = letters.iter().filter(|letter| which.admits(letter)).collect();
    let mut rows = table(&COLUMNS);
    let mut reasons = Vec::new();
    for letter in admitted.iter().take(which.limit) {
        let record = Record::from(*letter);
        if printer.is_json() {
            printer.json(&record)?;
            continue;
        }
        reasons.extend(record.reason.filter(|reason| !reasons.contains(reason)));
        let (since, next) = (instant(Some(record.set_aside_at)), instant(record.next_wake_up));
        let booking = record.booking_id.unwrap_or_default();
        rows.add_row([record.letter_id, booking, record.what, since, record.outlook.to_owned(), next]);
    }
    if !printer.is_json() {
        // One line each, to be looked through by other programs.
        (0..COLUMNS.len()).for_each(|column| unbroken(&mut rows, column));
        printer.line(rows.trim_fmt())?;
        tell(&reasons, printer)?;
    }
    if is_cut {
        printer.hint(format!("Only {LETTERS_MAX} letters were looked through: settle these first."));
    } else if admitted.len() > which.limit {
        printer.hint("There are more: --limit.");
    }
    Ok(())
}

impl Which {
    fn admits(&self, letter: &Letter) -> bool {
        let is_of_trip = self.booking.is_none_or(|booking| letter.booking() == Some(booking));
        is_of_trip && (self.all || letter.outlook().is_open())
    }
}

/// Each reason once.
fn tell(reasons: &[String], printer: Printer) -> Result<(), Failure> {
    if reasons.is_empty() {
        return Ok(());
    }
    printer.line("")?;
    printer.line("because")?;
    Ok(reasons.iter().try_for_each(|reason| printer.line(format!("  {reason}")))?)
}
