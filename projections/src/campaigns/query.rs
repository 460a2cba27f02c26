//! Reading campaigns.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::campaign::{CampaignStatus, ClosedBecause};
use traveladvisor_domain::id::CampaignId;
use uuid::Uuid;

use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{CampaignFilter, Page, Slice};
use crate::sql::{Conditions, is_storable_instant, number, word_if_any};
use crate::views::CampaignView;

/// Those that open last come first.
const LATEST: Order = Order { list: List::Campaigns, columns: &["opens_at", "id"], way: Way::Descending };

const CAMPAIGN: &str = "SELECT id, opens_at, opened_by_hand, closed_because, granted, version, created_at, updated_at, \
     details FROM campaigns";

/// Those of some campaigns that there are.
pub(crate) async fn campaigns_of(pool: &PgPool, ids: &[CampaignId]) -> Result<Vec<CampaignView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(&format!("{CAMPAIGN} WHERE id = ANY($1)")).bind(ids).fetch_all(pool).await?;
    rows.iter().map(campaign).collect()
}

/// Campaigns, those that open last first.
pub(crate) async fn campaigns(
    pool: &PgPool,
    filter: &CampaignFilter,
    page: &Page,
) -> Result<Slice<CampaignView>, ReadError> {
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(LATEST, page)?;
    if !is_storable_instant(filter.now) {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(filter)).await?;
    let beyond = window.beyond(pool, || select(filter)).await?;
    let campaigns = rows.iter().map(|row| {
        let campaign = campaign(row)?;
        Ok((window.cursor(&(row.try_get::<DateTime<Utc>, _>("opens_at")?, campaign.id.0)), campaign))
    });
    Ok(window.cut(campaigns.collect::<Result<_, ReadError>>()?, beyond))
}

/// Status is told by the caller's clock: the same rules as the campaign's own.
fn select(filter: &CampaignFilter) -> Conditions<'_> {
    let mut query = Conditions::after(CAMPAIGN);
    if !filter.action.is_empty() {
        let words: Vec<_> = filter.action.iter().map(|action| action.as_str()).collect();
        query.and("action = ANY(").push_bind(words).push(")");
    }
    if !filter.status.is_empty() {
        let words: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
        let status = query.and("CASE WHEN closed_because IS NOT NULL OR ends_at <= ");
        status.push_bind(filter.now).push(" THEN ").push_bind(CampaignStatus::Close.as_str());
        status.push(" WHEN opened_by_hand OR opens_at <= ").push_bind(filter.now);
        status.push(" THEN ").push_bind(CampaignStatus::Active.as_str());
        status.push(" ELSE ").push_bind(CampaignStatus::WillOpen.as_str()).push(" END = ANY(");
        status.push_bind(words).push(")");
    }
    query
}

fn campaign(row: &PgRow) -> Result<CampaignView, ReadError> {
    let Json(details) = row.try_get("details")?;
    Ok(CampaignView {
        id: CampaignId(row.try_get("id")?),
        details,
        opened_by_hand: row.try_get("opened_by_hand")?,
        closed: word_if_any::<ClosedBecause>(row, "closed_because")?,
        granted: number(row, "granted")?,
        version: number(row, "version")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
