//! Many jobs at once: appends are held back, so that what comes meanwhile waits together and becomes one batch.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use sqlx::PgConnection;
use traveladvisor_commands::{CallerCommand, Receipt, Rejection, Request};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, StoredEvent};

use crate::support::{World, car, flight, hotel, metadata};

/// A generous limit for anything that must happen at last.
pub(crate) const AT_LAST: Duration = Duration::from_mins(2);

/// The events of a trip that is paid at the counter or by a good card, in the order of the log.
pub(crate) const THIRTEEN: [&str; 13] = [
    "BookingRequested",
    "SagaStarted",
    "RoomsReserved",
    "StepSucceeded",
    "SeatsReserved",
    "StepSucceeded",
    "VehicleReserved",
    "StepSucceeded",
    "PaymentRequested",
    "PaymentCompleted",
    "StepSucceeded",
    "BookingApproved",
    "SagaSucceeded",
];

/// The order lock of a log, held by a session that is no engine: no append goes through until it lets go.
pub(crate) struct HeldBack(PgConnection);

impl HeldBack {
    pub(crate) async fn hold(log: &EventLog) -> Self {
        let mut session = log.pool().acquire().await.expect("a connection").detach();
        sqlx::query("SELECT pg_advisory_lock(hashtextextended('traveladvisor.log.' || current_schema(), 0))")
            .execute(&mut session)
            .await
            .expect("the lock is had");
        Self(session)
    }

    /// Holds back what writes events and nothing else: a turn of ownership, which begins under the order lock, may still begin.
    pub(crate) async fn hold_events(log: &EventLog) -> Self {
        let mut session = log.pool().acquire().await.expect("a connection").detach();
        sqlx::raw_sql("BEGIN; LOCK TABLE events IN SHARE MODE").execute(&mut session).await.expect("the lock is had");
        Self(session)
    }

    /// Waits until an append waits for the lock.
    pub(crate) async fn until_an_append_waits(&mut self) {
        let waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        let session = &mut self.0;
        let waits = async {
            while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *session).await.expect("the locks are read") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(AT_LAST, waits).await.expect("an append comes");
    }

    pub(crate) async fn let_go(mut self) {
        sqlx::raw_sql("SELECT pg_advisory_unlock_all(); ROLLBACK")
            .execute(&mut self.0)
            .await
            .expect("the lock is let go");
    }
}

/// Supply for so many trips.
pub(crate) async fn list_plenty(world: &World, trips: u32) {
    for command in [
        CallerCommand::UpsertHotel(hotel(trips)),
        CallerCommand::UpsertFlight(flight(trips)),
        CallerCommand::UpsertCar(car(trips)),
    ] {
        world.submit(command, None).await.expect("listed");
    }
}

/// Submits all while an append is held back, so that they wait together.
pub(crate) async fn submit_at_once(world: &World, requests: Vec<Request>) -> Vec<Result<Receipt, Rejection>> {
    let mut held_back = HeldBack::hold(&world.log).await;
    let first = {
        let engine = world.engine.clone();
        let ahead = crate::support::request(CallerCommand::UpsertCar(car(9_999)), None);
        tokio::spawn(async move { engine.submit(ahead).await })
    };
    held_back.until_an_append_waits().await;
    let mut all = Box::pin(join_all(requests.into_iter().map(|request| world.engine.submit(request))));
    assert!(futures::poll!(&mut all).is_pending(), "nothing is answered before its append");
    held_back.let_go().await;
    first.await.expect("no panic").expect("listed");
    tokio::time::timeout(AT_LAST, all).await.expect("all are answered")
}

/// The names of each trip's events, in the order of the log.
pub(crate) fn stories(events: &[StoredEvent]) -> HashMap<String, Vec<&str>> {
    let mut stories: HashMap<String, Vec<&str>> = HashMap::new();
    for event in events {
        let correlation = metadata(event).correlation;
        if correlation.starts_with("booking_") {
            stories.entry(correlation).or_default().push(&event.event_type);
        }
    }
    stories
}

/// How many events of this name each append wrote, the largest number first.
pub(crate) fn in_each_batch(events: &[StoredEvent], name: &str) -> Vec<usize> {
    let mut batches: HashMap<String, usize> = HashMap::new();
    for event in events.iter().filter(|event| event.event_type == name) {
        *batches.entry(metadata(event).batch).or_default() += 1;
    }
    let mut sizes: Vec<usize> = batches.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

/// Sequences count from 1 in every stream, and positions ascend.
pub(crate) fn assert_in_order(events: &[StoredEvent]) {
    let mut sequences: BTreeMap<StreamId, u64> = BTreeMap::new();
    for event in events {
        let last = sequences.entry(event.stream).or_default();
        assert_eq!(event.sequence, *last + 1, "{}", event.stream);
        *last = event.sequence;
    }
    assert!(events.is_sorted_by(|a, b| a.position < b.position));
}
