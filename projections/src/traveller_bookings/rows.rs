//! Travellers' trips in the making.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{BookingId, StreamId};
use uuid::Uuid;

use super::state::TripState;
use crate::booking::email_key;
use crate::runtime::{Changes, Held, Holds, Meeting, Part, Rows, Table, column};

/// About how many bytes a trip takes in memory.
const TRIP_BYTES: usize = 512;

/// Trips by their travellers. Whose they are and when they were asked for never changes.
pub(super) static TRIPS: Table = Table {
    name: "traveller_bookings",
    columns: &[
        column("booking_id", Holds::Uuid),
        column("email_key", Holds::Text),
        column("created_at", Holds::Instant),
        column("state", Holds::Json),
    ],
    meeting: Meeting::Merges("(booking_id) DO UPDATE SET state = excluded.state"),
};

/// The trips that a batch of events touches.
#[derive(Default)]
pub struct TripBatch {
    pub(super) trips: Held<BookingId, Trip>,
}

/// A row.
pub(super) struct Trip {
    email_key: String,
    created_at: DateTime<Utc>,
    pub(super) state: TripState,
}

impl Trip {
    pub(super) fn new(email: &str, created_at: DateTime<Utc>, state: TripState) -> Self {
        Self { email_key: email_key(email), created_at, state }
    }
}

impl TripBatch {
    pub(super) async fn load(
        &mut self,
        keys: &BTreeSet<StreamId>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid).collect();
        let sql = "SELECT booking_id, email_key, created_at, state FROM traveller_bookings WHERE booking_id = ANY($1)";
        for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
            let Json(state) = row.try_get::<Json<TripState>, _>("state")?;
            let trip = Trip { email_key: row.try_get("email_key")?, created_at: row.try_get("created_at")?, state };
            self.trips.keep_stored(BookingId(row.try_get("booking_id")?), trip);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, part: Part, changes: &mut Changes) {
        let trips = match part {
            Part::All => self.trips.take_all(),
            Part::Cold => self.trips.take_cold(),
            Part::Final => Vec::new(),
        };
        let (mut new, mut stored) = (Rows::new(&TRIPS), Rows::new(&TRIPS));
        for taken in &trips {
            let rows = if taken.is_stored { &mut stored } else { &mut new };
            let Trip { email_key, created_at, state } = &taken.value;
            rows.row().uuid(taken.key.0).text(email_key).instant(*created_at).json(state);
        }
        changes.write_new(new);
        changes.write(stored);
    }

    pub(super) fn bytes(&self) -> usize {
        self.trips.len() * TRIP_BYTES
    }
}
