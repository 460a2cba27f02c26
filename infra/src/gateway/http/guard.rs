//! What stands between the house and a gateway that is slow, unwell or away: a bulkhead, a breaker and a budget for further tries.

use std::sync::Arc;

use futures::TryFutureExt;
use reqwest::Client;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, RetryLayer};
use tower::util::BoxCloneSyncService;
use tower::util::rng::HasherRng;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};

use super::exchange::{Answered, Ask, NoAnswer, exchange};
use super::settings::HttpSettings;

/// Requests of one kind, guarded. Each kind has a guard of its own, so that one that hangs leaves the others their places.
pub(super) type Guarded = BoxCloneSyncService<Ask, Answered, NoAnswer>;

/// What may be tried again here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Only what has surely not been sent.
    NotSent,
    /// Whatever was not answered: it has no effect.
    Unanswered,
}

/// The budget that all kinds share.
pub(super) fn budget(settings: &HttpSettings) -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(settings.budget_ttl, settings.budget_per_second_min, settings.budget_share))
}

/// Guards requests of one kind: first tries and further ones have to pass the bulkhead, then the breaker. Both stand inside of the tries, so
/// that a pause before another try takes up no place.
pub(super) fn guarded(
    kind: &'static str,
    client: Client,
    settings: &HttpSettings,
    again: Again,
) -> Result<Guarded, String> {
    let breaker = CircuitBreakerLayer::builder()
        .name(kind)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(settings.breaker_window)
        .minimum_number_of_calls(settings.breaker_requests_min)
        .failure_rate_threshold(settings.breaker_failure_share)
        .wait_duration_in_open(settings.breaker_open_for)
        // With several, those that succeed could age out of the window before the last one, and it would never close.
        .permitted_calls_in_half_open(1)
        .failure_classifier(|result: &Result<Answered, NoAnswer>| result.as_ref().map_or(true, Answered::is_fault))
        .on_state_transition(move |from, to| tracing::warn!(kind, ?from, ?to, "the payment gateway's breaker"))
        .build()
        .map_err(|error| error.to_string())?
        .layer(service_fn(move |ask| exchange(client.clone(), ask)));
    // Ready at once, always: the bulkhead takes whoever is not ready for full.
    let breaking = service_fn(move |ask| breaker.clone().oneshot(ask).map_err(broken));
    let guarded = ServiceBuilder::new()
        .layer(RetryLayer::new(again))
        .map_err(shed)
        .load_shed()
        .concurrency_limit(settings.at_once_max)
        .service(breaking);
    Ok(BoxCloneSyncService::new(guarded))
}

fn broken(error: CircuitBreakerError<NoAnswer>) -> NoAnswer {
    match error {
        CircuitBreakerError::OpenCircuit => NoAnswer::Refused("the breaker is open: the gateway has failed too often"),
        CircuitBreakerError::Inner(error) => error,
    }
}

fn shed(error: BoxError) -> NoAnswer {
    match error.downcast::<NoAnswer>() {
        Ok(error) => *error,
        Err(_) => NoAnswer::Refused("too many requests to the gateway at once"),
    }
}

/// When a request is made again.
#[derive(Clone)]
pub(super) struct Again {
    repeats: Repeats,
    left: u32,
    backoff: ExponentialBackoff,
    budget: Arc<TpsBudget>,
}

impl Again {
    pub(super) fn new(repeats: Repeats, settings: &HttpSettings, budget: &Arc<TpsBudget>) -> Result<Self, String> {
        let HttpSettings { retry_pause, retry_pause_max, retry_jitter, tries_max, .. } = *settings;
        let mut backoff = ExponentialBackoffMaker::new(retry_pause, retry_pause_max, retry_jitter, HasherRng::new())
            .map_err(|error| error.to_string())?;
        let left = tries_max.saturating_sub(1);
        Ok(Self { repeats, left, backoff: backoff.make_backoff(), budget: budget.clone() })
    }

    fn may_repeat(&self, result: &Result<Answered, NoAnswer>) -> bool {
        match result {
            // Asking at once again would find the breaker open and the bulkhead full again.
            Err(NoAnswer::Refused(_)) => false,
            Err(NoAnswer::NotSent(_)) => true,
            Err(NoAnswer::Lost(_)) => self.repeats == Repeats::Unanswered,
            Ok(answer) => self.repeats == Repeats::Unanswered && answer.is_fault(),
        }
    }
}

impl Policy<Ask, Answered, NoAnswer> for Again {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(&mut self, _: &mut Ask, result: &mut Result<Answered, NoAnswer>) -> Option<Self::Future> {
        if result.as_ref().is_ok_and(|answer| !answer.is_fault()) {
            self.budget.deposit();
            return None;
        }
        if !self.may_repeat(result) || self.left == 0 {
            return None;
        }
        if !self.budget.withdraw() {
            tracing::debug!("the budget for further tries at the payment gateway is used up");
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, ask: &Ask) -> Option<Ask> {
        Some(ask.clone())
    }
}
