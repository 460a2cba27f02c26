//! Entries of the ledger in the making.

use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::money::{Currency, Money};

use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};

/// About how many bytes an entry takes in memory.
const ENTRY_BYTES: usize = 128;

/// What was taken and given back, written as differences, which come to the same in every order. A payment with points that is cancelled says what
/// it gives back as one by card does: whoever reads counts that only where money was taken.
pub(super) static LEDGER: Table = Table {
    name: "payment_ledger",
    columns: &[
        column("booking_id", Holds::Uuid),
        column("currency", Holds::Text),
        column("charged_minor", Holds::Int),
        column("refunded_minor", Holds::Int),
        column("redeemed_minor", Holds::Int),
        column("restored_minor", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(booking_id, currency) DO UPDATE SET charged_minor = known.charged_minor + excluded.charged_minor, \
         refunded_minor = known.refunded_minor + excluded.refunded_minor, \
         redeemed_minor = known.redeemed_minor + excluded.redeemed_minor, \
         restored_minor = known.restored_minor + excluded.restored_minor",
    ),
};

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct LedgerBatch {
    moved: Held<(BookingId, Currency), Moved>,
    /// Entries were written that may change once more.
    has_let_go: bool,
}

/// What moved for a trip in one currency, in minor units.
#[derive(Debug, Default)]
struct Moved {
    charged: i64,
    refunded: i64,
    redeemed: i64,
    restored: i64,
}

impl LedgerBatch {
    pub(super) fn charge(&mut self, booking: BookingId, amount: Money) {
        self.change((booking, amount.currency), |moved| moved.charged += amount.minor);
    }

    pub(super) fn redeem(&mut self, booking: BookingId, value: Money) {
        self.change((booking, value.currency), |moved| moved.redeemed += value.minor);
    }

    pub(super) fn refund(&mut self, booking: BookingId, amount: Money) {
        self.change((booking, amount.currency), |moved| moved.refunded += amount.minor);
    }

    pub(super) fn restore(&mut self, booking: BookingId, value: Money) {
        self.change((booking, value.currency), |moved| moved.restored += value.minor);
    }

    /// What is not known here stands nowhere yet, unless entries have left the memory.
    fn change(&mut self, key: (BookingId, Currency), change: impl FnOnce(&mut Moved)) {
        if !self.moved.holds(&key) {
            if self.has_let_go {
                self.moved.keep_stored(key, Moved::default());
            } else {
                self.moved.keep_new(key, Moved::default());
            }
        }
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
        self.has_let_go |= part != Part::Final;
        let (mut new, mut stored) = (Rows::new(&LEDGER), Rows::new(&LEDGER));
        for entry in &entries {
            let (booking, currency) = entry.key;
            let rows = if entry.is_stored { &mut stored } else { &mut new };
            let Moved { charged, refunded, redeemed, restored } = entry.value;
            let mut row = rows.row();
            row.uuid(booking.0).text(currency.as_str()).int(charged).int(refunded).int(redeemed).int(restored);
        }
        changes.write_new(new);
        changes.write(stored);
    }
}
