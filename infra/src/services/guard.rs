//! What stands before the processes of a role: tries, a bulkhead, and a breaker for each process, so that one that is away takes nothing
//! from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, RetryLayer};
use tower::util::BoxCloneSyncService;
use tower::util::rng::HasherRng;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, CircuitState, SlidingWindowType};

use super::exchange::{Answered, Ask, NoAnswer, Process, Repeats};
use super::settings::ServiceSettings;

/// Questions, guarded.
pub(super) type Guarded = BoxCloneSyncService<Ask, Answered, NoAnswer>;
/// One process behind its breaker.
type Breaking = Arc<dyn Fn(Ask) -> BoxFuture<'static, Result<Answered, NoAnswer>> + Send + Sync>;

/// Whether the breaker of a process is open, as it last said.
pub(super) type IsOpen = Arc<AtomicBool>;

/// Guards the processes of a role, each with what its breaker says.
pub(super) fn guarded(
    role: &'static str,
    processes: Vec<(Process, IsOpen)>,
    settings: &ServiceSettings,
) -> Result<Guarded, String> {
    let again = Again::new(role, settings)?;
    let breaking = processes.into_iter().map(|(process, is_open)| breaking(role, process, is_open, settings));
    let any = Arc::new(AnyOf { processes: breaking.collect::<Result<_, _>>()?, next: AtomicUsize::new(0) });
    // Ready at once, always: the bulkhead takes whoever is not ready for full.
    let picking = service_fn(move |ask| any.clone().asked(ask));
    let guarded = ServiceBuilder::new()
        .layer(RetryLayer::new(again))
        .map_err(shed)
        .load_shed()
        .concurrency_limit(settings.at_once_max)
        .service(picking);
    Ok(BoxCloneSyncService::new(guarded))
}

fn breaking(
    role: &'static str,
    process: Process,
    is_open: IsOpen,
    settings: &ServiceSettings,
) -> Result<Breaking, String> {
    let url = process.url.clone();
    let breaker = CircuitBreakerLayer::builder()
        .name(role)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(settings.breaker_window)
        .minimum_number_of_calls(settings.breaker_commands_min)
        .failure_rate_threshold(settings.breaker_failure_share)
        .wait_duration_in_open(settings.breaker_open_for)
        // With several, those that succeed could age out of the window before the last one, and it would never close.
        .permitted_calls_in_half_open(1)
        .failure_classifier(|result: &Result<Answered, NoAnswer>| result.is_err())
        .on_state_transition(move |from, to| {
            // While one command tries, nothing else goes through: it is as good as open.
            is_open.store(to != CircuitState::Closed, Ordering::Relaxed);
            tracing::warn!(role, %url, ?from, ?to, "a process's breaker");
        })
        .build()
        .map_err(|error| error.to_string())?
        .layer(service_fn(move |ask| process.clone().exchange(ask)));
    Ok(Arc::new(move |ask| breaker.clone().oneshot(ask).map_err(broken).boxed()))
}

/// The processes of a role, each asked first in turn.
struct AnyOf {
    processes: Vec<Breaking>,
    next: AtomicUsize,
}

impl AnyOf {
    /// Asks the next one, and those behind it as long as nobody has heard the question.
    async fn asked(self: Arc<Self>, ask: Ask) -> Result<Answered, NoAnswer> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut unheard = NoAnswer::Open;
        for step in 0..self.processes.len() {
            let process = &self.processes[first.wrapping_add(step) % self.processes.len()];
            match process(ask.clone()).await {
                Err(NoAnswer::Open) => {}
                Err(error @ NoAnswer::NotSent(_)) => unheard = error,
                answered => return answered,
            }
        }
        Err(unheard)
    }
}

fn broken(error: CircuitBreakerError<NoAnswer>) -> NoAnswer {
    match error {
        CircuitBreakerError::OpenCircuit => NoAnswer::Open,
        CircuitBreakerError::Inner(error) => error,
    }
}

fn shed(error: BoxError) -> NoAnswer {
    error.downcast::<NoAnswer>().map_or(NoAnswer::Full, |error| *error)
}

/// When a question is asked again.
#[derive(Clone)]
struct Again {
    role: &'static str,
    left: u32,
    backoff: ExponentialBackoff,
    budget: Arc<TpsBudget>,
}

impl Again {
    fn new(role: &'static str, settings: &ServiceSettings) -> Result<Self, String> {
        let ServiceSettings { retry_pause, retry_pause_max, retry_jitter, tries_max, .. } = *settings;
        let mut backoff = ExponentialBackoffMaker::new(retry_pause, retry_pause_max, retry_jitter, HasherRng::new())
            .map_err(|error| error.to_string())?;
        let budget = TpsBudget::new(settings.budget_ttl, settings.budget_per_second_min, settings.budget_share);
        let left = tries_max.saturating_sub(1);
        Ok(Self { role, left, backoff: backoff.make_backoff(), budget: Arc::new(budget) })
    }
}

/// Whether the same question may be asked once more.
fn may_repeat(ask: &Ask, error: &NoAnswer) -> bool {
    match error {
        // Asking at once again would find the breakers open and the bulkhead full again.
        NoAnswer::Full | NoAnswer::Open => false,
        NoAnswer::NotSent(_) => true,
        NoAnswer::Lost(_) => ask.repeats == Repeats::Harmless,
    }
}

impl Policy<Ask, Answered, NoAnswer> for Again {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(&mut self, ask: &mut Ask, result: &mut Result<Answered, NoAnswer>) -> Option<Self::Future> {
        let Err(error) = result else {
            self.budget.deposit();
            return None;
        };
        if !may_repeat(ask, error) || self.left == 0 {
            return None;
        }
        if !self.budget.withdraw() {
            tracing::debug!(role = self.role, "the budget for further tries is used up");
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, ask: &Ask) -> Option<Ask> {
        Some(ask.clone())
    }
}
