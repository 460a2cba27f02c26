//! Writers that append, meet on the same streams, roll back, and die.

use std::collections::HashMap;

use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{Append, Appended, Conflict, EventLog, Position, StoredEvent};
use traveladvisor_infra::testing::proxy::{APPENDS, Fate, Fault, FaultProxy, Step, Struck};
use uuid::Uuid;

use super::open::append_in;
use super::{Progress, append, log, stream};

/// Streams that all writers share.
const SHARED_STREAMS: u64 = 5;
/// After so many appends a writer waits until all readers have come to its last event.
const CATCH_UP_EVERY: u64 = 4;

/// How a writer goes about it.
enum Manner {
    /// Through a handle that others use as well.
    Steady,
    /// Appends and rolls back, then appends for good.
    RollsBack(PgPool),
    /// Its connection is ended by an operator after each append, before the commit.
    IsEnded(PgPool),
    /// Its connection breaks off at every step of an append in turn.
    IsCut(Box<FaultProxy>),
}

/// One writer, with a stream of its own.
pub(super) struct Writer {
    number: u64,
    log: EventLog,
    manner: Manner,
    expected: HashMap<StreamId, u64>,
    ledger: Ledger,
}

/// What a writer knows of its appends.
#[derive(Default)]
pub(super) struct Ledger {
    committed: Vec<(Append, Position)>,
    /// Rolled back, or ended before the commit.
    never: Vec<Uuid>,
    pub(super) conflicts: usize,
}

impl Writer {
    pub(super) fn all(options: &PgConnectOptions, ours: &EventLog) -> Vec<Self> {
        let theirs = log(options);
        let writer =
            |(number, (log, manner))| Self { number, log, manner, expected: HashMap::new(), ledger: Ledger::default() };
        let steady = (0..14).map(|_| (ours.clone(), Manner::Steady));
        let in_another_process = (0..6).map(|_| (theirs.clone(), Manner::Steady));
        let roll_back = (0..4).map(|_| (theirs.clone(), Manner::RollsBack(theirs.pool().clone())));
        let are_ended = (0..4).map(|_| (theirs.clone(), Manner::IsEnded(theirs.pool().clone())));
        let are_cut = (0..4).map(|_| {
            let proxy = FaultProxy::start(options, APPENDS);
            (log(&proxy.options()), Manner::IsCut(Box::new(proxy)))
        });
        let all = steady.chain(in_another_process).chain(roll_back).chain(are_ended).chain(are_cut);
        (0..).zip(all).map(writer).collect()
    }

    pub(super) async fn run(mut self, appends: u64, progress: Progress) -> Ledger {
        let mut struck = Vec::new();
        for turn in 0..appends {
            match &self.manner {
                Manner::Steady => {}
                Manner::IsCut(proxy) => {
                    let step = Step::ALL[(self.number + turn) as usize % Step::ALL.len()];
                    struck.push(proxy.arm(Fault::new(step, Fate::Closed)));
                }
                Manner::RollsBack(pool) => {
                    let mut open = pool.begin().await.expect("begun");
                    self.append_in_transaction(&mut open, turn).await;
                    open.rollback().await.expect("rolled back");
                }
                Manner::IsEnded(pool) => {
                    let (mut open, operator) = (pool.begin().await.expect("begun"), pool.clone());
                    self.append_in_transaction(&mut open, turn).await;
                    let pid: i32 =
                        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *open).await.expect("a number");
                    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&operator).await.expect("ended");
                }
            }
            let position = self.append_for_good(turn).await;
            if turn % CATCH_UP_EVERY == CATCH_UP_EVERY - 1 {
                for reader in progress.iter() {
                    reader.clone().wait_for(|at| *at >= position).await.expect("the reader is at work");
                }
            }
        }
        assert!(struck.iter_mut().all(Struck::has_struck));
        self.ledger
    }

    /// The own stream, and one that others write to; whoever is cut writes alone, so that it is not always a mere conflict that is cut.
    fn next(&self, turn: u64, copy: u64) -> Append {
        let second = match self.manner {
            Manner::IsCut(_) => 2_000 + self.number,
            _ => (self.number + turn) % SHARED_STREAMS,
        };
        let streams = [1_000 + self.number, second].map(|number| stream(number.into()));
        let next = streams.map(|stream| (stream, self.expected.get(&stream).unwrap_or(&0) + 1));
        let batch = (self.number + 1) << 48 | turn << 16 | copy;
        append(batch.into(), &next)
    }

    /// Appends until it stands; returns the position of the last event.
    async fn append_for_good(&mut self, turn: u64) -> Position {
        for copy in 1.. {
            let next = self.next(turn, copy);
            match self.log.append(&next).await.expect("known") {
                Appended::Committed { first } => {
                    let first = first.expect("events");
                    self.expected.extend(next.events.iter().map(|event| (event.stream, event.sequence)));
                    let last = Position(first.0 + next.events.len() as u64 - 1);
                    self.ledger.committed.push((next, first));
                    return last;
                }
                Appended::Conflicts(found) => self.learn(&found),
            }
        }
        unreachable!("copies never end")
    }

    fn learn(&mut self, conflicts: &[Conflict]) {
        self.ledger.conflicts += 1;
        for conflict in conflicts {
            let Conflict::Stream { stream, actual, .. } = conflict else { panic!("{conflict:?}") };
            self.expected.insert(*stream, *actual);
        }
    }

    /// Appends in a transaction that stays open.
    async fn append_in_transaction(&mut self, open: &mut PgConnection, turn: u64) {
        loop {
            let next = self.next(turn, 0);
            match append_in(open, &next).await {
                Ok(()) => return self.ledger.never.push(next.batch),
                Err(moved) => self.expected.extend(moved),
            }
        }
    }
}

impl Ledger {
    /// What was told to be committed stands where it was told, and nothing of what was not.
    pub(super) fn assert_kept(&self, table: &[StoredEvent]) {
        for (append, first) in &self.committed {
            let place = table.iter().position(|event| event.position == *first).expect("the first event is there");
            for (wanted, stored) in append.events.iter().zip(&table[place..]) {
                assert_eq!((wanted.stream, wanted.sequence), (stored.stream, stored.sequence));
                assert_eq!(batch_of(stored), append.batch);
            }
        }
        assert!(!table.iter().any(|event| self.never.contains(&batch_of(event))), "nothing that was rolled back");
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = Uuid> {
        self.committed.iter().map(|(append, _)| append.batch)
    }
}

pub(super) fn batch_of(event: &StoredEvent) -> Uuid {
    event.decode_metadata().expect("metadata").batch.parse().expect("an id")
}
