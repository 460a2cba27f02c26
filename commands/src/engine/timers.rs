//! Timers: due wake-ups become jobs; the append that handles one moves or clears its row.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::Turn;

use super::job::{Ack, Done, Job, Origin, Report, Task, Token};
use super::limits::{WAKEUPS_PAGE, WAKEUPS_POLL};
use super::occasion::draw;
use super::source::Source;

/// Looks for due wake-ups until told to stop or deposed.
pub(crate) async fn run_timers(source: &Source, turn: &Turn, mut stop: watch::Receiver<bool>) {
    let Source { log, clock, lane, .. } = source;
    let (ack, mut done) = mpsc::unbounded_channel();
    let mut under_way: HashSet<StreamId> = HashSet::new();
    while turn.is_held() && !*stop.borrow() && stop.has_changed().is_ok() {
        while let Ok(report) = done.try_recv() {
            match report {
                Done::Handled(Token::Wake(stream)) | Done::Again(Token::Wake(stream)) => {
                    under_way.remove(&stream);
                }
                Done::Handled(_) | Done::Again(_) => {}
                Done::Deposed => return,
            }
        }
        match log.due_wakeups(clock.now(), WAKEUPS_PAGE).await {
            Ok(due) => {
                for wakeup in due {
                    let ack = || Ack::new(ack.clone(), Token::Wake(wakeup.stream), turn.epoch());
                    if under_way.insert(wakeup.stream)
                        && lane.send(wake(wakeup.stream, clock.as_ref(), ack())).await.is_err()
                    {
                        return;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "due timers cannot be read; tried again"),
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(WAKEUPS_POLL) => {}
        }
    }
}

fn wake(stream: StreamId, clock: &dyn Clock, ack: Ack) -> Job {
    Job {
        task: Task::Wake { stream },
        occasion: draw(clock),
        origin: Arc::new(Origin {
            command: "wake",
            correlation: BookingId(stream.uuid).to_string(),
            causation: None,
            actor: "system".to_owned(),
            traceparent: None,
        }),
        report: Report::Source(ack),
        alone: false,
    }
}
