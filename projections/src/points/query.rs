//! Reading accounts and their histories.

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::MemberId;
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::fold::Cause;
use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{Page, Slice};
use crate::sql::{Conditions, money_if_any, number, word};
use crate::views::{PointsAccountView, PointsCause, PointsEntryView};

/// The newest first.
const NEWEST: Order = Order { list: List::PointsEntries, columns: &["position"], way: Way::Descending };

/// Lines of a history. Who gave points by hand is no part of what happened to the account: it stands beside the event, in its metadata, and
/// is read from there for the few lines that are an operator's.
const ENTRY: &str = "SELECT member_id, position, at, type, points, balance, cause, minor, currency, \
    CASE WHEN cause ->> 'OPERATOR' IS NOT NULL \
         THEN (SELECT e.metadata ->> 'actor' FROM events e WHERE e.position = entry.position) END AS actor \
    FROM points_entries entry";

/// Accounts of which the balance is not the sum of the history, or not what the last line says, or a line not what the one before it makes
/// of it. All of the history is read.
const UNEVEN: &str = "\
SELECT coalesce(account.member_id, told.member_id) AS member_id \
  FROM points_accounts account FULL JOIN \
       (SELECT member_id, sum(points) AS sum, bool_and(balance = sum_so_far) AS adds_up FROM \
               (SELECT member_id, points, balance, sum(points) OVER (PARTITION BY member_id ORDER BY position) AS sum_so_far \
                  FROM points_entries) AS line \
         GROUP BY member_id) AS told USING (member_id) \
 WHERE account.balance IS DISTINCT FROM coalesce(told.sum, 0) OR NOT coalesce(told.adds_up, true) \
 ORDER BY 1";

/// Those of some members' accounts that there are.
pub(crate) async fn accounts_of(pool: &PgPool, members: &[MemberId]) -> Result<Vec<PointsAccountView>, ReadError> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = members.iter().map(|id| id.0).collect();
    let sql = "SELECT member_id, balance, is_closed, updated_at FROM points_accounts WHERE member_id = ANY($1)";
    sqlx::query(sql).bind(ids).fetch_all(pool).await?.iter().map(account).collect()
}

/// The history of an account, the newest first.
pub(crate) async fn entries(pool: &PgPool, member: MemberId, page: &Page) -> Result<Slice<PointsEntryView>, ReadError> {
    let window: Window<'_, (i64,)> = Window::of(NEWEST, page)?;
    let select = || {
        let mut query = Conditions::after(ENTRY);
        query.and("member_id = ").push_bind(member.0);
        query
    };
    let rows = window.rows(pool, select()).await?;
    let beyond = window.beyond(pool, select).await?;
    let entries = rows.iter().map(|row| {
        let entry = entry(row)?;
        Ok((window.cursor(&(entry.position.0,)), entry))
    });
    Ok(window.cut(entries.collect::<Result<_, ReadError>>()?, beyond))
}

/// Those of some lines of histories that there are, each with whose it is, in no order.
pub(crate) async fn entries_of(
    pool: &PgPool,
    wanted: &[(MemberId, Position)],
) -> Result<Vec<(MemberId, PointsEntryView)>, ReadError> {
    // A place outside of what the database can count is nobody's.
    let wanted = wanted.iter().filter_map(|(member, position)| Some((member.0, i64::try_from(position.0).ok()?)));
    let (members, positions): (Vec<Uuid>, Vec<i64>) = wanted.unzip();
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{ENTRY} WHERE (member_id, position) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))");
    let rows = sqlx::query(&sql).bind(members).bind(positions).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((MemberId(row.try_get("member_id")?), entry(row)?))).collect()
}

/// Whose accounts do not add up.
pub(crate) async fn uneven(pool: &PgPool) -> Result<Vec<MemberId>, ReadError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(UNEVEN).fetch_all(pool).await?;
    Ok(ids.into_iter().map(MemberId).collect())
}

fn account(row: &PgRow) -> Result<PointsAccountView, ReadError> {
    Ok(PointsAccountView {
        member: MemberId(row.try_get("member_id")?),
        balance: number(row, "balance")?,
        is_closed: row.try_get("is_closed")?,
        updated_at: row.try_get("updated_at")?,
    })
}

fn entry(row: &PgRow) -> Result<PointsEntryView, ReadError> {
    let Json(cause) = row.try_get::<Json<Cause>, _>("cause")?;
    Ok(PointsEntryView {
        position: Position(number(row, "position")?),
        at: row.try_get("at")?,
        kind: word(row, "type")?,
        points: row.try_get("points")?,
        balance: number(row, "balance")?,
        cause: match cause {
            Cause::Campaign { campaign, reward } => PointsCause::Campaign { campaign, reward },
            Cause::Booking(booking) => PointsCause::Booking(booking),
            Cause::Operator { reason } => {
                let actor = row.try_get::<Option<String>, _>("actor")?.unwrap_or_default();
                PointsCause::Operator { actor, reason }
            }
            Cause::Closing => PointsCause::Closing,
        },
        value: money_if_any(row, "minor")?,
    })
}
