//! What the relay sends of a backlog: trips were booked while nobody delivered.

use std::time::{Duration, Instant};

use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::RELAY;

use super::SCENARIO;
use super::installation::Installation;
use crate::Outcome;
use crate::broker::BenchBroker;
use crate::cost::Spent;
use crate::options::ROUNDS;
use crate::report::{Bound, Limit, Row, progress};
use crate::server::BenchServer;
use crate::sides::supply;
use crate::sides::trips::{FLIGHTS, traveller, wanted};
use crate::statistics::{median, spread};

/// Messages of the backlog.
const MESSAGES: u64 = 200_000;
/// The same in a short run.
const QUICK_MESSAGES: u64 = 40_000;
/// Requests at once while the backlog is made.
const ASKED_AT_ONCE: usize = 512;
/// What is asked of the relay, in messages each second.
const RATE_MIN: f64 = 20_000.0;
/// Trips after which flights, days and hotels are the same again: what is asked for is never carried out here.
const TRIPS_ROUND: u64 = 10_000;
/// Longest wait for a round.
const ROUND_MAX: Duration = Duration::from_mins(3);
/// Pause between two looks at the checkpoint.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(super) async fn run(server: &BenchServer, broker: &BenchBroker, quick: bool) -> Outcome<Row> {
    let contexts = [Context::Booking, Context::Hotel, Context::Flight, Context::Car];
    let mut installation = Installation::open(server, broker, ("backlog", &contexts)).await?;
    for context in contexts {
        let delivery = if context == Context::Booking { Delivery::Elsewhere } else { Delivery::Here };
        installation.start(context, delivery).await?;
    }
    installation.list_supply().await?;
    for context in [Context::Hotel, Context::Flight, Context::Car] {
        installation.stop(context).await;
    }
    let messages = if quick { QUICK_MESSAGES } else { MESSAGES };
    book(&installation, messages).await?;
    installation.stop(Context::Booking).await;
    let log = installation.logs[&Context::Booking].clone();
    let head = log.head().await?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0 WHERE source = $1")
            .bind(RELAY)
            .execute(log.pool())
            .await?;
        let (before, begun) = (Spent::read(server).await?, Instant::now());
        installation.start(Context::Booking, Delivery::Here).await?;
        let sent = async {
            while log.consumed_offset(RELAY).await? < head.0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Outcome::Ok(())
        };
        tokio::time::timeout(ROUND_MAX, sent).await??;
        let rate = messages as f64 / begun.elapsed().as_secs_f64();
        let (cpu_ms, _) = Spent::read(server).await?.since(before);
        rates.push(rate);
        costs.push(cpu_ms / messages as f64);
        progress(&format!("round {round}: {rate:.0} messages/s, {:.4} ms of CPU each", costs[costs.len() - 1]));
        installation.stop(Context::Booking).await;
    }
    installation.end().await;
    let (slowest, fastest) = spread(&rates);
    Ok(Row {
        scenario: SCENARIO.to_owned(),
        what: Some("relay, backlog".to_owned()),
        clients: 1,
        ops_per_s: median(&rates),
        slowest,
        fastest,
        cpu_ms_per_op: median(&costs),
        bounds: vec![Bound::of("messages/s of a backlog", median(&rates), Limit::AtLeast(RATE_MIN))],
        notes: vec![format!(
            "cluster, relay: {messages} messages, from the start of the engine until its checkpoint is behind the last one"
        )],
        ..Row::default()
    })
}

/// Each trip leaves one message for another log: what is asked of its hotel.
async fn book(installation: &Installation, trips: u64) -> Outcome<()> {
    let engine = installation.engines(Context::Booking).into_iter().next().ok_or("no engine to book with")?;
    let asked = (0..trips).map(|number| {
        let engine = engine.clone();
        async move {
            let wanted = wanted(number % TRIPS_ROUND, FLIGHTS, PaymentPlan::None)?;
            let command = CallerCommand::BookTrip { traveller: traveller(number), wanted };
            engine.submit(supply::request(command, Some(format!("backlog-{number}")))).await?;
            Outcome::Ok(())
        }
    });
    futures::stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).try_for_each(|()| ready(Ok(()))).await
}
