//! Reading rewards.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId};
use uuid::Uuid;

use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{Page, Slice, VoucherFilter};
use crate::sql::{Conditions, is_storable_instant, money_if_any, number};
use crate::views::VoucherView;

/// The newest first.
const NEWEST: Order = Order { list: List::Vouchers, columns: &["granted_at", "id"], way: Way::Descending };

const VOUCHER: &str = "SELECT id, member_id, campaign_id, cause, terms, used_by, discount_minor, currency, granted_at, \
     version, EXISTS (SELECT FROM members WHERE members.id = vouchers.member_id AND members.profile IS NULL) AS member_has_left \
     FROM vouchers";

/// Those of some rewards that there are.
pub(crate) async fn vouchers_of(pool: &PgPool, ids: &[RewardId]) -> Result<Vec<VoucherView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(&format!("{VOUCHER} WHERE id = ANY($1)")).bind(ids).fetch_all(pool).await?;
    rows.iter().map(voucher).collect()
}

/// What a member was granted, the newest first.
pub(crate) async fn vouchers(
    pool: &PgPool,
    filter: &VoucherFilter,
    page: &Page,
) -> Result<Slice<VoucherView>, ReadError> {
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(NEWEST, page)?;
    if !filter.usable_at.is_none_or(is_storable_instant) {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(filter)).await?;
    let beyond = window.beyond(pool, || select(filter)).await?;
    let vouchers = rows.iter().map(|row| {
        let voucher = voucher(row)?;
        Ok((window.cursor(&(voucher.granted_at, voucher.id.0)), voucher))
    });
    Ok(window.cut(vouchers.collect::<Result<_, ReadError>>()?, beyond))
}

fn select(filter: &VoucherFilter) -> Conditions<'_> {
    let mut query = Conditions::after(VOUCHER);
    query.and("member_id = ").push_bind(filter.member.0);
    if let Some(at) = filter.usable_at {
        query.and("type IN ('VOUCHER', 'DISCOUNT') AND used_by IS NULL AND (expires_at IS NULL OR expires_at > ");
        query.builder().push_bind(at).push(")");
        query.and("NOT EXISTS (SELECT FROM members WHERE members.id = vouchers.member_id AND members.profile IS NULL)");
    }
    query
}

fn voucher(row: &PgRow) -> Result<VoucherView, ReadError> {
    let Json(grant) = row.try_get("terms")?;
    Ok(VoucherView {
        id: RewardId(row.try_get("id")?),
        member: MemberId(row.try_get("member_id")?),
        campaign: CampaignId(row.try_get("campaign_id")?),
        cause: row.try_get("cause")?,
        grant,
        used_by: row.try_get::<Option<Uuid>, _>("used_by")?.map(BookingId),
        discount: money_if_any(row, "discount_minor")?,
        granted_at: row.try_get("granted_at")?,
        member_has_left: row.try_get("member_has_left")?,
        version: number(row, "version")?,
    })
}
