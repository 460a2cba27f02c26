//! How soon a commit is with the broker when there is nothing else to do: from the answer to a caller, which comes with the commit, until a
//! reader has the record. A reader gets only what the broker has acknowledged, so what is told is a little more than what is asked.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc::Receiver;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_infra::kafka::{Read, TopicReader};

use super::SCENARIO;
use super::installation::Installation;
use crate::Outcome;
use crate::broker::BenchBroker;
use crate::options::ROUNDS;
use crate::report::{Bound, Limit, Row};
use crate::server::BenchServer;
use crate::sides::supply;
use crate::statistics::{median, spread};

/// What a hotel announces.
const OFFERS: &str = "supply_flow.hotel.booking.notify_offer_changed";
/// Commits of a round.
const COMMITS: u32 = 300;
/// The same in a short run.
const QUICK_COMMITS: u32 = 100;
/// Commits that nobody counts.
const WARM_UP: u32 = 20;
/// Pause between two commits: so long that each meets an idle relay.
const PAUSE: Duration = Duration::from_millis(20);
/// What is asked, in milliseconds.
const P99_MS_MAX: f64 = 50.0;
/// Longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Longest wait for one record.
const RECORD_MAX: Duration = Duration::from_secs(30);

pub(super) async fn run(server: &BenchServer, broker: &BenchBroker, quick: bool) -> Outcome<Row> {
    let mut installation = Installation::open(server, broker, ("acknowledged", &[Context::Hotel])).await?;
    let engine = installation.start(Context::Hotel, Delivery::Here).await?;
    let (_reader, mut reads) = TopicReader::open(&installation.kafka, "bench", OFFERS)?;
    let (mut p50, mut p99, mut longest) = (Vec::new(), Vec::new(), Vec::new());
    let mut rooms = 0;
    for round in 0..=ROUNDS {
        let commits = if round == 0 {
            WARM_UP
        } else if quick {
            QUICK_COMMITS
        } else {
            COMMITS
        };
        let mut latency = Histogram::<u64>::new_with_bounds(1, LATENCY_US_MAX, 3)?;
        for _ in 0..commits {
            rooms += 1;
            let details = HotelDetails { name: format!("Grand Hotel, {rooms} times renamed"), ..supply::hotel(0) };
            engine.submit(supply::request(CallerCommand::UpsertHotel(details), None)).await?;
            let committed = Instant::now();
            tokio::time::timeout(RECORD_MAX, record(&mut reads)).await??;
            let micros = u64::try_from(committed.elapsed().as_micros())?;
            latency.saturating_record(micros.max(1));
            tokio::time::sleep(PAUSE).await;
        }
        if round > 0 {
            let ms = |quantile| latency.value_at_quantile(quantile) as f64 / 1_000.0;
            p50.push(ms(0.5));
            p99.push(ms(0.99));
            longest.push(ms(1.0));
        }
    }
    installation.end().await;
    let (best, worst) = spread(&p99);
    Ok(Row {
        scenario: SCENARIO.to_owned(),
        what: Some("commit to acknowledgement".to_owned()),
        clients: 1,
        p50_ms: median(&p50),
        p99_ms: median(&p99),
        max_ms: spread(&longest).1,
        bounds: vec![Bound::of("ms from commit to acknowledgement, p99", median(&p99), Limit::AtMost(P99_MS_MAX))],
        notes: vec![format!("cluster, commit to acknowledgement: p99 of the rounds from {best:.2} to {worst:.2} ms")],
        ..Row::default()
    })
}

async fn record(reads: &mut Receiver<Read>) -> Outcome<()> {
    loop {
        match reads.recv().await {
            Some(Read::Record(_)) => return Ok(()),
            Some(Read::CaughtUp) => {}
            None => return Err("the reader has lost its client".into()),
        }
    }
}
