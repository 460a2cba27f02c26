//! The read model `payment_ledger`: what was taken for each trip and given back, by currency; and apart from the money that moved, what trips
//! were paid with in points.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::points_account::PointsAccountEvent;

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{LEDGER, LedgerBatch};

/// The projection of money. Its key is the booking.
#[derive(Debug, Clone, Copy, Default)]
pub struct PaymentLedger;

impl Projection for PaymentLedger {
    const NAME: &'static str = "payment_ledger";
    const VERSION: u32 = 3;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Payment, StreamKind::PointsAccount];
    const TABLES: &'static [&'static Table] = &[&LEDGER];
    type Batch = LedgerBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        moved(recorded).map(|(booking, _)| booking.stream())
    }

    fn key_of_unreadable(stream: StreamId, correlation: &str) -> StreamId {
        match stream.kind {
            StreamKind::PointsAccount => correlation.parse().map_or(stream, BookingId::stream),
            _ => BookingId(stream.uuid).stream(),
        }
    }

    /// Rows are written as differences, so the fold needs nothing of the present ones.
    async fn load(
        &self,
        _keys: &BTreeSet<StreamId>,
        _batch: &mut LedgerBatch,
        _connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_batch: &LedgerBatch, _key: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut LedgerBatch, recorded: &Recorded) -> Result<(), FoldError> {
        match moved(recorded) {
            Some((booking, Movement::Charged(amount))) => batch.charge(booking, amount),
            Some((booking, Movement::Refunded(amount))) => batch.refund(booking, amount),
            Some((booking, Movement::Redeemed(value))) => batch.redeem(booking, value),
            Some((booking, Movement::Restored(value))) => batch.restore(booking, value),
            None => {}
        }
        Ok(())
    }

    fn flush(&self, batch: &mut LedgerBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &LedgerBatch) -> usize {
        batch.bytes()
    }
}

/// Money that moved, or what points were worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Movement {
    /// It was taken, told by the gateway or with an operator's evidence.
    Charged(Money),
    /// It was given back, in the same ways. A payment with points that is cancelled says so as well, though no money moves.
    Refunded(Money),
    /// An account gave points that were worth so much.
    Redeemed(Money),
    /// They came back.
    Restored(Money),
}

/// What an event says of money, if it moved. A payment that is completed without a reference of a charge is made at the counter: nothing
/// was taken, and nothing is given back. What points were worth is told by the account that gave them.
fn moved(recorded: &Recorded) -> Option<(BookingId, Movement)> {
    let movement = match &recorded.told.event {
        Event::PointsAccount(PointsAccountEvent::PointsRedeemed { booking, value, .. }) => {
            return Some((*booking, Movement::Redeemed(*value)));
        }
        Event::PointsAccount(PointsAccountEvent::PointsRestored { booking, value, .. }) => {
            return Some((*booking, Movement::Restored(*value)));
        }
        Event::Payment(PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. }) => Movement::Charged(*amount),
        Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) if refunded.minor != 0 => {
            Movement::Refunded(*refunded)
        }
        _ => return None,
    };
    Some((BookingId(recorded.stream.uuid), movement))
}
