//! A projection in the turns of other processes: how far they have brought it, for those who wait here.

use std::time::Duration;

use sqlx::PgPool;

use super::checkpoint::{self, Seen};
use super::pause::{is_full, paused};
use super::status::{ProjectionState, Voice};
use super::step::describe;

/// How often its checkpoint is looked at while somebody waits for it.
pub const AWAITED_POLL: Duration = Duration::from_millis(20);
/// How often otherwise.
pub const STANDBY_POLL: Duration = Duration::from_secs(1);
/// Pause after the database did not answer.
const FAILED_PAUSE: Duration = Duration::from_millis(250);

/// Looks on; ends only when the projector itself has gone.
pub(super) async fn look_on(pool: &PgPool, name: &'static str, voice: &Voice) {
    let mut waiting = voice.waiting.clone();
    loop {
        if *waiting.borrow_and_update() > 0 {
            tokio::time::sleep(AWAITED_POLL).await;
        } else {
            tokio::select! {
                () = tokio::time::sleep(STANDBY_POLL) => {}
                changed = waiting.changed() => if changed.is_err() { return },
            }
        }
        match checkpoint::look(pool, name).await {
            Ok(Some(seen)) => {
                // Also when it is less than before: rows that were rolled back have not taken in what those of before had.
                voice.reached(seen.position);
                let (state, reason) = standing(seen);
                voice.is(state, reason);
            }
            Ok(None) => voice.is(ProjectionState::Standby, None),
            Err(error) => {
                voice.is(ProjectionState::Waiting, Some(describe(&error)));
                tokio::time::sleep(FAILED_PAUSE).await;
            }
        }
    }
}

/// What keeps it where it is, if anything does.
fn standing(seen: Seen) -> (ProjectionState, Option<String>) {
    match (seen.paused_since, seen.stopped_reason) {
        (Some(since), _) => (ProjectionState::Paused, Some(paused(since))),
        (None, Some(reason)) if is_full(&reason) => (ProjectionState::Paused, Some(reason)),
        (None, Some(reason)) => (ProjectionState::Stopped, Some(reason)),
        (None, None) => (ProjectionState::Standby, None),
    }
}
