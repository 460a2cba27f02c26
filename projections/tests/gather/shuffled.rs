//! The same rows for every interleaving of logs.

use std::collections::{BTreeSet, HashSet, VecDeque};

use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, GATHER, Gathering, Moved, Position, StoredEvent};
use traveladvisor_infra::testing::chaos;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::{ProjectionName, Projectors};

use super::{LOGS, Logs, schema};
use crate::rebuild::rows;
use crate::support::random::{Dice, history};
use crate::support::{House, LIMIT};

const HISTORIES: u64 = 3;
const TRIPS: u64 = 10;
const SHUFFLES: u64 = 3;

/// Rows without places in the log.
async fn placeless(logs: &Logs, schema: &str) -> Vec<String> {
    let mut rows: Vec<String> = rows(logs.pool(), schema).await.iter().map(|row| without_positions(row)).collect();
    rows.sort();
    rows
}

fn without_positions(row: &str) -> String {
    const KEY: &str = "\"position\":";
    let mut pieces = row.split(KEY);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + "#" + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

async fn fold(log: &EventLog) {
    let projectors = Projectors::start(log.clone());
    let reads = Reads::new(log, &projectors);
    let head = log.head().await.expect("the log answers");
    for name in ProjectionName::ALL {
        reads.wait_for(name, head, LIMIT).await.expect("the projection comes there");
    }
    projectors.stop().await;
}

/// The trip that an event tells of: its id stands in it, or is that of the stream.
fn trips(event: &StoredEvent, known: &BTreeSet<StreamId>) -> Option<StreamId> {
    match event.stream.kind {
        StreamKind::Payment | StreamKind::TripSaga => Some(StreamId::new(StreamKind::Booking, event.stream.uuid)),
        StreamKind::Booking => None,
        _ => known.iter().copied().find(|trip| event.payload.contains(&trip.to_string())),
    }
}

/// Everything in an order that a gatherer can produce: that of each log, and of a trip nothing before its first event.
fn shuffled(dice: &mut Dice, logs: Vec<Vec<StoredEvent>>) -> Vec<(usize, StoredEvent)> {
    let known: BTreeSet<StreamId> =
        logs[0].iter().filter(|event| event.sequence == 1).map(|event| event.stream).collect();
    let mut queues: Vec<VecDeque<StoredEvent>> = logs.into_iter().map(VecDeque::from).collect();
    let (mut begun, mut order) = (HashSet::new(), Vec::new());
    while queues.iter().any(|queue| !queue.is_empty()) {
        let place = usize::try_from(dice.roll(queues.len() as u64)).expect("a place");
        // One after the other, or all that there is of one log: it was away, or the others were.
        let burst = [1, 3, 20, u64::MAX][usize::try_from(dice.roll(4)).expect("few")];
        for _ in 0..burst {
            let Some(event) = queues[place].front() else { break };
            let is_held = place > 0 && trips(event, &known).is_some_and(|trip| !begun.contains(&trip));
            if is_held {
                break;
            }
            let event = queues[place].pop_front().expect("the first");
            begun.insert(event.stream);
            order.push((place, event));
        }
    }
    order
}

async fn gather(read: &EventLog, order: Vec<(usize, StoredEvent)>) {
    let claim = sqlx::query_scalar("SELECT claim_ownership($1, 0, 'a test', '1 hour')").bind(GATHER);
    let epoch: i64 = claim.fetch_one(read.pool()).await.expect("claimed");
    let mut reached = [Position::START; LOGS.len()];
    for page in order.chunks(100) {
        let before = reached;
        for (place, event) in page {
            reached[*place] = event.position;
        }
        let moves = (0..LOGS.len()).filter(|place| before[*place] != reached[*place]);
        let moves = moves.map(|place| Moved { log: LOGS[place].into(), from: before[place], to: reached[place] });
        let events = page.iter().map(|(_, event)| event.clone()).collect();
        let gathering = Gathering { epoch: epoch.unsigned_abs(), moves: moves.collect(), events };
        read.gather(&gathering).await.expect("copied").expect("it is ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_the_same_whichever_order_the_logs_of_contexts_come_in() {
    for seed in 0..HISTORIES * u64::from(chaos()) {
        let mut dice = Dice::new(100 + seed);
        let mut house = House::new().await;
        history(&mut house, &mut dice, TRIPS).await;
        let mut logs = Logs::of(house).await;
        logs.tell_all().await;
        fold(&logs.house.log).await;
        let wanted = placeless(&logs, "public").await;
        assert!(wanted.iter().filter(|row| row.starts_with("bookings ")).count() as u64 == TRIPS);
        for shuffle in 0..SHUFFLES {
            let mut told = Vec::new();
            for source in &logs.sources {
                told.push(source.read_after(Position::START, 100_000).await.expect("readable"));
            }
            let name = format!("reading{shuffle}");
            let read = schema(&logs.house, &name).await;
            gather(&read, shuffled(&mut dice, told)).await;
            fold(&read).await;
            let found = placeless(&logs, &name).await;
            let differing: Vec<_> = found
                .iter()
                .filter(|row| !wanted.contains(row))
                .zip(wanted.iter().filter(|row| !found.contains(row)))
                .take(3)
                .collect();
            assert!(found == wanted, "history {seed}, shuffle {shuffle}: {differing:#?}");
        }
    }
}
