//! Relay and timers work in the turns of their lease: one process of a log at a time (L12).

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::{EventLog, Lease, Turn};
use traveladvisor_infra::gateway::PaymentGateway;
use traveladvisor_infra::stopping::told;

use super::bus::{Bus, Outbox, Silence, watch_slot};
use super::gauges::{Gauges, count_letters};
use super::job::Job;
use super::limits::{BROKER_AGAIN, BROKER_AGAIN_MAX, BROKER_STEADY_AFTER, OPEN_AGAIN, TIMERS_WAIT_MAX};
use super::old_keys;
use super::relay::{Relay, Stopped};
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
    /// Where other logs are.
    pub(crate) bus: Option<Bus>,
    /// Where it tells of what is on its way.
    pub(crate) gauges: Arc<Gauges>,
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
                        self.gauges.turn_is_over();
                        lease.let_go().await;
                        return None;
                    }
                    delivery.await;
                }
            }
            self.gauges.turn_is_over();
            tokio::select! {
                () = told(&mut stop) => return Some(lease),
                // Whoever was told to be deposed waits until its lease says so as well.
                () = turn.lost() => {}
            }
        }
    }

    async fn deliver(&self, turn: &Turn, stop: watch::Receiver<bool>) {
        let silence = self.bus.as_ref().map(|_| Arc::new(Silence::begins(now())));
        // Where a connector carries what is for others, its slot tells what the relay cannot know.
        let slot = self.bus.as_ref().filter(|bus| bus.outbox == Outbox::Table).map(|bus| bus.slot.as_str());
        let of_relay = silence.clone().filter(|_| slot.is_none());
        let mut relay = self.open_relay(turn, of_relay.clone()).await;
        // Answers that stand in the log already go before the deadlines that passed while nobody delivered.
        let caught_up = relay.caught_up();
        let timers = async {
            tokio::time::timeout(TIMERS_WAIT_MAX, caught_up).await.ok();
            Timers::new(self, turn, silence.clone()).run(stop.clone()).await;
        };
        tokio::join!(
            self.relay(relay, (turn, of_relay), stop.clone()),
            timers,
            watch_slot(self, (slot, silence.as_deref()), stop.clone()),
            old_keys::forget(self, stop.clone()),
            count_letters(self, stop.clone())
        );
    }

    /// The checkpoint is read under the new epoch: what the former owner was still handling is delivered again.
    async fn open_relay(&self, turn: &Turn, silence: Option<Arc<Silence>>) -> Relay {
        loop {
            match Relay::open(self, turn.clone(), silence.clone()).await {
                Ok(relay) => return relay,
                Err(error) => tracing::warn!(%error, "the relay cannot begin; tried again"),
            }
            tokio::time::sleep(OPEN_AGAIN).await;
        }
    }

    /// Where the broker's client was lost, it begins again at its checkpoint, so that what is sent again goes in order. Dropped at its end:
    /// timers that wait for it need not any more.
    async fn relay(
        &self,
        mut relay: Relay,
        (turn, silence): (&Turn, Option<Arc<Silence>>),
        mut stop: watch::Receiver<bool>,
    ) {
        let mut pause = BROKER_AGAIN;
        let mut begun = now();
        loop {
            let stopped = relay.run(stop.clone()).await;
            if stopped == Stopped::Over {
                return;
            }
            pause =
                if begun.elapsed() > BROKER_STEADY_AFTER { BROKER_AGAIN } else { (pause * 2).min(BROKER_AGAIN_MAX) };
            tokio::select! {
                () = told(&mut stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
            begun = now();
            relay = self.open_relay(turn, silence.clone()).await;
        }
    }
}

/// Measures silence only.
fn now() -> Instant {
    Instant::now()
}

fn is_told(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}
