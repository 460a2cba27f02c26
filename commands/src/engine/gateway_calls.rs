//! Calls that leave the process: made once the event that asks for them is durable, asked again by key until the outcome is known.

use std::sync::Arc;

use tokio::sync::Semaphore;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::gateway::{PaymentGateway, UnknownOutcome};

use super::limits::{GATEWAY_ASK_PAUSE, GATEWAY_CALL_TIMEOUT};

/// Makes the call and stays until its outcome is known: after an unknown outcome the key is looked up, and only a call that surely never
/// arrived is made again (L16). Its key makes a repeated one harmless. Nothing when the process ends meanwhile.
pub(crate) async fn outcome_of(
    gateway: Arc<dyn PaymentGateway>,
    calls: &Semaphore,
    call: &GatewayCall,
) -> Option<GatewayOutcome> {
    let mut asked = timed(calls, gateway.call(call)).await?;
    loop {
        match asked {
            Ok(outcome) => return Some(outcome),
            Err(unknown) => tracing::warn!(key = call.key, %unknown, "a gateway call's outcome is unknown; asking"),
        }
        tokio::time::sleep(GATEWAY_ASK_PAUSE).await;
        asked = match timed(calls, gateway.look_up(&call.key)).await? {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => timed(calls, gateway.call(call)).await?,
            Err(unknown) => Err(unknown),
        };
    }
}

/// One question, in its turn. A question that nobody answers takes up a place no longer than its time-out.
async fn timed<T>(
    calls: &Semaphore,
    asking: impl Future<Output = Result<T, UnknownOutcome>>,
) -> Option<Result<T, UnknownOutcome>> {
    let _place = calls.acquire().await.ok()?;
    let answer = tokio::time::timeout(GATEWAY_CALL_TIMEOUT, asking).await;
    Some(answer.unwrap_or_else(|_elapsed| Err(UnknownOutcome("no answer in time".to_owned()))))
}
