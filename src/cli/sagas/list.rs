//! `sagas list`.

use std::collections::BTreeMap;

use traveladvisor_projections::reads::{PAGE_ITEMS_MAX, Page, Reads, SagaFilter};

use super::left::in_a_line;
use super::open::Open;
use super::record::{Record, instant, waits_for};
use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::print::{Printer, table, unbroken};

const COLUMNS: [&str; 6] = ["booking", "status", "waits for", "tries", "since", "next wake-up"];

/// Prints the sagas that the filter admits, in its order, at most `limit`.
pub(super) async fn run(house: &House, filter: &SagaFilter, limit: usize, printer: Printer) -> Result<(), Failure> {
    let open = Open::at_the_logs_end(house).await?;
    let listed = list(&open.reads, filter, limit, printer).await;
    open.close().await;
    listed
}

async fn list(reads: &Reads, filter: &SagaFilter, limit: usize, printer: Printer) -> Result<(), Failure> {
    let mut rows = table(&COLUMNS);
    let mut reasons = BTreeMap::new();
    let mut given_up = table(&["to be settled by hand", "because"]);
    let (mut left, mut after, mut more) = (limit, None, true);
    while left > 0 && more {
        let page = Page::first(left.min(PAGE_ITEMS_MAX)).after(after);
        let slice = reads.without_history().sagas(filter, &page).await?;
        left = left.saturating_sub(slice.items.len());
        more = slice.has_next;
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
        for (_, saga) in &slice.items {
            let record = Record::from(saga);
            if printer.is_json() {
                printer.json(&record)?;
                continue;
            }
            if !record.given_up.is_empty() {
                given_up.add_row([record.booking_id.clone(), in_a_line(&record.given_up)]);
            }
            let (since, next) = (instant(record.waiting_since), instant(record.next_wake_up));
            let (tries, waits) = (record.attempts.to_string(), waits_for(saga));
            rows.add_row([record.booking_id, record.status.to_owned(), waits, tries, since, next]);
            if let Some(fingerprint) = record.fingerprint {
                let known = reasons.entry(fingerprint).or_insert((0_usize, record.reason.unwrap_or_default()));
                known.0 += 1;
            }
        }
    }
    if !printer.is_json() {
        // One line each, to be looked through by other programs.
        (0..COLUMNS.len()).for_each(|column| unbroken(&mut rows, column));
        printer.line(rows.trim_fmt())?;
        tell_reasons(reasons, printer)?;
        if !given_up.is_empty() {
            (0..2).for_each(|column| unbroken(&mut given_up, column));
            printer.line("")?;
            printer.line(given_up.trim_fmt())?;
        }
    }
    if more {
        printer.hint("There are more: --limit.");
    }
    Ok(())
}

/// For what an operator is needed, and how many of the listed wait for it.
fn tell_reasons(reasons: BTreeMap<String, (usize, String)>, printer: Printer) -> Result<(), Failure> {
    if reasons.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["needs an operator", "sagas", "because"]);
    for (fingerprint, (count, reason)) in reasons {
        rows.add_row([fingerprint, count.to_string(), reason]);
    }
    unbroken(&mut rows, 0);
    printer.line("")?;
    Ok(printer.line(rows.trim_fmt())?)
}
