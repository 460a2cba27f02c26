//! Calls that leave the process: made once the event that asks for them is durable, asked again by key until the outcome is known.

use std::sync::Arc;

use tokio::sync::Semaphore;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::gateway::{PaymentGateway, UnknownOutcome};

use super::limits::{GATEWAY_ASK_PAUSE, GATEWAY_CALL_TIMEOUT};

/// Makes the call as soon as there is a place for it, and stays until its outcome is known. The call's key makes a repeated one
/// harmless. Nothing when the process ends meanwhile.
pub(crate) async fn outcome_of(
    gateway: Arc<dyn PaymentGateway>,
    calls: &Semaphore,
    call: &GatewayCall,
) -> Option<GatewayOutcome> {
    let _permit = calls.acquire().await.ok()?;
    Some(known_outcome(gateway.as_ref(), call).await)
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
