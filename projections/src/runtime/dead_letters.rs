//! Events that a projection could not take in, and those of the same key that wait behind them (L21).

use std::collections::HashSet;

use sqlx::{PgConnection, PgExecutor, Row};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

/// Most events that are set aside of one projection, those included that only wait. Beyond, it pauses: so many are no accident of a few
/// rows, and what waits is kept in memory by its keys.
pub const PARKED_EVENTS_MAX: usize = 10_000;

/// The keys of which events wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Parked {
    keys: HashSet<StreamId>,
    events: usize,
    /// What was set aside last, until somebody has taken note of it.
    news: Option<String>,
}

/// An event that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) position: Position,
    pub(super) key: StreamId,
    /// Why it cannot be taken in, without any value of it; absent when it waits behind another of its key.
    pub(super) reason: Option<String>,
}

impl Parked {
    /// Whether events of a key wait.
    pub(super) fn holds(&self, key: StreamId) -> bool {
        self.keys.contains(&key)
    }

    /// How many more can be set aside.
    pub(super) const fn room(&self) -> usize {
        PARKED_EVENTS_MAX.saturating_sub(self.events)
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &StreamId> {
        self.keys.iter()
    }

    /// The keys but this one. Only of use for its keys.
    pub(super) fn without(mut self, key: Option<StreamId>) -> Self {
        key.map(|key| self.keys.remove(&key));
        self
    }

    /// The keys of both. Only of use for its keys.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.keys.extend(&other.keys);
        self
    }

    /// These were set aside.
    pub(super) fn add(&mut self, letters: &[Letter]) {
        self.keys.extend(letters.iter().map(|letter| letter.key));
        self.events += letters.len();
        let guilty = letters.iter().rfind(|letter| letter.reason.is_some());
        if let Some(Letter { position, reason: Some(reason), .. }) = guilty {
            self.news = Some(format!("the event at {position} is set aside: {reason}"));
        }
    }

    /// What was set aside since this was last asked.
    pub(super) const fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// What waits of these rows.
    pub(super) async fn read(executor: impl PgExecutor<'_>, name: &str, generation: i64) -> Result<Self, sqlx::Error> {
        let asked = sqlx::query(
            "SELECT key, count(*) AS events FROM projection_dead_letters WHERE name = $1 AND generation = $2 GROUP BY key",
        )
        .bind(name)
        .bind(generation);
        let mut parked = Self::default();
        for row in outgoing(Point::DeadLettersRead, asked.fetch_all(executor)).await? {
            parked.keys.insert(stream(row.try_get("key")?)?);
            parked.events += usize::try_from(row.try_get::<i64, _>("events")?).unwrap_or(usize::MAX);
        }
        Ok(parked)
    }
}

/// A key as it is stored.
pub(super) fn stream(text: &str) -> Result<StreamId, sqlx::Error> {
    text.parse().map_err(|_| sqlx::Error::Decode("a key of an unknown form".into()))
}

/// Sets events aside, in the caller's transaction.
pub(super) async fn park(
    connection: &mut PgConnection,
    name: &str,
    generation: i64,
    letters: &[Letter],
) -> Result<(), sqlx::Error> {
    if letters.is_empty() {
        return Ok(());
    }
    let (positions, keys, reasons) = columns(letters);
    let insert = sqlx::query(
        "INSERT INTO projection_dead_letters (name, generation, position, key, reason) \
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[])",
    )
    .bind(name)
    .bind(generation)
    .bind(positions)
    .bind(keys)
    .bind(reasons);
    outgoing(Point::DeadLettersWritten, insert.execute(connection)).await?;
    Ok(())
}

pub(super) type Columns<'a> = (Vec<i64>, Vec<String>, Vec<Option<&'a str>>);

/// Positions, keys and reasons.
pub(super) fn columns(letters: &[Letter]) -> Columns<'_> {
    let positions = letters.iter().map(|letter| letter.position.0.cast_signed()).collect();
    let keys = letters.iter().map(|letter| letter.key.to_string()).collect();
    (positions, keys, letters.iter().map(|letter| letter.reason.as_deref()).collect())
}
