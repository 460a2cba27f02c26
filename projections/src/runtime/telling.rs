//! What a projection's owner writes down of itself, for people: nothing depends on it.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::status::{Ear, ProjectionState};
use super::step::describe;

/// How often it is told at most, and only when something has changed.
pub const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What is told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    state: ProjectionState,
    events_per_second: f64,
    /// How many errors there were, so that the same one is told again.
    errors: u64,
}

/// Tells, for as long as it is polled, beside the work and outside of its transactions.
pub(super) async fn tell(pool: PgPool, ear: Ear) {
    let mut last: Option<Told> = None;
    let mut before = (*ear.position.borrow(), Instant::now());
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        let now = (*ear.position.borrow(), Instant::now());
        let events_per_second = rate(before, now);
        before = now;
        let state = ear.condition.borrow().0;
        if !is_owners(state) {
            last = None;
            continue;
        }
        let (errors, error) = ear.error.borrow().clone();
        let told = Told { state, events_per_second, errors };
        if last.as_ref() == Some(&told) {
            continue;
        }
        let error = error.filter(|_| last.as_ref().map_or(0, |last| last.errors) != errors);
        match write(&pool, ear.name, &told, error).await {
            Ok(()) => last = Some(told),
            Err(error) => tracing::debug!(projection = ear.name, error = describe(&error), "could not tell how it is"),
        }
    }
}

/// Only its owner knows how a projection is doing.
const fn is_owners(state: ProjectionState) -> bool {
    matches!(
        state,
        ProjectionState::Live | ProjectionState::Waiting | ProjectionState::Paused | ProjectionState::Stopped
    )
}

/// Events of the log that were passed in a second: positions have few gaps.
fn rate(before: (Position, Instant), now: (Position, Instant)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let passed = now.0.0.saturating_sub(before.0.0) as f64;
    // Tenths are as much as anybody reads.
    (passed / (now.1 - before.1).as_secs_f64() * 10.0).round() / 10.0
}

async fn write(pool: &PgPool, name: &str, told: &Told, error: Option<String>) -> Result<(), sqlx::Error> {
    let write = sqlx::query(
        "INSERT INTO projection_status AS s (name, state, events_per_s, last_error, last_error_at, told_at) \
         VALUES ($1, $2, $3, $4, CASE WHEN $4 IS NULL THEN NULL ELSE clock_timestamp() END, clock_timestamp()) \
         ON CONFLICT (name) DO UPDATE SET state = excluded.state, events_per_s = excluded.events_per_s, \
             last_error = coalesce(excluded.last_error, s.last_error), \
             last_error_at = coalesce(excluded.last_error_at, s.last_error_at), told_at = excluded.told_at",
    )
    .bind(name)
    .bind(told.state.as_str())
    .bind(told.events_per_second)
    .bind(error);
    outgoing(Point::ProjectionTold, write.execute(pool)).await?;
    Ok(())
}
