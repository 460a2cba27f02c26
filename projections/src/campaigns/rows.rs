//! Campaigns in the making.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::campaign::{CampaignDetails, ClosedBecause};
use traveladvisor_domain::id::{CampaignId, StreamId};
use uuid::Uuid;

use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};
use crate::sql::Word;

/// About how many bytes a campaign takes in memory.
const CAMPAIGN_BYTES: usize = 1_536;

/// Campaigns as they are last said.
pub(super) static CAMPAIGNS: Table = Table {
    name: "campaigns",
    columns: &[
        column("id", Holds::Uuid),
        column("action", Holds::Text),
        column("opens_at", Holds::Instant),
        column("ends_at", Holds::Instant),
        column("opened_by_hand", Holds::Flag),
        column("closed_because", Holds::Text),
        column("granted", Holds::Int),
        column("version", Holds::Int),
        column("created_at", Holds::Instant),
        column("updated_at", Holds::Instant),
        column("details", Holds::Json),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET (action, opens_at, ends_at, opened_by_hand, closed_because, granted, version, updated_at, details) = \
         (excluded.action, excluded.opens_at, excluded.ends_at, excluded.opened_by_hand, excluded.closed_because, \
          excluded.granted, excluded.version, excluded.updated_at, excluded.details)",
    ),
};

/// The campaigns that a batch of events touches.
#[derive(Default)]
pub struct CampaignBatch {
    pub(super) campaigns: Held<CampaignId, CampaignRow>,
}

/// A row.
pub(super) struct CampaignRow {
    pub(super) details: CampaignDetails,
    pub(super) opened_by_hand: bool,
    pub(super) closed: Option<ClosedBecause>,
    pub(super) granted: i64,
    pub(super) version: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl CampaignRow {
    pub(super) const fn listed(details: CampaignDetails, at: DateTime<Utc>) -> Self {
        Self { details, opened_by_hand: false, closed: None, granted: 0, version: 0, created_at: at, updated_at: at }
    }
}

/// The stored name.
const fn reason(closed: ClosedBecause) -> &'static str {
    match closed {
        ClosedBecause::ByHand => "BY_HAND",
        ClosedBecause::BudgetUsed => "BUDGET_USED",
    }
}

impl Word for ClosedBecause {
    fn of(word: &str) -> Option<Self> {
        [Self::ByHand, Self::BudgetUsed].into_iter().find(|known| reason(*known) == word)
    }
}

impl CampaignBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let sql = "SELECT id, details, opened_by_hand, closed_because, granted, version, created_at, updated_at \
                     FROM campaigns WHERE id = ANY($1)";
        for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
            let Json(details) = row.try_get::<Json<CampaignDetails>, _>("details")?;
            let closed: Option<&str> = row.try_get("closed_because")?;
            let campaign = CampaignRow {
                details,
                opened_by_hand: row.try_get("opened_by_hand")?,
                closed: closed.and_then(ClosedBecause::of),
                granted: row.try_get("granted")?,
                version: row.try_get::<i64, _>("version")?.unsigned_abs(),
                created_at: row.try_get("created_at")?,
                updated_at: row.try_get("updated_at")?,
            };
            self.campaigns.keep_stored(CampaignId(row.try_get("id")?), campaign);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let campaigns = match part {
            Part::All => self.campaigns.take_all(),
            Part::Cold => self.campaigns.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&CAMPAIGNS), Rows::new(&CAMPAIGNS));
        for taken in &campaigns {
            write(if taken.is_stored { &mut stored } else { &mut new }, taken.key, &taken.value);
        }
        changes.write_new(new);
        changes.write(stored);
    }

    pub(super) fn bytes(&self) -> usize {
        self.campaigns.len() * CAMPAIGN_BYTES
    }
}

fn write(rows: &mut Rows, id: CampaignId, campaign: &CampaignRow) {
    rows.row()
        .uuid(id.0)
        .text(campaign.details.action.as_str())
        .instant(campaign.details.opens_at)
        .instant_if_any(campaign.details.ends_at)
        .flag(campaign.opened_by_hand)
        .text_if_any(campaign.closed.map(reason))
        .int(campaign.granted)
        .int(campaign.version.cast_signed())
        .instant(campaign.created_at)
        .instant(campaign.updated_at)
        .json(&campaign.details);
}
