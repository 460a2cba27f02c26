//! Relay and timers work in the turns of their lease: one process of a log at a time (L12).

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::{EventLog, Lease, Turn};
use traveladvisor_infra::gateway::PaymentGateway;
use traveladvisor_infra::stopping::told;

use super::job::Job;
use super::limits::{OPEN_AGAIN, TIMERS_WAIT_MAX};
use super::old_keys;
use super::relay::Relay;
use super::timers::{NextDue, Timers};

/// What delivers messages and timers to the engine of this process.
pub(crate) struct Source {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) gateway: Arc<dyn PaymentGateway>,
    pub(crate) lane: mpsc::Sender<Job>,
    /// Told by the loop of what it writes.
    pub(crate) next_due: NextDue,
    /// How often a gateway call is looked up before its outcome is left unknown.
    pub(crate) look_ups_max: u32,
}

impl Source {
    /// Delivers in every turn until told to stop. Gives the lease back, to be let go once what was delivered is decided. When the
    /// engine's loop has broken off it lets go by itself and ends, so that another process can deliver.
    pub(crate) async fn run(self, lease: Lease, mut stop: watch::Receiver<bool>) -> Option<Lease> {
        let mut turns = lease.turns();
        loop {
            let turn = tokio::select! {
                () = told(&mut stop) => return Some(lease),
                turn = turns.next() => turn?,
            };
            let mut delivery = pin!(self.deliver(&turn, stop.clone()));
            tokio::select! {
                () = &mut delivery => {}
                () = turn.lost() => {}
                () = self.lane.closed() => {
                    if !is_told(&stop) {
                        tracing::error!("the engine's loop has broken off; another process may deliver");
                        lease.let_go().await;
                        return None;
                    }
                    delivery.await;
                }
            }
            tokio::select! {
                () = told(&mut stop) => return Some(lease),
                // Whoever was told to be deposed waits until its lease says so as well.
                () = turn.lost() => {}
            }
        }
    }

    async fn deliver(&self, turn: &Turn, stop: watch::Receiver<bool>) {
        // The checkpoint is read under the new epoch: what the former owner was still handling is delivered again.
        let mut relay = loop {
            match Relay::open(self, turn.clone()).await {
                Ok(relay) => break relay,
                Err(error) => tracing::warn!(%error, "the relay's checkpoint cannot be read; tried again"),
            }
            tokio::time::sleep(OPEN_AGAIN).await;
        };
        // Answers that stand in the log already go before the deadlines that passed while nobody delivered.
        let caught_up = relay.caught_up();
        let timers = async {
            tokio::time::timeout(TIMERS_WAIT_MAX, caught_up).await.ok();
            Timers::new(self, turn).run(stop.clone()).await;
        };
        tokio::join!(relay.run(stop.clone()), timers, old_keys::forget(self, stop.clone()));
    }
}

fn is_told(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}
