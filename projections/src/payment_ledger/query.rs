//! Reading the ledger: of one trip, and all of it beside the log.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::money::Money;

use super::PaymentLedger;
use crate::reads::ReadError;
use crate::runtime::Projection;
use crate::sql::money;
use crate::views::{LedgerBalance, LedgerEntry};

/// What the ledger holds beside what the events say that it has taken in, read at one moment. The events are read as they are stored,
/// by another way than the fold's, so that the one can be held against the other.
const BALANCES: &str = "\
WITH reached AS (SELECT position FROM projection_checkpoints WHERE name = $1), \
told AS ( \
  SELECT payload -> 'PaymentCompleted' -> 'amount' AS charged, NULL::json AS refunded FROM events \
   WHERE aggregate_type = 'payment' AND event_type = 'PaymentCompleted' AND position <= (SELECT position FROM reached) \
     AND payload -> 'PaymentCompleted' ->> 'charge' IS NOT NULL \
  UNION ALL \
  SELECT NULL, payload -> 'PaymentCancelled' -> 'refunded' FROM events \
   WHERE aggregate_type = 'payment' AND event_type = 'PaymentCancelled' AND position <= (SELECT position FROM reached) \
     AND payload -> 'PaymentCancelled' -> 'refunded' ->> 'minor' <> '0' \
     AND NOT EXISTS (SELECT FROM events asked WHERE asked.aggregate_type = 'payment' AND asked.aggregate_id = events.aggregate_id \
                        AND asked.payload -> 'PaymentRequested' -> 'plan' -> 'REDEEM' IS NOT NULL)), \
points AS ( \
  SELECT payload -> 'PointsRedeemed' -> 'value' AS redeemed, payload -> 'PointsRestored' -> 'value' AS restored FROM events \
   WHERE aggregate_type = 'points_account' AND event_type IN ('PointsRedeemed', 'PointsRestored') \
     AND position <= (SELECT position FROM reached)), \
sides AS ( \
  SELECT currency, charged_minor AS charged, CASE WHEN charged_minor > 0 THEN refunded_minor ELSE 0 END AS refunded, redeemed_minor AS redeemed, restored_minor AS restored, \
         0 AS charged_told, 0 AS refunded_told, 0 AS redeemed_told, 0 AS restored_told FROM payment_ledger \
  UNION ALL \
  SELECT coalesce(charged, refunded) ->> 'currency', 0, 0, 0, 0, coalesce((charged ->> 'minor')::bigint, 0), \
         coalesce((refunded ->> 'minor')::bigint, 0), 0, 0 FROM told \
  UNION ALL \
  SELECT coalesce(redeemed, restored) ->> 'currency', 0, 0, 0, 0, 0, 0, coalesce((redeemed ->> 'minor')::bigint, 0), \
         coalesce((restored ->> 'minor')::bigint, 0) FROM points) \
SELECT currency, sum(charged)::bigint AS charged, sum(refunded)::bigint AS refunded, \
       sum(redeemed)::bigint AS redeemed, sum(restored)::bigint AS restored, \
       sum(charged_told)::bigint AS charged_told, sum(refunded_told)::bigint AS refunded_told, \
       sum(redeemed_told)::bigint AS redeemed_told, sum(restored_told)::bigint AS restored_told \
  FROM sides GROUP BY currency ORDER BY currency";

/// What was taken for a trip and given back, by currency; nothing where no money moved and no points paid.
pub(crate) async fn ledger(pool: &PgPool, booking: BookingId) -> Result<Vec<LedgerEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT currency, charged_minor, CASE WHEN charged_minor > 0 THEN refunded_minor ELSE 0 END AS refunded_minor, \
                redeemed_minor, restored_minor FROM payment_ledger \
          WHERE booking_id = $1 AND (charged_minor, redeemed_minor, restored_minor) <> (0, 0, 0) ORDER BY currency",
    )
    .bind(booking.0)
    .fetch_all(pool)
    .await?;
    rows.iter().map(entry).collect()
}

/// For each currency the sums of the ledger and those of the log up to where the ledger has read it. Reads all payments there are.
pub(crate) async fn balances(pool: &PgPool) -> Result<Vec<LedgerBalance>, ReadError> {
    let rows = sqlx::query(BALANCES).bind(PaymentLedger::NAME).fetch_all(pool).await?;
    rows.iter().map(balance).collect()
}

fn entry(row: &PgRow) -> Result<LedgerEntry, ReadError> {
    Ok(LedgerEntry {
        charged: money(row, "charged_minor")?,
        refunded: money(row, "refunded_minor")?,
        redeemed: money(row, "redeemed_minor")?,
        restored: money(row, "restored_minor")?,
    })
}

fn balance(row: &PgRow) -> Result<LedgerBalance, ReadError> {
    let Money { minor: charged, currency } = money(row, "charged")?;
    Ok(LedgerBalance {
        currency,
        charged,
        refunded: row.try_get("refunded")?,
        charged_by_log: row.try_get("charged_told")?,
        refunded_by_log: row.try_get("refunded_told")?,
        redeemed: row.try_get("redeemed")?,
        restored: row.try_get("restored")?,
        redeemed_by_log: row.try_get("redeemed_told")?,
        restored_by_log: row.try_get("restored_told")?,
    })
}
