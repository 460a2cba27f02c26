//! Calls that leave the process: made once the event that asks for them is durable, looked up by key until the outcome is known (L16).
//!
//! Only a call that nobody can have sent before is sent at once. One that may have been is looked up first, and if it has not arrived sent
//! once more under the same key, which makes a second copy harmless. What is not found has surely never arrived once no copy can be carried
//! out any more: every copy expires, and whoever sends draws the expiry before it looks whether its turn still lasts, so that a former
//! owner's last copy expires within one lifetime of the next turn's beginning.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::gateway::{CLOCK_SKEW_MAX, CallError, PaymentGateway, UnknownOutcome, issuer_of};

use super::limits::{
    GATEWAY_CALL_TIMEOUT, GATEWAY_CALLS_AT_ONCE_MAX, GATEWAY_EXPIRIES_TIDY, GATEWAY_LOOK_UP_PAUSE_FIRST,
    GATEWAY_LOOK_UP_PAUSE_MAX,
};
use super::occasion::draw;

/// What was learnt of a call.
#[derive(Debug, Clone)]
pub(crate) enum Learnt {
    /// What came of it.
    Outcome(GatewayOutcome),
    /// It was asked for a bounded number of times, and nobody can tell.
    Unknown(Failure),
}

/// Whether a copy of a call may be under way already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Nobody can have sent it.
    None,
    /// An earlier delivery may have sent it, in this turn or in one before.
    Maybe,
}

/// Tells whether the turn of ownership lasts.
pub(crate) type Held = Box<dyn Fn() -> bool + Send + Sync>;

/// The calls of one turn of ownership.
pub(crate) struct Calls {
    gateway: Arc<dyn PaymentGateway>,
    /// The machine's clock: the gateway has to agree on it.
    clock: Arc<dyn Clock>,
    held: Held,
    /// When the turn had begun, at the latest.
    begun: DateTime<Utc>,
    places: Semaphore,
    look_ups_max: u32,
    expiries: Mutex<Expiries>,
}

impl Calls {
    pub(crate) fn new(gateway: Arc<dyn PaymentGateway>, clock: Arc<dyn Clock>, held: Held, look_ups_max: u32) -> Self {
        let begun = clock.now();
        let places = Semaphore::new(GATEWAY_CALLS_AT_ONCE_MAX);
        Self { gateway, clock, held, begun, places, look_ups_max, expiries: Mutex::default() }
    }

    /// Stays until the outcome is known, or was asked for often enough. Nothing when the turn or the process ends meanwhile.
    pub(crate) async fn learn(&self, call: &GatewayCall, copies: Copies) -> Option<Learnt> {
        if !self.gateway.issued(&call.token) {
            return Some(of_another_gateway(call));
        }
        if copies == Copies::None {
            match self.send(call).await? {
                Ok(outcome) => return Some(Learnt::Outcome(outcome)),
                Err(CallError::NotSent(_)) => return Some(never_arrived()),
                Err(CallError::Unknown(_)) => {}
            }
        }
        let mut may_send = copies == Copies::Maybe;
        for look_up in 0..self.look_ups_max {
            // What may have been sent long ago is looked up at once.
            if look_up > 0 || copies == Copies::None {
                tokio::time::sleep(pause_before(look_up, draw(self.clock.as_ref()).entropy)).await;
            }
            match self.look_up(&call.key).await? {
                Ok(Some(outcome)) => return Some(Learnt::Outcome(outcome)),
                Ok(None) if may_send => {
                    may_send = false;
                    // Not sent is no proof here: the earlier copy may still arrive.
                    if let Ok(outcome) = self.send(call).await? {
                        return Some(Learnt::Outcome(outcome));
                    }
                }
                Ok(None) if self.none_can_arrive(&call.key) => return Some(never_arrived()),
                Ok(None) | Err(_) => {}
            }
        }
        tracing::error!(key = call.key, "nobody can tell what came of a gateway call; it is asked for again later");
        let message = "The payment gateway could not be asked what came of a call: see to it that it answers.";
        Some(Learnt::Unknown(Failure::new(Code::Unavailable, message)))
    }

    /// Sends one copy, in its turn. A question that nobody answers takes up a place no longer than its time-out.
    async fn send(&self, call: &GatewayCall) -> Option<Result<GatewayOutcome, CallError>> {
        let _place = self.places.acquire().await.ok()?;
        let expires_at = self.clock.now() + self.lifetime();
        if !(self.held)() {
            return None;
        }
        let before = self.expiries().note(&call.key, expires_at, self.clock.now() - skew());
        let sent = tokio::time::timeout(GATEWAY_CALL_TIMEOUT, self.gateway.call(call, expires_at)).await;
        let sent = sent.unwrap_or_else(|_elapsed| Err(CallError::Unknown("no answer in time".to_owned())));
        if let Err(error) = &sent {
            tracing::warn!(key = call.key, %error, "a gateway call has no outcome");
        }
        if let Err(CallError::NotSent(_)) = sent {
            self.expiries().restore(&call.key, before);
        }
        Some(sent)
    }

    async fn look_up(&self, key: &str) -> Option<Result<Option<GatewayOutcome>, UnknownOutcome>> {
        let _place = self.places.acquire().await.ok()?;
        let found = tokio::time::timeout(GATEWAY_CALL_TIMEOUT, self.gateway.look_up(key)).await;
        let found = found.unwrap_or_else(|_elapsed| Err(UnknownOutcome("no answer in time".to_owned())));
        if let Err(unknown) = &found {
            tracing::warn!(key, %unknown, "a gateway call could not be looked up; asking again");
        }
        Some(found)
    }

    /// No copy can be carried out any more, nor be on its way into the gateway's ledger: not this process's own last one, and none of
    /// whoever delivered before this turn.
    fn none_can_arrive(&self, key: &str) -> bool {
        let of_earlier_turns = self.begun + self.lifetime();
        let latest = self.expiries().of(key).map_or(of_earlier_turns, |own| own.max(of_earlier_turns));
        self.clock.now() > latest + skew()
    }

    fn lifetime(&self) -> TimeDelta {
        TimeDelta::from_std(self.gateway.request_lifetime()).unwrap_or(TimeDelta::MAX)
    }

    /// Nothing can panic half-way through a change of it, so a poisoned lock is as good as any.
    fn expiries(&self) -> std::sync::MutexGuard<'_, Expiries> {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until when the copies that this turn has sent may be carried out, by key.
#[derive(Default)]
struct Expiries {
    by_key: HashMap<String, DateTime<Utc>>,
    /// So many are left by the last tidying.
    left: usize,
}

impl Expiries {
    fn of(&self, key: &str) -> Option<DateTime<Utc>> {
        self.by_key.get(key).copied()
    }

    /// Returns what stood there before. Forgets what is over for good now and then.
    fn note(&mut self, key: &str, expires_at: DateTime<Utc>, over: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.by_key.len() >= 2 * self.left.max(GATEWAY_EXPIRIES_TIDY) {
            self.by_key.retain(|_, expiry| *expiry >= over);
            self.left = self.by_key.len();
        }
        self.by_key.insert(key.to_owned(), expires_at)
    }

    fn restore(&mut self, key: &str, before: Option<DateTime<Utc>>) {
        match before {
            Some(expiry) => self.by_key.insert(key.to_owned(), expiry),
            None => self.by_key.remove(key),
        };
    }
}

fn never_arrived() -> Learnt {
    let message = "The payment gateway could not be reached: nothing was done.";
    Learnt::Outcome(GatewayOutcome::Faulted(Failure::new(Code::Unavailable, message)))
}

/// It may have been made there: only that gateway can tell.
fn of_another_gateway(call: &GatewayCall) -> Learnt {
    let issuer = issuer_of(&call.token).unwrap_or("of the sandbox");
    tracing::error!(key = call.key, issuer, "a payment belongs to another gateway than this program serves with");
    let message =
        format!("The card is known to the gateway {issuer}, and the program serves with another: serve with that one.");
    Learnt::Unknown(Failure::new(Code::Unavailable, message))
}

fn skew() -> TimeDelta {
    TimeDelta::from_std(CLOCK_SKEW_MAX).unwrap_or(TimeDelta::MAX)
}

/// Doubled for each look-up up to a bound; half of it is certain, half is random.
fn pause_before(look_up: u32, entropy: u64) -> Duration {
    let doubled = GATEWAY_LOOK_UP_PAUSE_FIRST.saturating_mul(1 << look_up.min(16));
    let half_ms = doubled.min(GATEWAY_LOOK_UP_PAUSE_MAX).as_millis() as u64 / 2;
    Duration::from_millis(half_ms + entropy % (half_ms + 1))
}

#[cfg(test)]
mod tests;
