//! A projection in the turns of other processes: how far they have brought it, for those who wait here.

use std::time::Duration;

use sqlx::PgPool;

use super::checkpoint;
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
            Ok(Some((position, stopped_reason))) => {
                voice.reached_at_least(position);
                let stopped = stopped_reason.is_some();
                voice.is(if stopped { ProjectionState::Stopped } else { ProjectionState::Standby }, stopped_reason);
            }
            Ok(None) => voice.is(ProjectionState::Standby, None),
            Err(error) => {
                voice.is(ProjectionState::Waiting, Some(describe(&error)));
                tokio::time::sleep(FAILED_PAUSE).await;
            }
        }
    }
}
