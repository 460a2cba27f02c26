//! Entries of the ledger in the making.

use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::money::{Currency, Money};

use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};

/// About how many bytes an entry takes in memory.
const ENTRY_BYTES: usize = 128;

/// What was taken and given back, written as differences.
pub(super) static LEDGER: Table = Table {
    name: "payment_ledger",
    columns: &[
        column("booking_id", Holds::Uuid),
        column("currency", Holds::Text),
        column("charged_minor", Holds::Int),
        column("refunded_minor", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(booking_id, currency) DO UPDATE SET charged_minor = known.charged_minor + excluded.charged_minor, \
         refunded_minor = known.refunded_minor + excluded.refunded_minor",
    ),
};

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct LedgerBatch {
    moved: Held<(BookingId, Currency), Moved>,
}

/// What moved for a trip in one currency, in minor units.
#[derive(Debug, Default)]
struct Moved {
    charged: i64,
    refunded: i64,
}

impl LedgerBatch {
    /// A payment is completed once, so what is charged and not known here stands nowhere yet.
    pub(super) fn charge(&mut self, booking: BookingId, amount: Money) {
        let key = (booking, amount.currency);
        if !self.moved.holds(&key) {
            self.moved.keep_new(key, Moved::default());
        }
        self.change(key, |moved| moved.charged += amount.minor);
    }

    /// What is given back was charged before: its entry is here or stands already.
    pub(super) fn refund(&mut self, booking: BookingId, amount: Money) {
        let key = (booking, amount.currency);
        if !self.moved.holds(&key) {
            self.moved.keep_stored(key, Moved::default());
        }
        self.change(key, |moved| moved.refunded += amount.minor);
    }

    fn change(&mut self, key: (BookingId, Currency), change: impl FnOnce(&mut Moved)) {
        if let Some(moved) = self.moved.change(&key) {
            change(moved);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.moved.len() * ENTRY_BYTES
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let entries = match part {
            Part::All => self.moved.take_all(),
            Part::Cold => self.moved.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&LEDGER), Rows::new(&LEDGER));
        for entry in &entries {
            let (booking, currency) = entry.key;
            let rows = if entry.is_stored { &mut stored } else { &mut new };
            let mut row = rows.row();
            row.uuid(booking.0).text(currency.as_str()).int(entry.value.charged).int(entry.value.refunded);
        }
        changes.write_new(new);
        changes.write(stored);
    }
}
