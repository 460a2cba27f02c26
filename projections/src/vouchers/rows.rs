//! Rewards in the making.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId, StreamId};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::reward::Grant;
use uuid::Uuid;

use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};

/// About how many bytes a reward takes in memory.
const VOUCHER_BYTES: usize = 512;

/// Rewards. Only whether one is used, and by which trip, ever changes.
pub(super) static VOUCHERS: Table = Table {
    name: "vouchers",
    columns: &[
        column("id", Holds::Uuid),
        column("member_id", Holds::Uuid),
        column("campaign_id", Holds::Uuid),
        column("cause", Holds::Text),
        column("type", Holds::Text),
        column("terms", Holds::Json),
        column("expires_at", Holds::Instant),
        column("used_by", Holds::Uuid),
        column("discount_minor", Holds::Int),
        column("currency", Holds::Text),
        column("granted_at", Holds::Instant),
        column("version", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET used_by = excluded.used_by, discount_minor = excluded.discount_minor, \
         currency = excluded.currency, version = excluded.version",
    ),
};

/// The rewards that a batch of events touches.
#[derive(Default)]
pub struct VoucherBatch {
    pub(super) vouchers: Held<RewardId, VoucherRow>,
}

/// A row.
pub(super) struct VoucherRow {
    pub(super) member: MemberId,
    pub(super) campaign: CampaignId,
    pub(super) cause: String,
    pub(super) grant: Grant,
    pub(super) used: Option<Use>,
    pub(super) granted_at: DateTime<Utc>,
    /// Sequence of what last changed the row.
    pub(super) version: u64,
}

/// What a voucher is used for.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) booking: BookingId,
    pub(super) discount: Money,
}

impl VoucherBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let sql = "SELECT id, member_id, campaign_id, cause, terms, used_by, discount_minor, currency, granted_at, version \
                     FROM vouchers WHERE id = ANY($1)";
        for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
            let Json(grant) = row.try_get::<Json<Grant>, _>("terms")?;
            let (used_by, minor): (Option<Uuid>, Option<i64>) =
                (row.try_get("used_by")?, row.try_get("discount_minor")?);
            let currency = row.try_get::<Option<&str>, _>("currency")?.and_then(|code| code.parse().ok());
            let used = used_by.zip(minor).zip(currency).map(|((booking, minor), currency)| Use {
                booking: BookingId(booking),
                discount: Money::new(minor, currency),
            });
            let voucher = VoucherRow {
                member: MemberId(row.try_get("member_id")?),
                campaign: CampaignId(row.try_get("campaign_id")?),
                cause: row.try_get("cause")?,
                grant,
                used,
                granted_at: row.try_get("granted_at")?,
                version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            };
            self.vouchers.keep_stored(RewardId(row.try_get("id")?), voucher);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let vouchers = match part {
            Part::All => self.vouchers.take_all(),
            Part::Cold => self.vouchers.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&VOUCHERS), Rows::new(&VOUCHERS));
        for taken in &vouchers {
            write(if taken.is_stored { &mut stored } else { &mut new }, taken.key, &taken.value);
        }
        changes.write_new(new);
        changes.write(stored);
    }

    pub(super) fn bytes(&self) -> usize {
        self.vouchers.len() * VOUCHER_BYTES
    }
}

fn write(rows: &mut Rows, id: RewardId, reward: &VoucherRow) {
    rows.row()
        .uuid(id.0)
        .uuid(reward.member.0)
        .uuid(reward.campaign.0)
        .text(&reward.cause)
        .text(reward.grant.as_str())
        .json(&reward.grant)
        .instant_if_any(reward.grant.voucher().and_then(|voucher| voucher.expires_at))
        .uuid_if_any(reward.used.map(|used| used.booking.0))
        .int_if_any(reward.used.map(|used| used.discount.minor))
        .text_if_any(reward.used.as_ref().map(|used| used.discount.currency.as_str()))
        .instant(reward.granted_at)
        .int(reward.version.cast_signed());
}
