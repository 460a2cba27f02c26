//! An append whose answer was lost (L5): the log finds out what became of it, and it happens once.

mod killed;
mod late;
mod silent;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{
    Append, Appended, Conflict, EventLog, KeyEffect, KeyRow, LogError, Position, StoredEvent, Wakeup,
};
use traveladvisor_infra::postgres::{SCHEMA, pool};
use traveladvisor_infra::testing::TestDatabase;
use traveladvisor_infra::testing::proxy::{APPENDS, Fate, Fault, FaultProxy, Step};
use uuid::Uuid;

use crate::event_log::{append, key, stream};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// Pause between two looks at what must happen at last.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A log behind a proxy, and the same log without one.
struct Lab {
    proxy: FaultProxy,
    /// Goes through the proxy.
    log: EventLog,
    /// Does not.
    direct: EventLog,
}

impl Lab {
    async fn before(options: &PgConnectOptions) -> Self {
        let proxy = FaultProxy::start(options, APPENDS);
        let log = EventLog::new("public", pool(proxy.options()));
        let direct = EventLog::new("public", pool(options.clone()));
        let lab = Self { proxy, log, direct };
        // The connection that the faults will meet has run the statement.
        lab.log.append(&Append::default()).await.expect("checked");
        lab
    }

    async fn all(&self) -> Vec<StoredEvent> {
        at_last(|| self.direct.read_after(Position::START, 100_000)).await
    }

    /// What stands at the positions from `first` on are the events of this append, and they stand nowhere else.
    async fn assert_once(&self, append: &Append, first: Position) {
        let all = self.all().await;
        let of_batch = all.iter().filter(|event| is_of(event, append.batch));
        let places: Vec<_> = of_batch.map(|event| (event.position.0, event.stream, event.sequence)).collect();
        let wanted = append.events.iter().zip(first.0..).map(|(event, place)| (place, event.stream, event.sequence));
        assert_eq!(places, wanted.collect::<Vec<_>>());
    }

    async fn assert_nothing_of(&self, append: &Append) {
        assert!(!self.all().await.iter().any(|event| is_of(event, append.batch)), "nothing of it is in the log");
    }

    /// Somebody else appends the next event of these streams.
    async fn others_go_on(&self, streams: &[StreamId]) {
        for stream in streams {
            let next = at_last(|| self.direct.read_stream(*stream, 0)).await.len() as u64 + 1;
            let batch = 0xffff_0000_0000 + u128::from(next) + (stream.uuid.as_u128() << 48);
            self.direct.append(&append(batch, &[(*stream, next)])).await.expect("it commits");
        }
    }
}

fn is_of(event: &StoredEvent, batch: Uuid) -> bool {
    event.decode_metadata().expect("metadata").batch == batch.to_string()
}

/// What the log says, once it can be read.
async fn at_last<T>(read: impl AsyncFn() -> Result<T, LogError>) -> T {
    let reading = async {
        loop {
            match read().await {
                Ok(read) => return read,
                Err(LogError::Unavailable(_)) => tokio::time::sleep(LOOK_AGAIN).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(AT_LAST, reading).await.expect("the log can be read at last")
}

/// The answer to an append, which comes at last.
async fn answered(append: impl Future<Output = Result<Appended, LogError>>) -> Appended {
    tokio::time::timeout(AT_LAST, append).await.expect("answered at last").expect("known")
}

fn first_of(answer: &Appended) -> Position {
    match answer {
        Appended::Committed { first: Some(first) } => *first,
        other => panic!("committed with events: {other:?}"),
    }
}

/// Two new streams, an idempotency key at the second event, and a wake-up.
fn busy(number: u128) -> Append {
    let mut append = append(number, &[(stream(number * 10 + 1), 1), (stream(number * 10 + 2), 1)]);
    let subject = number.to_string();
    append.keys =
        vec![KeyRow { key: key(&subject), input_hash: vec![1], subject: subject.clone(), effect: KeyEffect::At(1) }];
    append.wakeups = vec![Wakeup { stream: stream(number * 10 + 1), kind: "retry", due_at: Some(append.now) }];
    append
}

/// Every step at which an append can be cut, also while its statement is being prepared.
fn steps() -> impl Iterator<Item = (u128, Step)> {
    (1..).zip(Step::ALL)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_cut_at_any_step_stands_once_and_its_caller_is_told_where() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in steps() {
        let lab = Lab::before(&database.options).await;
        let wanted = busy(number);
        let mut struck = lab.proxy.arm(Fault::new(step, Fate::Closed));
        let first = first_of(&answered(lab.log.append(&wanted)).await);
        assert!(struck.has_struck(), "{step:?}");
        lab.assert_once(&wanted, first).await;
        let rows = sqlx::query_as("SELECT subject, position FROM idempotency_keys WHERE key = $1");
        let rows: Vec<(String, i64)> = rows.bind(number.to_string()).fetch_all(&database.pool).await.expect("read");
        assert_eq!(rows, [(number.to_string(), first.0.cast_signed() + 1)], "{step:?}");
        assert_eq!(lab.direct.due_wakeups(wanted.now, 100).await.expect("read").len(), number as usize, "{step:?}");
        // The ring of what this process appended holds it once as well.
        assert_eq!(lab.log.read_after(Position::START, 1_000).await.expect("read"), lab.all().await, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_cut_while_its_statement_is_prepared_is_sent_again() {
    let database = TestDatabase::create(SCHEMA).await;
    let proxy = FaultProxy::start(&database.options, APPENDS);
    let log = EventLog::new("public", pool(proxy.options()));
    let mut struck = proxy.arm(Fault::new(Step::Preparing, Fate::Closed));
    let first = answered(log.append(&busy(1))).await;
    assert!(struck.has_struck());
    assert_eq!(first, Appended::Committed { first: Some(Position(1)) });
    assert_eq!(log.read_after(Position::START, 10).await.expect("read").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_append_is_answered_with_its_first_positions_though_others_have_gone_on_from_it() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in steps() {
        let lab = Lab::before(&database.options).await;
        let wanted = busy(number);
        let streams = [stream(number * 10 + 1), stream(number * 10 + 2)];
        let struck = lab.proxy.arm(Fault::new(step, Fate::Closed).shutting());
        let asked = tokio::spawn({
            let (log, wanted) = (lab.log.clone(), wanted.clone());
            async move { log.append(&wanted).await }
        });
        struck.wait().await;
        if step.reaches_the_server() {
            while lab.direct.read_stream(streams[1], 0).await.expect("read").is_empty() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        lab.others_go_on(&streams).await;
        lab.proxy.open();
        let answer = answered(async { asked.await.expect("not broken off") }).await;
        if step.reaches_the_server() {
            let first = first_of(&answer);
            lab.assert_once(&wanted, first).await;
        } else {
            let moved = streams.map(|stream| Conflict::Stream { stream, expected: 0, actual: 1 });
            assert_eq!(answer, Appended::Conflicts(moved.to_vec()), "{step:?}");
            lab.assert_nothing_of(&wanted).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_append_that_has_lost_its_race_is_told_every_conflict() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in steps() {
        let lab = Lab::before(&database.options).await;
        lab.direct.append(&busy(number)).await.expect("another one was first");
        let mut late = busy(number);
        late.batch = Uuid::from_u128(1_000 + number);
        let mut struck = lab.proxy.arm(Fault::new(step, Fate::Closed));
        let Appended::Conflicts(found) = answered(lab.log.append(&late)).await else {
            panic!("{step:?}: it conflicts")
        };
        assert!(struck.has_struck(), "{step:?}");
        assert!(matches!(&found[..], [Conflict::Stream { .. }, Conflict::Stream { .. }, Conflict::Key { .. }]));
        lab.assert_nothing_of(&late).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_append_without_events_is_harmless_twice() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in steps() {
        let lab = Lab::before(&database.options).await;
        let now = Append::default().now;
        // A check only: a refusal that rests on an empty stream.
        let check = Append { reads: vec![(stream(number), 0)], ..Append::default() };
        let mut struck = lab.proxy.arm(Fault::new(step, Fate::Closed));
        assert_eq!(answered(lab.log.append(&check)).await, Appended::Committed { first: None }, "{step:?}");
        assert!(struck.has_struck(), "{step:?}");

        // "It was so already", kept under a key: the second copy may find the first one's row, which says the same.
        let effect = KeyEffect::Known(Position(7));
        let row = KeyRow { key: key(&format!("so {number}")), input_hash: vec![2], subject: "s".into(), effect };
        let known = Append { keys: vec![row.clone()], now, ..Append::default() };
        lab.proxy.arm(Fault::new(step, Fate::Closed));
        match answered(lab.log.append(&known)).await {
            Appended::Committed { first: None } => assert!(!step.reaches_the_server(), "{step:?}"),
            Appended::Conflicts(found) => {
                assert!(step.reaches_the_server(), "{step:?}");
                let same =
                    Conflict::Key { key: row.key, subject: "s".into(), input_hash: vec![2], position: Position(7) };
                assert_eq!(found, [same]);
            }
            other @ Appended::Committed { .. } => panic!("{step:?}: {other:?}"),
        }

        let wakeups = vec![Wakeup { stream: stream(number), kind: "retry", due_at: Some(now) }];
        let wake = Append { reads: vec![(stream(number), 0)], wakeups, ..Append::default() };
        lab.proxy.arm(Fault::new(step, Fate::Closed));
        assert_eq!(answered(lab.log.append(&wake)).await, Appended::Committed { first: None }, "{step:?}");
        assert_eq!(lab.direct.due_wakeups(now, 100).await.expect("read").len(), number as usize, "{step:?}");
    }
}
