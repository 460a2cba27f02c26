//! Members in the making.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{MemberId, StreamId, normalized_email};
use traveladvisor_domain::member::Profile;
use uuid::Uuid;

use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};
use crate::views::MemberStatus;

/// About how many bytes a member takes in memory.
const MEMBER_BYTES: usize = 768;

/// Members. Identity, referrer and time of the sign-up never change. Who has left keeps a row without personal values.
pub(super) static MEMBERS: Table = Table {
    name: "members",
    columns: &[
        column("id", Holds::Uuid),
        column("identity", Holds::Text),
        column("email_key", Holds::Text),
        column("status", Holds::Text),
        column("referrer_id", Holds::Uuid),
        column("version", Holds::Int),
        column("created_at", Holds::Instant),
        column("updated_at", Holds::Instant),
        column("profile", Holds::Json),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET email_key = excluded.email_key, status = excluded.status, version = excluded.version, \
         updated_at = excluded.updated_at, profile = excluded.profile",
    ),
};

/// The members that a batch of events touches.
#[derive(Default)]
pub struct MemberBatch {
    pub(super) members: Held<MemberId, MemberRow>,
}

/// A row.
pub(super) struct MemberRow {
    pub(super) identity: String,
    /// Absent once the member has left.
    pub(super) profile: Option<Profile>,
    pub(super) referrer: Option<MemberId>,
    pub(super) version: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl MemberRow {
    const fn status(&self) -> MemberStatus {
        if self.profile.is_some() { MemberStatus::Active } else { MemberStatus::Closed }
    }
}

impl MemberBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let sql = "SELECT id, identity, profile, referrer_id, version, created_at, updated_at FROM members WHERE id = ANY($1)";
        for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
            let profile: Option<Json<Profile>> = row.try_get("profile")?;
            let member = MemberRow {
                identity: row.try_get("identity")?,
                profile: profile.map(|Json(profile)| profile),
                referrer: row.try_get::<Option<Uuid>, _>("referrer_id")?.map(MemberId),
                version: row.try_get::<i64, _>("version")?.unsigned_abs(),
                created_at: row.try_get("created_at")?,
                updated_at: row.try_get("updated_at")?,
            };
            self.members.keep_stored(MemberId(row.try_get("id")?), member);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let members = match part {
            Part::All => self.members.take_all(),
            Part::Cold => self.members.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&MEMBERS), Rows::new(&MEMBERS));
        for taken in &members {
            let rows = if taken.is_stored { &mut stored } else { &mut new };
            write(rows, taken.key, &taken.value);
        }
        changes.write_new(new);
        changes.write(stored);
    }

    pub(super) fn bytes(&self) -> usize {
        self.members.len() * MEMBER_BYTES
    }
}

fn write(rows: &mut Rows, id: MemberId, member: &MemberRow) {
    let email = member.profile.as_ref().map(|profile| normalized_email(&profile.email));
    rows.row()
        .uuid(id.0)
        .text(&member.identity)
        .text_if_any(email.as_deref())
        .text(member.status().as_str())
        .uuid_if_any(member.referrer.map(|referrer| referrer.0))
        .int(member.version.cast_signed())
        .instant(member.created_at)
        .instant(member.updated_at)
        .json_if_any(member.profile.as_ref());
}
