//! The checkpoint of a read model, looked at from outside: when it had what was committed, and when its rows were switched.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool, Row};
use tokio::sync::watch;

use crate::Outcome;

/// How often it is looked at: a commit seems to be seen by so much later than it was, at most.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// One look that found something else than the look before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// By the bench's clock, when the look was over.
    pub(super) at: Instant,
    /// By the server's clock, which also stamps events.
    server_at: DateTime<Utc>,
    position: i64,
    epoch: i64,
}

/// Looks until told to stop.
pub(super) async fn watch(options: PgConnectOptions, stop: watch::Receiver<bool>) -> Outcome<Vec<Seen>> {
    let mut connection = PgConnection::connect_with(&options).await?;
    let mut seen: Vec<Seen> = Vec::new();
    while !*stop.borrow() {
        let look = "SELECT position, epoch, clock_timestamp() AS at FROM projection_checkpoints WHERE name = 'booking'";
        let row = sqlx::query(look).fetch_one(&mut connection).await?;
        let found = Seen {
            at: Instant::now(),
            server_at: row.get("at"),
            position: row.get("position"),
            epoch: row.get("epoch"),
        };
        if seen.last().is_none_or(|last| (last.position, last.epoch) != (found.position, found.epoch)) {
            seen.push(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    connection.close().await?;
    Ok(seen)
}

/// When somebody took the rows over within a span of time, the last time: a switch does.
pub(super) fn switched(seen: &[Seen], from: Instant, to: Instant) -> Option<Instant> {
    let pairs = seen.windows(2).filter(|pair| pair[0].epoch != pair[1].epoch);
    pairs.map(|pair| pair[1].at).rfind(|at| (from..to).contains(at))
}

/// For each trip that ended within a span of time, how many milliseconds after its append's own time stamp, which is taken before the
/// commit, the read model had all of it. The shortest first.
pub(super) async fn lags_ms(pool: &PgPool, seen: &[Seen], spans: &[(Instant, Instant)]) -> Outcome<Vec<f64>> {
    let mut lags = Vec::new();
    for (from, to) in spans {
        let inside: Vec<&Seen> = seen.iter().filter(|seen| (*from..*to).contains(&seen.at)).collect();
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else { continue };
        let ends = sqlx::query(
            "SELECT position, recorded_at FROM events \
              WHERE position > $1 AND position <= $2 AND event_type IN ('SagaSucceeded', 'SagaCompensated') ORDER BY position",
        )
        .bind(first.position)
        .bind(last.position)
        .fetch_all(pool)
        .await?;
        let mut looks = inside.iter();
        let mut look = looks.next();
        for end in ends {
            let position: i64 = end.get("position");
            while look.is_some_and(|seen| seen.position < position) {
                look = looks.next();
            }
            let Some(seen) = look else { break };
            let lag = seen.server_at - end.get::<DateTime<Utc>, _>("recorded_at");
            lags.push(lag.num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0);
        }
    }
    lags.sort_by(f64::total_cmp);
    Ok(lags)
}
