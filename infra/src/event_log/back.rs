//! Reading back in time: single events by their places, and how far a stream had come at a moment.

use chrono::{DateTime, Utc};
use traveladvisor_domain::id::StreamId;

use super::read::{COLUMNS, stored_event};
use super::{EventLog, LogError, Position, StoredEvent, in_time};
use crate::fail_points::Point;

/// Events of a stream that one statement looks at, so that it ends long before it is given up.
const LOOKED_AT_ONCE: i64 = 100_000;

impl EventLog {
    /// The events at these places, in the order of the log. A place that holds none is left out.
    pub async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position = ANY($1) ORDER BY position");
        let places: Vec<i64> = positions.iter().map(|position| position.0.cast_signed()).collect();
        let rows = in_time(Point::Search, sqlx::query(&sql).bind(places).fetch_all(self.lent())).await?;
        rows.iter().map(stored_event).collect()
    }

    /// The position of the last event that was recorded at this moment or before; [`Position::START`] when there is none. Looked for by
    /// halves, as if the server's clock had never been set back: where it was, one of the places where it passed this moment is found.
    pub async fn position_by(&self, moment: DateTime<Utc>) -> Result<Position, LogError> {
        let (mut before, mut end) = (0, self.head().await?.0);
        while before < end {
            // The first event behind the middle says on which side the moment lies.
            let middle = before + (end - before) / 2;
            let next = "SELECT position, recorded_at <= $2 FROM events WHERE position > $1 ORDER BY position LIMIT 1";
            let next = sqlx::query_as::<_, (i64, bool)>(next).bind(middle.cast_signed()).bind(moment);
            match in_time(Point::Search, next.fetch_optional(self.lent())).await? {
                Some((position, true)) => before = position.unsigned_abs(),
                _ => end = middle,
            }
        }
        Ok(Position(before))
    }

    /// The sequence of the last event of a stream that was recorded at this moment or before, if there is one. What stands before it in the
    /// stream had happened as well, whatever the server's clock said then: clocks are set back, streams are not. Looked for from the end
    /// on, as far as need be.
    pub async fn sequence_by(&self, stream: StreamId, moment: DateTime<Utc>) -> Result<Option<u64>, LogError> {
        let ends = "SELECT max(sequence) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2";
        let within = "SELECT max(sequence) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND recorded_at <= $3 \
                      AND sequence > $4 AND sequence <= $5";
        let (kind, id) = (stream.kind.as_str(), stream.to_string());
        let query = sqlx::query_scalar(ends).bind(kind).bind(&id);
        let last: Option<i64> = in_time(Point::Search, query.fetch_one(self.lent())).await?;
        let mut to = last.unwrap_or(0);
        while to > 0 {
            let after = to.saturating_sub(LOOKED_AT_ONCE);
            let query = sqlx::query_scalar(within).bind(kind).bind(&id).bind(moment).bind(after).bind(to);
            let found: Option<i64> = in_time(Point::Search, query.fetch_one(self.lent())).await?;
            if let Some(found) = found {
                return Ok(Some(found.unsigned_abs()));
            }
            to = after;
        }
        Ok(None)
    }
}
