//! Questions that come at fixed times, whether or not the earlier ones have been answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Outcome;

/// Somebody who answers for one question at a time.
pub(crate) trait Asker: Send + 'static {
    /// Asks the question with this number. Gives when it was answered; an error is a failed question, and the next ones are still asked.
    fn ask(&mut self, number: u32) -> impl Future<Output = Outcome<Instant>> + Send;
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// When it was due.
    pub(crate) due: Instant,
    /// From then on until it was answered: who had to wait for a free asker waited as well.
    pub(crate) latency: Duration,
}

/// What became of all questions.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// Those that were answered.
    pub(crate) answered: Vec<Asked>,
    /// Those that failed.
    pub(crate) failed: Vec<Asked>,
    /// Why the first of them failed.
    pub(crate) first_failure: Option<String>,
}

/// Asks one question every so often until told to stop.
pub(crate) async fn ask_every<A: Asker>(
    interval: Duration,
    askers: Vec<A>,
    stop: watch::Receiver<bool>,
) -> Outcome<Asking> {
    let begun = Instant::now();
    let next = Arc::new(AtomicU32::new(0));
    let mut at_work = JoinSet::new();
    for asker in askers {
        at_work.spawn(ask(asker, begun, interval, next.clone(), stop.clone()));
    }
    let mut all = Asking::default();
    while let Some(done) = at_work.join_next().await {
        let mut done = done?;
        all.answered.append(&mut done.answered);
        all.failed.append(&mut done.failed);
        all.first_failure = all.first_failure.or(done.first_failure);
    }
    Ok(all)
}

async fn ask<A: Asker>(
    mut asker: A,
    begun: Instant,
    interval: Duration,
    next: Arc<AtomicU32>,
    stop: watch::Receiver<bool>,
) -> Asking {
    let mut asking = Asking::default();
    while !*stop.borrow() {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = begun + interval * number;
        tokio::time::sleep_until(due.into()).await;
        match asker.ask(number).await {
            Ok(answered) => asking.answered.push(Asked { due, latency: answered - due }),
            Err(error) => {
                asking.failed.push(Asked { due, latency: due.elapsed() });
                asking.first_failure.get_or_insert_with(|| error.to_string());
            }
        }
    }
    asking
}

/// Latencies within spans of time.
pub(crate) struct Window {
    /// In milliseconds, the shortest first.
    sorted_ms: Vec<f64>,
    span: Duration,
}

impl Window {
    /// Of the questions that were due there.
    pub(crate) fn of(asked: &[Asked], spans: &[(Instant, Instant)]) -> Self {
        let is_inside = |asked: &&Asked| spans.iter().any(|(from, to)| (*from..*to).contains(&asked.due));
        let inside = asked.iter().filter(is_inside);
        let mut sorted_ms: Vec<f64> = inside.map(|asked| asked.latency.as_secs_f64() * 1_000.0).collect();
        sorted_ms.sort_by(f64::total_cmp);
        Self { sorted_ms, span: spans.iter().map(|(from, to)| *to - *from).sum() }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.sorted_ms.len() as f64 / self.span.as_secs_f64()
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted_ms.len()
    }

    /// In milliseconds; not a number when there was none.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let place = (self.sorted_ms.len() as f64 * quantile).ceil() as usize;
        self.sorted_ms.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn max(&self) -> f64 {
        self.quantile(1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Asked, Window};

    #[test]
    fn a_quantile_is_what_so_many_were_not_longer_than() {
        let begun = Instant::now();
        let asked = |ms: u64| Asked { due: begun, latency: Duration::from_millis(ms) };
        let hundred: Vec<Asked> = (1..=100).rev().map(asked).collect();
        let window = Window::of(&hundred, &[(begun, begun + Duration::from_secs(1))]);
        for (quantile, ms) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert!((window.quantile(quantile) - ms).abs() < f64::EPSILON, "{quantile}");
        }
        assert!((window.rate() - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_was_due_at_another_time_is_not_counted_and_of_nothing_nothing_is_told() {
        let begun = Instant::now();
        let asked = [Asked { due: begun, latency: Duration::from_millis(1) }];
        let window = Window::of(&asked, &[(begun + Duration::from_secs(1), begun + Duration::from_secs(2))]);
        assert_eq!(window.count(), 0);
        assert!(window.quantile(0.99).is_nan());
    }
}
