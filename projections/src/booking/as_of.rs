//! A trip as it stood at a moment, told by the log and the very fold of the live rows.
//!
//! *Which events.* All that concern the trip, in the log's order, up to the last of them that the server recorded at the moment or before.
//! So it is always a prefix of the trip's history and a state that was really shown: a server's clock may be set back, and an event in
//! between that bears a later time had happened all the same.
//!
//! *Where they stand.* Booking, saga and payment have streams of their own. Events of hotels, flights, cars, rewards, accounts of points and
//! dead letters are found without reading those streams, which may be long: up to the checkpoint of the live read model its timelines and its
//! parked events name them, as all three commit together; what lies behind the checkpoint is searched for the trip's id, which every event
//! about a trip bears. All is read as of one snapshot of the database. Rows that a rebuild has switched to bring their own checkpoint; a read model that stands
//! still leaves more to search. Only when that is more than [`TAIL_POSITIONS_MAX`] there is no answer: rather none than a wrong one.
//!
//! *How.* Parked events are folded as well, so the log may tell more than the live row. One that this program cannot read is an error.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, Position};

use super::rows::TimelineRow;
use super::shown::{Shown, after};
use super::timeline::{HISTORY_ENTRIES_FIRST, HISTORY_ENTRIES_MAX, Lines};
use super::{BookingProjection, fold, key, query};
use crate::reads::ReadError;
use crate::runtime::{FoldError, Held, Projection, decode};
use crate::views::{BookingView, TimelineEntry};

/// Most events of one trip: a saga that waits for decades has fewer.
pub const TRIP_EVENTS_MAX: usize = 100_000;
/// Most positions behind the read model that are searched for one answer.
pub const TAIL_POSITIONS_MAX: u64 = 200_000;
/// Positions searched with one statement.
const TAIL_PAGE: u64 = 20_000;
/// Events of a trip that are read and folded at once.
const FOLD_PAGE: usize = 500;
/// Digits of a second that Postgres keeps.
const SUBSECOND_DIGITS: u16 = 6;

/// The trip's own streams, and what is known of it in those of others. A stream is read by its key whatever the server believes of its length.
const PLACES: &str = "\
SELECT place.position, place.recorded_at, (SELECT max(position) FROM events) AS head, \
       coalesce((SELECT position FROM projection_checkpoints WHERE name = $5), 0) AS folded \
  FROM (SELECT e.position, e.recorded_at FROM unnest($1::text[], $2::text[]) AS own (kind, id) CROSS JOIN LATERAL \
               (SELECT position, recorded_at FROM events WHERE aggregate_type = own.kind AND aggregate_id = own.id \
                 ORDER BY sequence LIMIT $6) e \
         UNION \
        SELECT e.position, e.recorded_at FROM booking_timeline line JOIN events e ON e.position = line.position \
         WHERE line.booking_id = $3 \
         UNION \
        SELECT e.position, e.recorded_at FROM projection_checkpoints live \
          JOIN projection_dead_letters letter ON letter.name = live.name AND letter.generation = live.generation \
          JOIN events e ON e.position = letter.position \
         WHERE live.name = $5 AND strpos(e.payload::text, $4) > 0) AS place \
 ORDER BY place.position LIMIT $6";

/// What names the trip behind the read model.
const TAIL: &str = "\
SELECT position, recorded_at FROM events \
 WHERE position > $1 AND position <= $2 AND aggregate_type = ANY($3) AND strpos(payload::text, $4) > 0";

/// Kinds of streams that serve many trips.
const SHARED: [StreamKind; 6] = [
    StreamKind::Hotel,
    StreamKind::Flight,
    StreamKind::Car,
    StreamKind::DeadLetter,
    StreamKind::Reward,
    StreamKind::PointsAccount,
];

/// The places of a trip's events, and when each was recorded.
type Places = BTreeMap<Position, DateTime<Utc>>;

/// A trip as it stood at a moment, or nothing.
pub(crate) async fn booking(
    log: &EventLog,
    id: BookingId,
    moment: DateTime<Utc>,
    lines: Lines,
) -> Result<Option<BookingView>, ReadError> {
    let places = places(log.pool(), id).await?;
    let last = places.iter().rev().find(|(_, recorded_at)| **recorded_at <= moment);
    let Some((&last, _)) = last else { return Ok(None) };
    let wanted: Vec<Position> = places.range(..=last).map(|(position, _)| *position).collect();
    folded(log, id, &wanted, lines).await
}

async fn places(pool: &PgPool, id: BookingId) -> Result<Places, ReadError> {
    let own = [id.stream(), id.saga(), id.payment()];
    let rows = sqlx::query(PLACES)
        .bind(own.map(|stream| stream.kind.as_str()))
        .bind(own.map(|stream| stream.to_string()))
        .bind(id.0)
        .bind(id.to_string())
        .bind(BookingProjection::NAME)
        .bind(i64::try_from(TRIP_EVENTS_MAX).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    let mut places: Places = rows.iter().map(place).collect::<Result<_, _>>()?;
    let Some(row) = rows.first() else { return Ok(places) };
    // Nothing concerns a trip before its own streams begin.
    let from = position(row, "folded")?.max(position(row, "position")?);
    places.extend(tail(pool, id, from, position(row, "head")?).await?);
    if places.len() >= TRIP_EVENTS_MAX {
        return Err(ReadError::Damaged(format!("{id} has more events than a trip can have")));
    }
    Ok(places)
}

/// Places behind the read model where others tell of the trip.
async fn tail(pool: &PgPool, id: BookingId, from: Position, head: Position) -> Result<Places, ReadError> {
    if head.0.saturating_sub(from.0) > TAIL_POSITIONS_MAX {
        return Err(ReadError::Behind { projection: BookingProjection::NAME, reached: from, wanted: head, why: None });
    }
    let mut found = Places::new();
    let mut after = from;
    while after < head {
        let to = Position(after.0.saturating_add(TAIL_PAGE)).min(head);
        let rows = sqlx::query(TAIL)
            .bind(after.0.cast_signed())
            .bind(to.0.cast_signed())
            .bind(SHARED.map(StreamKind::as_str))
            .bind(id.to_string())
            .fetch_all(pool)
            .await?;
        for row in &rows {
            found.extend([place(row)?]);
        }
        after = to;
    }
    Ok(found)
}

/// What the fold makes of the events at these places.
async fn folded(
    log: &EventLog,
    id: BookingId,
    places: &[Position],
    lines: Lines,
) -> Result<Option<BookingView>, ReadError> {
    let mut states = Held::default();
    let mut told = Told::default();
    for page in places.chunks(FOLD_PAGE) {
        for stored in log.read_at(page).await? {
            let unreadable = |error: FoldError| ReadError::Damaged(format!("event {}: {error}", stored.position));
            let entry = decode(&stored).map_err(unreadable)?;
            for recorded in entry.parts().filter(|recorded| key::booking_of(recorded) == Some(id)) {
                told.extend(fold::told(&mut states, recorded).map_err(unreadable)?);
            }
        }
    }
    let timeline = if lines == Lines::None { Vec::new() } else { told.within_bounds() };
    let trip = states.take_all().pop();
    Ok(trip.map(|trip| query::view(id, trip.value, timeline)))
}

/// A timeline within the bounds of a read: its beginning and the newest lines.
#[derive(Default)]
struct Told {
    first: Vec<TimelineRow>,
    newest: VecDeque<TimelineRow>,
    shown: Option<Shown>,
}

impl Told {
    fn extend(&mut self, line: Option<TimelineRow>) {
        let Some(mut line) = line else { return };
        line.shows = Some(*self.shown.insert(after(self.shown, line.shows, line.kind, line.event_type)));
        if let Some(last) = self.newest.back_mut().or(self.first.last_mut())
            && last.is_of(&line)
        {
            return last.goes_on(line);
        }
        if self.first.len() < HISTORY_ENTRIES_FIRST {
            self.first.push(line);
            return;
        }
        self.newest.push_back(line);
        if self.newest.len() > HISTORY_ENTRIES_MAX - HISTORY_ENTRIES_FIRST {
            self.newest.pop_front();
        }
    }

    fn within_bounds(self) -> Vec<TimelineEntry> {
        self.first.into_iter().chain(self.newest).map(entry).collect()
    }
}

/// As it comes back from the table of timelines.
fn entry(row: TimelineRow) -> TimelineEntry {
    let (status, saga_status) = after(None, row.shows, row.kind, row.event_type);
    TimelineEntry {
        position: row.position,
        at: row.at.trunc_subsecs(SUBSECOND_DIGITS),
        stream: row.kind,
        event_type: row.event_type.to_owned(),
        summary: row.summary,
        signed: row.signed,
        status,
        saga_status,
    }
}

fn place(row: &PgRow) -> Result<(Position, DateTime<Utc>), ReadError> {
    Ok((position(row, "position")?, row.try_get("recorded_at")?))
}

fn position(row: &PgRow, column: &'static str) -> Result<Position, ReadError> {
    Ok(Position(row.try_get::<i64, _>(column)?.unsigned_abs()))
}
