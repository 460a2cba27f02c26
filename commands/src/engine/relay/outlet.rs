//! Where a delivery leaves the relay.

use std::sync::Arc;

use tokio::sync::mpsc;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::message::Body;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::EventLog;

use super::super::bus::Unsendable;
use super::super::gateway_calls::{Calls, Copies};
use super::super::job::{Ack, Job, Report, Task};
use super::super::limits::LOAD_PAUSE;
use super::super::occasion::draw;
use super::super::state::State;
use super::{Delivery, Stopped};

/// The way of one delivery: to the engine's lane, or to the gateway and then to the lane.
pub(super) struct Outlet {
    pub(super) log: EventLog,
    pub(super) calls: Arc<Calls>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lane: mpsc::Sender<Job>,
    pub(super) ack: Ack,
}

impl Outlet {
    pub(super) async fn deliver(self, delivery: Delivery) -> Result<(), Stopped> {
        let Delivery { message, cause, origin, copies } = delivery;
        let task = match &message.body {
            Body::GatewayCall(call) | Body::LookUp(call) => {
                if copies == Copies::Maybe && !self.is_awaited(message.booking, &call.key).await {
                    self.ack.handled();
                    return Ok(());
                }
                let learnt = self.calls.learn(call, copies).await.ok_or(Stopped::Over)?;
                Task::Settle { booking: message.booking, call: Box::new(call.clone()), learnt, cause }
            }
            _ => Task::Message { message: Box::new(message), cause, letter: None },
        };
        let occasion = draw(self.clock.as_ref());
        let job = Job { task, occasion, origin, report: Report::Source(self.ack), alone: false };
        self.lane.send(job).await.map_err(|_| Stopped::Over)
    }

    /// What nobody will ever take is set aside in this log.
    pub(super) async fn set_aside(self, unsendable: Unsendable, why: &str) -> Result<(), Stopped> {
        let occasion = draw(self.clock.as_ref());
        let Some((task, origin)) = unsendable.letter(why, occasion.at) else {
            self.ack.handled();
            return Ok(());
        };
        let job = Job { task, occasion, origin, report: Report::Source(self.ack), alone: false };
        self.lane.send(job).await.map_err(|_| Stopped::Over)
    }

    /// Whether a payment still waits for a call that may have been delivered before. Made once more after the payment had moved on, it would
    /// move money that nobody looks after. Nothing of an earlier turn can be appended any more, so what the log says now is final.
    async fn is_awaited(&self, booking: BookingId, key: &str) -> bool {
        loop {
            match State::empty(StreamKind::Payment).read_on(&self.log, booking.payment()).await {
                Ok(state) => return matches!(&state.aggregate, Aggregate::Payment(payment) if payment.awaits(key)),
                Err(error) => tracing::warn!(key, %error, "a payment cannot be read; its call waits"),
            }
            tokio::time::sleep(LOAD_PAUSE).await;
        }
    }
}
