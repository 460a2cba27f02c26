//! Trips in the making: rows by the hundred or by the million.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::state::BookingState;
use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, Taken, column};
use crate::views::{AttentionView, BookingStatus, SagaStatus};

/// About how many bytes a trip takes in memory.
const TRIP_BYTES: usize = 3_072;

/// Trips. Owner, traveller and time of the request never change.
pub(super) static BOOKINGS: Table = Table {
    name: "bookings",
    columns: &[
        column("id", Holds::Uuid),
        column("owner", Holds::Text),
        column("email_key", Holds::Text),
        column("status", Holds::Text),
        column("saga_status", Holds::Text),
        column("created_at", Holds::Instant),
        column("open_since", Holds::Instant),
        column("next_wake_up", Holds::Instant),
        column("attention_since", Holds::Instant),
        column("fingerprint", Holds::Text),
        column("state", Holds::Json),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET status = excluded.status, saga_status = excluded.saga_status, state = excluded.state, \
         open_since = excluded.open_since, next_wake_up = excluded.next_wake_up, \
         attention_since = excluded.attention_since, fingerprint = excluded.fingerprint",
    ),
};

/// What happened to them.
pub(super) static TIMELINE: Table = Table {
    name: "booking_timeline",
    columns: &[
        column("booking_id", Holds::Uuid),
        column("position", Holds::Int),
        column("at", Holds::Instant),
        column("stream_kind", Holds::Text),
        column("event_type", Holds::Text),
        column("summary", Holds::Text),
        column("status", Holds::Text),
        column("saga_status", Holds::Text),
        column("signed", Holds::Text),
    ],
    meeting: Meeting::Never,
};

/// The trips that a batch of events touches, and what is new in their timelines.
pub struct BookingBatch {
    pub(super) states: Held<BookingId, BookingState>,
    timeline: Rows,
    /// The last line of it, until it is known whether its event goes on.
    line: Option<TimelineRow>,
}

/// A line of a timeline.
pub(super) struct TimelineRow {
    pub(super) booking: BookingId,
    pub(super) position: Position,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: StreamKind,
    pub(super) event_type: &'static str,
    pub(super) summary: String,
    /// What only operators read.
    pub(super) signed: Option<String>,
    /// Where booking and saga stand after it, if it is of these two: see [`super::timeline`].
    pub(super) shows: Option<(BookingStatus, SagaStatus)>,
}

impl TimelineRow {
    /// Whether both are of one stored event: its shape was split since, and it stays one line.
    pub(super) fn is_of(&self, later: &Self) -> bool {
        (self.booking, self.position) == (later.booking, later.position)
    }

    /// Takes in what the next part of the same event tells. The line keeps the name of the first.
    pub(super) fn goes_on(&mut self, later: Self) {
        self.summary = format!("{}; {}", self.summary, later.summary);
        self.signed = match (self.signed.take(), later.signed) {
            (Some(before), Some(then)) => Some(format!("{before}; {then}")),
            (before, then) => before.or(then),
        };
        self.shows = later.shows.or(self.shows);
    }
}

impl Default for BookingBatch {
    fn default() -> Self {
        Self { states: Held::default(), timeline: Rows::new(&TIMELINE), line: None }
    }
}

impl BookingBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let rows =
            sqlx::query("SELECT id, state FROM bookings WHERE id = ANY($1)").bind(ids).fetch_all(connection).await?;
        for row in rows {
            let Json(state) = row.try_get::<Json<BookingState>, _>("state")?;
            self.states.keep_stored(BookingId(row.try_get("id")?), state);
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, line: TimelineRow) {
        match &mut self.line {
            Some(last) if last.is_of(&line) => last.goes_on(line),
            _ => {
                self.write_line();
                self.line = Some(line);
            }
        }
    }

    fn write_line(&mut self) {
        let Some(line) = self.line.take() else { return };
        self.timeline
            .row()
            .uuid(line.booking.0)
            .int(line.position.0.cast_signed())
            .instant(line.at)
            .text(line.kind.as_str())
            .text(line.event_type)
            .text(&line.summary)
            .text_if_any(line.shows.map(|(status, _)| status.as_str()))
            .text_if_any(line.shows.map(|(_, saga)| saga.as_str()))
            .text_if_any(line.signed.as_deref());
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let states = match part {
            Part::All => self.states.take_all(),
            Part::Cold => self.states.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&BOOKINGS), Rows::new(&BOOKINGS));
        for taken in &states {
            write(if taken.is_stored { &mut stored } else { &mut new }, taken);
        }
        changes.write_new(new);
        changes.write(stored);
        self.write_line();
        changes.write_new(std::mem::replace(&mut self.timeline, Rows::new(&TIMELINE)));
    }

    pub(super) fn bytes(&self) -> usize {
        self.states.len() * TRIP_BYTES
    }
}

fn write(rows: &mut Rows, trip: &Taken<BookingId, BookingState>) {
    let Taken { key: id, value: state, .. } = trip;
    rows.row()
        .uuid(id.0)
        .text(&state.owner)
        .text(&email_key(&state.traveller.email))
        .text(state.status().as_str())
        .text(state.saga_status().as_str())
        .instant(state.created_at)
        .instant_if_any(state.open_since())
        .instant_if_any(state.saga.next_wake_up)
        .instant_if_any(attention(state).map(|needed| needed.since))
        .text_if_any(attention(state).map(|needed| &*needed.fingerprint))
        .json(state);
}

const fn attention(state: &BookingState) -> Option<&AttentionView> {
    state.saga.attention.as_ref()
}

/// How an e-mail address is compared.
pub(crate) fn email_key(email: &str) -> String {
    email.to_lowercase()
}
