//! Accounts and their histories in the making.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{MemberId, StreamId};
use traveladvisor_domain::money::Money;
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::fold::Cause;
use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};
use crate::views::PointsEntryType;

/// About how many bytes an account takes in memory.
const ACCOUNT_BYTES: usize = 128;

/// Accounts.
pub(super) static ACCOUNTS: Table = Table {
    name: "points_accounts",
    columns: &[
        column("member_id", Holds::Uuid),
        column("balance", Holds::Int),
        column("is_closed", Holds::Flag),
        column("updated_at", Holds::Instant),
    ],
    meeting: Meeting::Merges(
        "(member_id) DO UPDATE SET balance = excluded.balance, is_closed = excluded.is_closed, \
         updated_at = excluded.updated_at",
    ),
};

/// What moved in them. A line never changes.
pub(super) static ENTRIES: Table = Table {
    name: "points_entries",
    columns: &[
        column("member_id", Holds::Uuid),
        column("position", Holds::Int),
        column("at", Holds::Instant),
        column("type", Holds::Text),
        column("points", Holds::Int),
        column("balance", Holds::Int),
        column("cause", Holds::Json),
        column("minor", Holds::Int),
        column("currency", Holds::Text),
    ],
    meeting: Meeting::Never,
};

/// The accounts that a batch of events touches, and what is new in their histories.
pub struct PointsBatch {
    pub(super) accounts: Held<MemberId, Account>,
    entries: Rows,
}

/// An account.
pub(super) struct Account {
    pub(super) balance: i64,
    pub(super) is_closed: bool,
    pub(super) updated_at: DateTime<Utc>,
}

/// A line of a history.
pub(super) struct Line {
    pub(super) member: MemberId,
    pub(super) position: Position,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: PointsEntryType,
    pub(super) points: i64,
    pub(super) balance: i64,
    pub(super) cause: Cause,
    pub(super) value: Option<Money>,
}

impl Account {
    pub(super) const fn empty(at: DateTime<Utc>) -> Self {
        Self { balance: 0, is_closed: false, updated_at: at }
    }
}

impl Default for PointsBatch {
    fn default() -> Self {
        Self { accounts: Held::default(), entries: Rows::new(&ENTRIES) }
    }
}

impl PointsBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let sql = "SELECT member_id, balance, is_closed, updated_at FROM points_accounts WHERE member_id = ANY($1)";
        for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
            let account = Account {
                balance: row.try_get("balance")?,
                is_closed: row.try_get("is_closed")?,
                updated_at: row.try_get("updated_at")?,
            };
            self.accounts.keep_stored(MemberId(row.try_get("member_id")?), account);
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, line: &Line) {
        self.entries
            .row()
            .uuid(line.member.0)
            .int(line.position.0.cast_signed())
            .instant(line.at)
            .text(line.kind.as_str())
            .int(line.points)
            .int(line.balance)
            .json(&line.cause)
            .int_if_any(line.value.map(|value| value.minor))
            .text_if_any(line.value.as_ref().map(|value| value.currency.as_str()));
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let accounts = match part {
            Part::All => self.accounts.take_all(),
            Part::Cold => self.accounts.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&ACCOUNTS), Rows::new(&ACCOUNTS));
        for taken in &accounts {
            let rows = if taken.is_stored { &mut stored } else { &mut new };
            let Account { balance, is_closed, updated_at } = taken.value;
            rows.row().uuid(taken.key.0).int(balance).flag(is_closed).instant(updated_at);
        }
        changes.write_new(new);
        changes.write(stored);
        changes.write_new(std::mem::replace(&mut self.entries, Rows::new(&ENTRIES)));
    }

    pub(super) fn bytes(&self) -> usize {
        self.accounts.len() * ACCOUNT_BYTES
    }
}
