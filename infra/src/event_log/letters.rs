//! How many dead letters may need somebody.

use sqlx::Row;
use traveladvisor_domain::bus::ANNOUNCING;

use super::{EventLog, LogError, in_time};
use crate::fail_points::Point;

/// Events of letters that are looked at to count those that are open, at most.
pub const LETTER_EVENTS_COUNTED_MAX: u64 = 10_000;

/// Letters that are open, by what becomes of them: exact as long as all letters together have no more than [`LETTER_EVENTS_COUNTED_MAX`]
/// events, else at least so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenLetters {
    /// They come again by themselves, at their next wake-up.
    pub come_again: u64,
    /// They have answered their saga as a fault, which asks again.
    pub sagas_ask_again: u64,
    /// Nobody else brings them.
    pub need_operator: u64,
}

impl EventLog {
    /// Counts the letters that are open. Those of timers and of what a gateway said are not among them unless they come again: their saga and
    /// their payment bring them. What was for others is told by the event that caused it, as [`ANNOUNCING`] has it; no cause is decoded.
    pub async fn open_letters(&self) -> Result<OpenLetters, LogError> {
        let query = sqlx::query(
            "WITH looked_at AS (SELECT aggregate_id, sequence, event_type, payload FROM events WHERE aggregate_type = 'dead_letter' \
                                 ORDER BY aggregate_id DESC, sequence DESC LIMIT $1), \
                  letters AS (SELECT DISTINCT ON (aggregate_id) * FROM looked_at ORDER BY aggregate_id DESC, sequence DESC), \
                  open AS (SELECT event_type, payload #>> '{MessageDeadLettered,cause_stream}' AS cause, \
                                  (payload #>> '{MessageDeadLettered,cause_sequence}')::bigint AS cause_sequence, \
                                  EXISTS (SELECT FROM wakeups w WHERE w.aggregate_type = 'dead_letter' AND w.aggregate_id = l.aggregate_id) AS wakes, \
                                  payload #>> '{MessageDeadLettered,instruction}' IS NOT NULL \
                                  OR payload #>> '{RecordDeadLettered,instruction}' IS NOT NULL \
                                     AND payload #>> '{RecordDeadLettered,booking}' IS NOT NULL AS answers \
                             FROM letters l WHERE event_type <> 'LetterDiscarded') \
             SELECT count(*) FILTER (WHERE wakes) AS come_again, \
                    count(*) FILTER (WHERE NOT wakes AND answers) AS sagas_ask_again, \
                    count(*) FILTER (WHERE NOT wakes AND NOT answers \
                                       AND (o.event_type = 'RecordDeadLettered' OR c.event_type = ANY($2))) AS need_operator \
               FROM open o \
               LEFT JOIN events c ON c.aggregate_type = regexp_replace(o.cause, '_[^_]*$', '') \
                                 AND c.aggregate_id = o.cause AND c.sequence = o.cause_sequence",
        )
        .bind(LETTER_EVENTS_COUNTED_MAX.cast_signed())
        .bind(ANNOUNCING);
        let row = in_time(Point::LettersCounted, query.fetch_one(self.lent())).await?;
        let count = |column| row.get::<i64, _>(column).unsigned_abs();
        Ok(OpenLetters {
            come_again: count("come_again"),
            sagas_ask_again: count("sagas_ask_again"),
            need_operator: count("need_operator"),
        })
    }
}
