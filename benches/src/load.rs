//! Clients that ask again as soon as they are answered, for a while.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::{Failure, Outcome};

/// Longest latency that the histogram tells apart, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;
/// Significant digits of latencies.
const LATENCY_DIGITS: u8 = 3;

/// Somebody who asks one thing at a time.
pub(crate) trait Client: Send + 'static {
    /// Asks once and waits for the answer. Gives how many operations that were.
    fn once(&mut self) -> impl Future<Output = Outcome<u64>> + Send;
}

/// What clients got done in a slice.
pub(crate) struct Slice {
    /// Operations.
    pub(crate) ops: u64,
    /// From the first question to the last answer.
    pub(crate) elapsed: Duration,
    /// Microseconds for each question.
    pub(crate) latency: Histogram<u64>,
}

impl Slice {
    /// Operations each second.
    pub(crate) fn rate(&self) -> f64 {
        self.ops as f64 / self.elapsed.as_secs_f64()
    }

    /// A quantile of the latency, in milliseconds.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// Lets every client ask until the time is over, and gives the clients back.
pub(crate) async fn drive<C: Client>(clients: Vec<C>, duration: Duration) -> Outcome<(Slice, Vec<C>)> {
    let begun = Instant::now();
    let until = begun + duration;
    let mut asking = JoinSet::new();
    for client in clients {
        asking.spawn(ask(client, until));
    }
    let mut slice = Slice { ops: 0, elapsed: Duration::ZERO, latency: histogram()? };
    let mut clients = Vec::new();
    while let Some(done) = asking.join_next().await {
        let (client, ops, latency) = done??;
        slice.ops += ops;
        slice.latency.add(&latency)?;
        clients.push(client);
    }
    slice.elapsed = begun.elapsed();
    Ok((slice, clients))
}

async fn ask<C: Client>(mut client: C, until: Instant) -> Outcome<(C, u64, Histogram<u64>)> {
    let mut latency = histogram()?;
    let mut ops = 0;
    let mut asked = Instant::now();
    while asked < until {
        ops += client.once().await?;
        let answered = Instant::now();
        let micros = u64::try_from((answered - asked).as_micros()).unwrap_or(LATENCY_MAX_US);
        latency.saturating_record(micros.max(1));
        asked = answered;
    }
    Ok((client, ops, latency))
}

fn histogram() -> Outcome<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, LATENCY_DIGITS).map_err(Failure::from)
}
