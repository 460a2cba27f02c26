//! Calls that leave the process: made once the event that asks for them is durable, asked again by key until the outcome is known.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::gateway::{PaymentGateway, UnknownOutcome};

use super::job::{Cause, Job, Origin, Report, Task};
use super::limits::{GATEWAY_ASK_PAUSE, GATEWAY_CALL_TIMEOUT};
use super::occasion::draw;

/// A call and whom to tell.
pub(crate) struct GatewayJob {
    pub(crate) booking: BookingId,
    pub(crate) call: Box<GatewayCall>,
    pub(crate) cause: Cause,
    pub(crate) origin: Arc<Origin>,
    pub(crate) report: Report,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lane: mpsc::Sender<Job>,
}

/// Makes the call and brings its outcome to the engine. The call's key makes a repeated one harmless.
pub(crate) async fn call_until_known(gateway: Arc<dyn PaymentGateway>, calls: Arc<Semaphore>, asked: GatewayJob) {
    let GatewayJob { booking, call, cause, origin, report, clock, lane } = asked;
    let outcome = {
        let Ok(_permit) = calls.acquire().await else { return };
        known_outcome(gateway.as_ref(), &call).await
    };
    let task = Task::Settle { booking, call, outcome, cause };
    // A lane that is closed means that the process ends; the relay's checkpoint has not moved past this call.
    let _ = lane.send(Job { task, occasion: draw(clock.as_ref()), origin, report, alone: false }).await;
}

/// After an unknown outcome the key is looked up; only a call that surely never arrived is made again (L16).
async fn known_outcome(gateway: &dyn PaymentGateway, call: &GatewayCall) -> GatewayOutcome {
    let mut asked = timed(gateway.call(call)).await;
    loop {
        match asked {
            Ok(outcome) => return outcome,
            Err(unknown) => tracing::warn!(key = call.key, %unknown, "a gateway call's outcome is unknown; asking"),
        }
        tokio::time::sleep(GATEWAY_ASK_PAUSE).await;
        asked = match timed(gateway.look_up(&call.key)).await {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => timed(gateway.call(call)).await,
            Err(unknown) => Err(unknown),
        };
    }
}

async fn timed<T>(asking: impl Future<Output = Result<T, UnknownOutcome>>) -> Result<T, UnknownOutcome> {
    match tokio::time::timeout(GATEWAY_CALL_TIMEOUT, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(UnknownOutcome("no answer in time".to_owned())),
    }
}
