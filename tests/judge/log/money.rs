//! The gateway's own books against the log: what is kept, for whom, and that nobody was charged twice.

use std::collections::BTreeMap;

use sqlx::PgPool;
use traveladvisor_domain::id::{BookingId, StreamId};

use super::Verdict;

/// A call that had its effect at the gateway.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) minor: i64,
    /// The gateway's name for a charge; of a refund, that of the charge it gives back.
    pub(crate) charge: String,
    pub(crate) is_refund: bool,
}

/// What the built-in gateway wrote down.
pub(crate) async fn of_the_sandbox(pool: &PgPool) -> Vec<Entry> {
    let sql = "SELECT key, minor, coalesce(charge, reference), kind = 'refund' FROM sandbox_gateway_calls WHERE outcome = 'done'";
    let rows: Vec<(String, i64, String, bool)> = sqlx::query_as(sql).fetch_all(pool).await.expect("the ledger");
    rows.into_iter().map(|(key, minor, charge, is_refund)| Entry { key, minor, charge, is_refund }).collect()
}

/// What of the gateway's books does not agree with the log.
pub(crate) fn faults(verdict: &Verdict, entries: &[Entry]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut kept: BTreeMap<BookingId, i64> = BTreeMap::new();
    let mut charges: BTreeMap<&str, (BookingId, i64)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.is_refund) {
        let booking = booking_of(&entry.key);
        if charges.values().any(|(payer, _)| *payer == booking) {
            faults.push(format!("{booking} was charged twice"));
        }
        if charges.insert(&entry.charge, (booking, entry.minor)).is_some() {
            faults.push(format!("charge {} stands twice", entry.charge));
        }
        *kept.entry(booking).or_default() += entry.minor;
    }
    for entry in entries.iter().filter(|entry| entry.is_refund) {
        let booking = booking_of(&entry.key);
        match charges.get_mut(entry.charge.as_str()) {
            Some((payer, left)) if *payer == booking && *left >= entry.minor => *left -= entry.minor,
            charge => faults.push(format!("{} gives back {} of {charge:?}", entry.key, entry.minor)),
        }
        *kept.entry(booking).or_default() -= entry.minor;
    }
    for (booking, kept) in &kept {
        let owed = verdict.owed.get(booking).copied().unwrap_or(0);
        if *kept != owed {
            faults.push(format!("{kept} is kept for {booking} instead of {owed}"));
        }
    }
    let unpaid = verdict.owed.iter().filter(|(booking, owed)| **owed > 0 && !kept.contains_key(booking));
    faults.extend(unpaid.map(|(booking, owed)| format!("{booking} stands and its {owed} were never taken")));
    if charges.len() != verdict.paid {
        faults.push(format!("{} charges at the gateway, {} payments in the log", charges.len(), verdict.paid));
    }
    faults
}

/// Finds what is wrong in books that somebody has spoilt.
pub(crate) fn is_no_friend(verdict: &Verdict, entries: Vec<Entry>) {
    assert_eq!(faults(verdict, &entries), Vec::<String>::new());
    let refund = entries.iter().position(|entry| entry.is_refund).expect("a refund");
    let mut spoilt = entries;
    let refund = spoilt.remove(refund);
    assert!(!faults(verdict, &spoilt).is_empty(), "money that was not given back");
    spoilt.push(refund);
    let charge = spoilt.iter().position(|entry| !entry.is_refund).expect("a charge");
    let Entry { key, minor, .. } = &spoilt[charge];
    let again = Entry { key: key.replace("/1", "/2"), minor: *minor, charge: "another".to_owned(), is_refund: false };
    spoilt.push(again);
    assert!(!faults(verdict, &spoilt).is_empty(), "money that was taken twice");
}

/// Keys begin with the payment, whose number is the booking's.
fn booking_of(key: &str) -> BookingId {
    let payment: StreamId = key.split('/').next().expect("a payment").parse().expect("an id");
    BookingId(payment.uuid)
}
