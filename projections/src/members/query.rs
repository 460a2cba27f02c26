//! Reading members.

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{MemberId, normalized_email};
use traveladvisor_domain::member::Profile;
use uuid::Uuid;

use crate::reads::ReadError;
use crate::sql::{is_storable, number, word};
use crate::views::MemberView;

const MEMBER: &str =
    "SELECT id, identity, profile, status, referrer_id, version, created_at, updated_at FROM members WHERE";

/// Those of some members that there are, whether they have left or not.
pub(crate) async fn members_of(pool: &PgPool, ids: &[MemberId]) -> Result<Vec<MemberView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(&format!("{MEMBER} id = ANY($1)")).bind(ids).fetch_all(pool).await?;
    rows.iter().map(member).collect()
}

/// The member with this identity.
pub(crate) async fn of_identity(pool: &PgPool, identity: &str) -> Result<Option<MemberView>, ReadError> {
    let found = members_of(pool, &[MemberId::of(identity)]).await?.pop();
    Ok(found.filter(|member| member.identity == identity))
}

/// The member who has this e-mail address now.
pub(crate) async fn by_email(pool: &PgPool, email: &str) -> Result<Option<MemberView>, ReadError> {
    if !is_storable([Some(email)]) {
        return Ok(None);
    }
    let sql = format!("{MEMBER} email_key = $1 ORDER BY id LIMIT 1");
    let row = sqlx::query(&sql).bind(normalized_email(email)).fetch_optional(pool).await?;
    row.as_ref().map(member).transpose()
}

fn member(row: &PgRow) -> Result<MemberView, ReadError> {
    let profile: Option<Json<Profile>> = row.try_get("profile")?;
    Ok(MemberView {
        id: MemberId(row.try_get("id")?),
        identity: row.try_get("identity")?,
        status: word(row, "status")?,
        profile: profile.map(|Json(profile)| profile),
        referrer: row.try_get::<Option<Uuid>, _>("referrer_id")?.map(MemberId),
        version: number(row, "version")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
