//! Points.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use traveladvisor_domain::id::{MemberId, StreamId, StreamKind};
use traveladvisor_infra::event_log;
use traveladvisor_projections::views::{PointsAccountView, PointsCause, PointsEntryView};

use super::{Money, PointsEntryConnection, PointsEntryType, Window, page};
use crate::caller::Scope;
use crate::graphql::read::{read_fault, reads};
use crate::graphql::rights::caller;
use crate::graphql::scalars::{DateTime, Position};

/// What the id of an entry has before that of its account.
const ENTRIES: &str = "entry_";

/// The member and the place of the entry that has this id.
pub(crate) fn entry_of(id: &str) -> Option<(MemberId, event_log::Position)> {
    let (account, position) = id.strip_prefix(ENTRIES)?.rsplit_once('_')?;
    let StreamId { kind, uuid } = account.parse().ok()?;
    let position: event_log::Position = position.parse().ok()?;
    // Each entry has one id: not `007` beside `7`.
    let entry = (MemberId(uuid), position);
    (kind == StreamKind::PointsAccount && entry_id(entry.0, position) == id).then_some(entry)
}

fn entry_id(member: MemberId, position: event_log::Position) -> String {
    format!("{ENTRIES}{}_{position}", member.account())
}

/// The points of a member.
#[derive(Debug)]
pub(crate) struct PointsAccount {
    member: MemberId,
    balance: u64,
}

impl PointsAccount {
    /// Of a member without an account nothing has come yet.
    pub(crate) fn of(member: MemberId, account: Option<PointsAccountView>) -> Self {
        Self { member, balance: account.map_or(0, |account| account.balance) }
    }
}

/// The points of a member: whole numbers, never below zero, the sum of their history.
#[Object]
impl PointsAccount {
    /// Points that can be used, as an integer in decimal text.
    async fn balance(&self) -> String {
        self.balance.to_string()
    }

    /// Where they came from and went, the newest first.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<PointsEntryConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let found = reads(ctx)?.points_entries(self.member, &page).await.map_err(read_fault)?;
        let to_operator = caller(ctx)?.may(Scope::Operations);
        Ok(PointsEntryConnection::of(found, |view| PointsEntry::of(self.member, view, to_operator)))
    }
}

/// One line of the history of a member's points.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PointsEntry {
    /// Its own.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Its place in the event log.
    pub(crate) position: Position,
    /// When it happened.
    pub(crate) at: DateTime,
    /// What happened.
    #[graphql(name = "type")]
    pub(crate) kind: PointsEntryType,
    /// How many came, or with a minus went, as an integer in decimal text.
    pub(crate) points: String,
    /// What the account held after it, as an integer in decimal text.
    pub(crate) balance: String,
    /// The campaign that has granted them; null when none has.
    pub(crate) campaign_id: Option<ID>,
    /// The reward as which it has; null when none has.
    pub(crate) reward_id: Option<ID>,
    /// The trip that was paid with them, or has brought them; null when it was none.
    pub(crate) booking_id: Option<ID>,
    /// Why an operator gave them; null when none did.
    pub(crate) reason: Option<String>,
    /// Which operator gave them: an opaque name, which only operators are told; null when none did.
    pub(crate) actor: Option<String>,
    /// What they paid, or what came back; null when they paid nothing.
    pub(crate) value: Option<Money>,
}

impl PointsEntry {
    /// A line of a member's history, as operators see it or as the member does.
    pub(crate) fn of(member: MemberId, view: PointsEntryView, to_operator: bool) -> Self {
        let id = |id: &dyn std::fmt::Display| Some(ID(id.to_string()));
        let (campaign_id, reward_id, booking_id, by_hand) = match view.cause {
            PointsCause::Campaign { campaign, reward } => (id(&campaign), id(&reward), None, None),
            PointsCause::Booking(booking) => (None, None, id(&booking), None),
            PointsCause::Operator { actor, reason } => (None, None, None, Some((actor, reason))),
            PointsCause::Closing => (None, None, None, None),
        };
        let (actor, reason) = by_hand.unzip();
        Self {
            id: ID(entry_id(member, view.position)),
            position: view.position.into(),
            at: DateTime(view.at),
            kind: view.kind.into(),
            points: view.points.to_string(),
            balance: view.balance.to_string(),
            campaign_id,
            reward_id,
            booking_id,
            reason,
            actor: actor.filter(|_| to_operator),
            value: view.value.map(Money::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_one_id() {
        let member = MemberId::of("ada");
        let id = entry_id(member, event_log::Position(7));
        assert_eq!(entry_of(&id), Some((member, event_log::Position(7))));
        let zero = id.replace("_7", "_07");
        for other in
            [zero.as_str(), &member.account().to_string(), &id.replace("points_account", "member"), "entry_", ""]
        {
            assert_eq!(entry_of(other), None, "{other}");
        }
    }
}
