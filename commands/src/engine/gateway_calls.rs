//! Calls that leave the process: made once the event that asks for them is durable, asked again by key until the outcome is known.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::Semaphore;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::gateway::{CallError, PaymentGateway};

use super::limits::{GATEWAY_ASK_PAUSE, GATEWAY_CALL_TIMEOUT};

/// Makes the call and stays until its outcome is known: after an unknown outcome the key is looked up, and only a call that surely never
/// arrived is made again (L16). Its key makes a repeated one harmless. Nothing when the process ends meanwhile.
pub(crate) async fn outcome_of(
    gateway: Arc<dyn PaymentGateway>,
    calls: &Semaphore,
    call: &GatewayCall,
) -> Option<GatewayOutcome> {
    let mut asked = timed(calls, sent(gateway.as_ref(), call)).await?;
    loop {
        match asked {
            Ok(outcome) => return Some(outcome),
            Err(error) => tracing::warn!(key = call.key, %error, "a gateway call has no outcome yet; asking"),
        }
        tokio::time::sleep(GATEWAY_ASK_PAUSE).await;
        asked = match timed(calls, looked_up(gateway.as_ref(), &call.key)).await? {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => timed(calls, sent(gateway.as_ref(), call)).await?,
            Err(unknown) => Err(unknown),
        };
    }
}

async fn sent(gateway: &dyn PaymentGateway, call: &GatewayCall) -> Result<GatewayOutcome, CallError> {
    let lifetime = TimeDelta::from_std(gateway.request_lifetime()).unwrap_or(TimeDelta::zero());
    gateway.call(call, SystemClock.now() + lifetime).await
}

async fn looked_up(gateway: &dyn PaymentGateway, key: &str) -> Result<Option<GatewayOutcome>, CallError> {
    gateway.look_up(key).await.map_err(|unknown| CallError::Unknown(unknown.0))
}

/// One question, in its turn. A question that nobody answers takes up a place no longer than its time-out.
async fn timed<T>(
    calls: &Semaphore,
    asking: impl Future<Output = Result<T, CallError>>,
) -> Option<Result<T, CallError>> {
    let _place = calls.acquire().await.ok()?;
    let answer = tokio::time::timeout(GATEWAY_CALL_TIMEOUT, asking).await;
    Some(answer.unwrap_or_else(|_elapsed| Err(CallError::Unknown("no answer in time".to_owned()))))
}
