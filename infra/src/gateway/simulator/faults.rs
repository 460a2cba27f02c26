//! What the simulator does wrong, on purpose.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Longest latency that can be asked for, in milliseconds.
const LATENCY_MS_MAX: u64 = 120_000;

/// Faults to inject. All rates are between 0 and 1, each drawn by itself for every request.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// A request takes at least so long before it has its effect.
    pub latency_ms: u64,
    /// And at most so long; when smaller, exactly `latency_ms`.
    pub latency_ms_max: u64,
    /// How many are answered 503 before any effect.
    pub fault_rate: f64,
    /// How many have their effect, and the connection is closed instead of an answer.
    pub lost_answer_rate: f64,
    /// How many find the connection closed before any effect.
    pub lost_request_rate: f64,
    /// How many calls are delivered a second time after the first has ended, as by a network that repeats itself.
    pub duplicate_rate: f64,
    /// Look-ups are not answered.
    pub look_up_outage: bool,
    /// Nothing is answered, but for what rules the simulator itself.
    pub outage: bool,
}

/// How often each fault was injected since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Injected {
    /// Answered 503.
    pub faults: u64,
    /// Done, and the answer lost.
    pub lost_answers: u64,
    /// Lost before any effect.
    pub lost_requests: u64,
    /// Delivered twice.
    pub duplicates: u64,
}

impl Faults {
    /// Checks that rates are rates and latencies bounded.
    ///
    /// # Errors
    ///
    /// A sentence that says what is expected.
    pub fn check(&self) -> Result<(), String> {
        let rates = [self.fault_rate, self.lost_answer_rate, self.lost_request_rate, self.duplicate_rate];
        if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
            return Err("a rate is between 0 and 1".to_owned());
        }
        if self.latency_ms.max(self.latency_ms_max) > LATENCY_MS_MAX {
            return Err(format!("a latency is {LATENCY_MS_MAX} ms at most"));
        }
        Ok(())
    }
}

impl FromStr for Faults {
    type Err = String;

    /// Reads them as JSON, as `POST /v1/faults` takes them.
    fn from_str(text: &str) -> Result<Self, String> {
        let faults: Self = serde_json::from_str(text)
            .map_err(|error| format!("{error}; write JSON such as {{\"latencyMs\": 50, \"lostAnswerRate\": 0.1}}"))?;
        faults.check()?;
        Ok(faults)
    }
}

/// What is to happen to one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fate {
    pub(super) latency: Duration,
    pub(super) is_lost: bool,
    pub(super) is_faulted: bool,
    pub(super) answer_is_lost: bool,
    /// Delivered a second time, with a latency of its own.
    pub(super) again: Option<Duration>,
}

/// The faults in force and the dice.
#[derive(Debug)]
pub(super) struct Dice(Mutex<(Faults, StdRng, Injected)>);

/// What comes to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Question,
    Call,
}

impl Dice {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        Self(Mutex::new((faults, StdRng::seed_from_u64(seed), Injected::default())))
    }

    pub(super) fn set(&self, faults: Faults) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = faults;
    }

    pub(super) fn told(&self) -> (Faults, Injected) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.0, state.2)
    }

    /// Draws the fate of a question: it has no effect that could come twice.
    pub(super) fn question(&self) -> Fate {
        self.draw(Request::Question)
    }

    /// Draws the fate of a call.
    pub(super) fn call(&self) -> Fate {
        self.draw(Request::Call)
    }

    fn draw(&self, request: Request) -> Fate {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, rng, injected) = &mut *state;
        let mut latency = || {
            let longest = faults.latency_ms_max.max(faults.latency_ms);
            Duration::from_millis(rng.random_range(faults.latency_ms..=longest))
        };
        let (first, second) = (latency(), latency());
        let is_lost = rng.random_bool(faults.lost_request_rate);
        let is_faulted = rng.random_bool(faults.fault_rate) && !is_lost;
        let arrives = !is_lost && !is_faulted;
        let answer_is_lost = rng.random_bool(faults.lost_answer_rate) && arrives;
        let comes_again = rng.random_bool(faults.duplicate_rate) && arrives && request == Request::Call;
        injected.lost_requests += u64::from(is_lost);
        injected.faults += u64::from(is_faulted);
        injected.lost_answers += u64::from(answer_is_lost);
        injected.duplicates += u64::from(comes_again);
        Fate { latency: first, is_lost, is_faulted, answer_is_lost, again: comes_again.then_some(second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let faults = Faults { latency_ms_max: 1_000, lost_answer_rate: 0.5, duplicate_rate: 0.5, ..Faults::default() };
        let drawn = |seed| {
            let dice = Dice::new(faults, seed);
            (0..50).map(|_| format!("{:?}", dice.call())).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn faults_that_cannot_be_are_told_how_to_be_written() {
        assert_eq!("{}".parse::<Faults>(), Ok(Faults::default()));
        for (text, says) in [("{\"faultRate\": 2}", "between 0 and 1"), ("{\"rate\": 1}", "latencyMs"), ("x", "JSON")] {
            let error = text.parse::<Faults>().expect_err("refused");
            assert!(error.contains(says), "{error}");
        }
        assert!("{\"latencyMs\": 9999999}".parse::<Faults>().is_err());
    }
}
