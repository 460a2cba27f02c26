//! The loop's heart: a batch is decided, appended, and only then answered; what the log refuses is decided again (L4, L10).

pub(super) mod aside;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use rand::Rng;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::points::PointsTerms;
use traveladvisor_infra::clock::{Clock, IdSource};
use traveladvisor_infra::event_log::{Appended, Conflict, EventLog, Key, LogError, Position, RELAY};

use super::batch::{Batch, Closed, position_of};
use super::bus::{Move, Post, moves_of};
use super::decide::{Decider, SeenAt, Verdict, key_reused};
use super::follow::Follow;
use super::hydrate::hydrate;
use super::job::{Done, Job, Report, Task};
use super::limits::{
    CONFLICTS_BEFORE_HALVING, LOAD_PAUSE, LOAD_TRIES_MAX, LOADS_AT_ONCE_MAX, PAUSE_ALONE_MAX, TRIES_ALONE_MAX,
};
use super::states::{State, States};
use super::timers::NextDue;
use crate::request::{Receipt, Rejection};

/// What decides. One for each log and process.
pub(crate) struct Core {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) terms: Arc<PointsTerms>,
    pub(crate) states: States,
    pub(crate) follow: Follow,
    pub(crate) next_due: NextDue,
    /// Where a connector carries what is for other logs: what an append has for it.
    pub(crate) outbox: Option<Post>,
    /// Whether the supply listed last was new: then more of it is taken to be new as well and not looked for.
    pub(crate) expects_new_supply: bool,
}

/// Jobs that are decided one batch after the other, each loaded, decided, appended and answered before the next.
pub(crate) struct Part {
    jobs: Vec<Job>,
    conflicts: usize,
    load_tries: usize,
}

impl Part {
    pub(crate) const fn of(jobs: Vec<Job>) -> Self {
        Self { jobs, conflicts: 0, load_tries: 0 }
    }

    fn halves(mut self) -> [Self; 2] {
        let second = self.jobs.split_off(self.jobs.len() / 2);
        [Self::of(self.jobs), Self::of(second)]
    }
}

impl Core {
    /// The careful way, for whatever did not go through at once: every job is answered, handed back to its source, or set aside at
    /// the end. No batch may be under way; the turn is ended by who knows what other jobs wait with.
    pub(crate) async fn process(&mut self, mut parts: VecDeque<Part>) {
        while let Some(mut part) = parts.pop_front() {
            part.jobs.retain(|job| !job.is_abandoned());
            if part.jobs.is_empty() {
                continue;
            }
            self.states.drop_staged();
            for left in self.attempt(part).await.into_iter().rev() {
                parts.push_front(left);
            }
        }
        self.states.drop_staged();
    }

    /// One try. Returns what has to be tried again, in order.
    async fn attempt(&mut self, part: Part) -> Vec<Part> {
        let part = match self.load(part).await {
            Ok(part) => part,
            Err(left) => return left,
        };
        let Part { jobs, conflicts, .. } = part;
        let closed = match self.decide(jobs) {
            Ok(closed) => closed,
            Err(jobs) => return self.refused(Part::of(jobs), "a state could not take an event"),
        };
        if closed.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Guilty(_) | Verdict::Cold)) {
            return self.without_guilty(closed);
        }
        match closed.append_to(&self.log).await {
            Ok(Appended::Committed { first }) => {
                self.committed(closed, first);
                Vec::new()
            }
            Ok(Appended::Conflicts(found)) => self.conflicted(Part { conflicts, ..Part::of(closed.jobs) }, found).await,
            Err(error) => self.refused(Part::of(closed.jobs), &error.to_string()),
        }
    }

    /// What comes of a batch that was appended while the next one was being decided: see [`Self::attempt`].
    pub(crate) async fn failed(&mut self, closed: Closed, why: Result<Vec<Conflict>, LogError>) -> Vec<Part> {
        self.states.drop_staged();
        match why {
            Ok(found) => self.conflicted(Part::of(closed.jobs), found).await,
            Err(error) => self.refused(Part::of(closed.jobs), &error.to_string()),
        }
    }

    /// Loads what is missing. A stream that cannot be read makes guilty those that need it; a database that is away hands all back.
    async fn load(&mut self, mut part: Part) -> Result<Part, Vec<Part>> {
        let failed = hydrate(&self.log, &mut self.states, &part.jobs).await;
        if failed.is_empty() {
            return Ok(part);
        }
        if failed.values().any(|error| matches!(error, LogError::Unavailable(_))) {
            part.load_tries += 1;
            if part.load_tries < LOAD_TRIES_MAX {
                tokio::time::sleep(LOAD_PAUSE).await;
                return Err(vec![part]);
            }
            part.jobs.into_iter().for_each(|job| give_back(job, unavailable()));
            return Err(Vec::new());
        }
        let reads_failed = |job: &Job| job.reads(&self.states).iter().any(|stream| failed.contains_key(stream));
        let (guilty, sound): (Vec<Job>, Vec<Job>) = part.jobs.into_iter().partition(reads_failed);
        part.jobs = sound;
        // What only follow-ups need, such as a part of a trip, stays cold: the batch goes on without it.
        if guilty.is_empty() {
            return Ok(part);
        }
        for (stream, error) in &failed {
            tracing::error!(%stream, %error, "a stream cannot be read");
        }
        let aside = guilty.into_iter().filter_map(|job| self.set_aside(job, "its stream cannot be read")).collect();
        Err(vec![part, Part::of(aside)])
    }

    /// Decides all jobs; gives them back when a state was poisoned.
    fn decide(&mut self, jobs: Vec<Job>) -> Result<Closed, Vec<Job>> {
        let mut batch = Batch::default();
        let mut left = jobs.into_iter();
        for job in left.by_ref() {
            if Decider::new(&mut self.states, &mut batch, &self.terms, self.log.name()).add(job).is_err() {
                let mut jobs = batch.jobs;
                jobs.extend(left);
                return Err(jobs);
            }
        }
        Ok(self.close(batch))
    }

    /// Closes a batch for its append.
    pub(crate) fn close(&self, batch: Batch) -> Closed {
        let now = self.clock.now();
        let mut closed = batch.close(&self.states, self.ids.uuid_v7(now), now);
        // More than one where this process lost a turn and has won the next: the jobs of the lost one fall alone.
        let epochs: BTreeSet<u64> = closed.jobs.iter().filter_map(Job::epoch).collect();
        closed.append.owners = epochs.into_iter().map(|epoch| (RELAY.to_owned(), epoch)).collect();
        closed.moves = moves_of(closed.jobs.iter().filter_map(Job::record));
        let offset = |moved: &Move| (moved.partition.source.clone(), moved.expected, moved.mark);
        closed.append.offsets = closed.moves.iter().map(offset).collect();
        if let Some(post) = &self.outbox {
            match post.rows(&closed.append.events) {
                Ok(rows) => closed.append.outbox = rows,
                Err(why) => closed.unfit = Some(why),
            }
        }
        closed
    }

    /// The batch stands: merges it, then answers.
    pub(crate) fn committed(&mut self, mut closed: Closed, first: Option<Position>) {
        self.states.gauges.count_append();
        closed.moves.iter().for_each(Move::stands);
        self.answer(&mut closed, first);
        closed.merge(&mut self.states, first);
        if let Some(due_at) = closed.append.wakeups.iter().filter_map(|wakeup| wakeup.due_at).min() {
            self.next_due.written(due_at);
        }
        if let Some(first) = first {
            self.follow.own(first, closed.append.events.len());
            self.states.gauges.know(self.follow.known_to());
        }
    }

    /// Before the states are merged, so that those who are answered can go on meanwhile. Nothing is decided in between.
    fn answer(&self, closed: &mut Closed, first: Option<Position>) {
        let (jobs, verdicts) = (std::mem::take(&mut closed.jobs), std::mem::take(&mut closed.verdicts));
        let mut receipts: Vec<Option<Receipt>> = Vec::with_capacity(jobs.len());
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            let answer = match verdict {
                Verdict::Accepted { subject, seen_at, changed } => {
                    Ok(Receipt { subject, position: self.position_at(seen_at, closed, first), changed })
                }
                Verdict::SameAs(earlier) => match receipts.get(earlier).copied().flatten() {
                    Some(receipt) => Ok(Receipt { changed: false, ..receipt }),
                    None => Err(Rejection::new(Code::Conflict, "The same key was refused just now: try again.")),
                },
                Verdict::Rejected(rejection) => Err(rejection),
                Verdict::Moved(rejection, seen_at) => {
                    Err(Rejection { seen_at: Some(self.position_at(seen_at, closed, first)), ..rejection })
                }
                Verdict::Handled | Verdict::Guilty(_) | Verdict::Cold => {
                    receipts.push(None);
                    job.tell_source(Done::Handled);
                    continue;
                }
            };
            receipts.push(answer.as_ref().ok().copied());
            answer_caller(job, answer);
        }
    }

    /// Where an effect of a batch that stands can be read; its states are not merged yet.
    fn position_at(&self, seen_at: SeenAt, closed: &Closed, first: Option<Position>) -> Position {
        let place = match seen_at {
            SeenAt::Place(place) => Some(place),
            SeenAt::Last(stream) => closed.last_place(stream),
        };
        match (first, place, seen_at) {
            (Some(first), Some(place), _) => position_of(first, place),
            (_, _, SeenAt::Last(stream)) => self.states.committed_position(stream),
            (_, _, SeenAt::Place(_)) => Position::START,
        }
    }

    /// Drops the whole batch, reads on the streams that moved, and says what is to be decided again.
    async fn conflicted(&mut self, mut part: Part, conflicts: Vec<Conflict>) -> Vec<Part> {
        self.states.gauges.count_conflict(&conflicts);
        let jobs_before = part.jobs.len();
        let mut moved = Vec::new();
        for conflict in conflicts {
            match conflict {
                Conflict::Stream { stream, expected, actual } => {
                    tracing::debug!(%stream, expected, actual, "a stream has moved");
                    moved.push(stream);
                }
                Conflict::Key { key, subject, input_hash, position } => {
                    part.jobs = answer_known_key(part.jobs, &key, &subject, &input_hash, position);
                }
                Conflict::Owner { expected, .. } => part.jobs = without_turn(part.jobs, expected),
                Conflict::Offset { source, actual } => part.jobs = beyond(part.jobs, &source, actual),
            }
        }
        let is_another_batch = part.jobs.len() < jobs_before;
        if moved.is_empty() && is_another_batch {
            return vec![part];
        }
        // A conflict that changes nothing here counts like one with a stream: it would come back for ever.
        if !moved.is_empty() {
            self.expects_new_supply = false;
            self.read_on(moved).await;
        }
        part.conflicts += 1;
        if part.jobs.len() > 1 {
            if part.conflicts < CONFLICTS_BEFORE_HALVING {
                return vec![part];
            }
            return part.halves().into();
        }
        if part.conflicts >= TRIES_ALONE_MAX {
            let busy = Rejection::new(Code::Conflict, "Others keep changing the same things: try again.");
            part.jobs.into_iter().for_each(|job| give_back(job, busy.clone()));
            return Vec::new();
        }
        pause_alone().await;
        vec![part]
    }

    /// What was not in memory is loaded by the next try.
    async fn read_on(&mut self, moved: Vec<StreamId>) {
        let known: Vec<(StreamId, State)> =
            moved.into_iter().filter_map(|stream| Some((stream, self.states.take_out(stream)?))).collect();
        let log = &self.log;
        let reads = known.into_iter().map(async |(stream, state)| (stream, state.read_on(log, stream).await));
        let read: Vec<_> = futures::stream::iter(reads).buffer_unordered(LOADS_AT_ONCE_MAX).collect().await;
        for (stream, result) in read {
            match result {
                Ok(state) => self.states.put(stream, state),
                // Not in memory any more: the next try loads it or hands the job back.
                Err(error) => tracing::warn!(%stream, %error, "a stream that moved could not be read on"),
            }
        }
    }

    /// The append was refused for its data: halved down to one job, then that one without its follow-ups (L10).
    fn refused(&self, mut part: Part, reason: &str) -> Vec<Part> {
        if part.jobs.len() > 1 {
            return part.halves().into();
        }
        match part.jobs.pop() {
            Some(mut job) if !job.alone => {
                job.alone = true;
                vec![Part::of(vec![job])]
            }
            Some(job) => {
                tracing::error!(reason, command = job.origin.command, "an append was refused");
                vec![Part::of(self.set_aside(job, "its append was refused").into_iter().collect())]
            }
            None => Vec::new(),
        }
    }

    /// The batch again without those that cannot be decided.
    fn without_guilty(&self, closed: Closed) -> Vec<Part> {
        let mut sound = Vec::new();
        let mut aside = Vec::new();
        for (job, verdict) in closed.jobs.into_iter().zip(closed.verdicts) {
            match verdict {
                Verdict::Guilty(reason) => {
                    tracing::error!(reason, command = job.origin.command, "a job cannot be decided");
                    aside.extend(self.set_aside(job, reason));
                }
                Verdict::Cold => give_back(job, unavailable()),
                _ => sound.push(job),
            }
        }
        vec![Part::of(sound), Part::of(aside)]
    }
}

/// Drops the jobs of a turn that has passed; whoever owns their source now delivers them again.
fn without_turn(jobs: Vec<Job>, epoch: u64) -> Vec<Job> {
    let (passed, others): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.epoch() == Some(epoch));
    for job in passed {
        job.tell_source(|_| Done::Deposed);
    }
    others
}

/// The jobs that are left when the stored offset of their partition is another than expected. The partition is lost with all its jobs and
/// read on from there, unless it was this process that had moved it by an append whose answer was lost: then those before it are done.
fn beyond(jobs: Vec<Job>, source: &str, actual: u64) -> Vec<Job> {
    let is_of = |job: &Job| job.record().is_some_and(|record| record.partition.source == source);
    let Some(partition) = jobs.iter().find(|job| is_of(job)).and_then(Job::record).map(|it| it.partition.clone())
    else {
        tracing::error!(source, "an offset moved that no append names");
        return jobs;
    };
    let is_ours = partition.is_as_sent(actual);
    if !is_ours {
        partition.lose();
    }
    let (named, mut others): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(is_of);
    for job in named {
        match job.record() {
            // Each is told, also those before the offset: whoever consumes would else never hear that nothing more of it is taken.
            _ if !is_ours => job.tell_source(Done::Lost),
            Some(record) if record.offset < actual => job.tell_source(Done::Handled),
            _ => others.push(job),
        }
    }
    others
}

/// Those whose key was taken are answered from its row (L3).
fn answer_known_key(jobs: Vec<Job>, key: &Key, subject: &str, input_hash: &[u8], position: Position) -> Vec<Job> {
    let (named, others): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| carries(job, key));
    for job in named {
        let same = matches!(&job.task, Task::Caller { request, .. }
            if request.idempotency.as_ref().is_some_and(|given| given.input_hash == input_hash));
        let answer = match subject.parse() {
            Ok(subject) if same => Ok(Receipt { subject, position, changed: false }),
            Ok(_) => Err(key_reused()),
            Err(_) => Err(Rejection::new(Code::Internal, "The key's row cannot be read: report it.")),
        };
        answer_caller(job, answer);
    }
    others
}

fn carries(job: &Job, key: &Key) -> bool {
    let Task::Caller { request, .. } = &job.task else { return false };
    request.caller == key.caller
        && request.command.operation() == key.operation
        && request.idempotency.as_ref().is_some_and(|given| given.key == key.key)
}

fn answer_caller(job: Job, answer: Result<Receipt, Rejection>) {
    if let Report::Caller(reply) = job.report {
        // A caller who has gone asks again with the same key.
        let _ = reply.send(answer);
    }
}

/// Contention and an absent database never make a dead letter: callers may try again, the others come again by themselves.
pub(crate) fn give_back(job: Job, rejection: Rejection) {
    job.tell_source(Done::Again);
    answer_caller(job, Err(rejection));
}

pub(crate) fn unavailable() -> Rejection {
    Rejection::new(Code::Unavailable, "The database does not answer: try again with the same key.")
}

async fn pause_alone() {
    let longest_ms = PAUSE_ALONE_MAX.as_millis() as u64;
    #[expect(clippy::disallowed_methods, reason = "a pause between tries decides nothing")]
    let pause_ms = rand::rng().random_range(0..=longest_ms);
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use traveladvisor_domain::id::BookingId;
    use traveladvisor_infra::clock::{SandboxClock, SeededIds};
    use traveladvisor_infra::postgres::{PgConnectOptions, pool};
    use uuid::Uuid;

    use super::super::job::Origin;
    use super::super::occasion;
    use super::*;
    use crate::request::{CallerCommand, Request};

    #[tokio::test]
    async fn a_conflict_that_changes_nothing_is_answered_at_last() {
        let clock: Arc<dyn Clock> = Arc::new(SandboxClock::starting_at(chrono::DateTime::UNIX_EPOCH));
        // Nothing is asked of the database.
        let log = EventLog::new("public", pool(PgConnectOptions::new()));
        let follow = Follow::from_end(&log);
        let ids = Arc::new(SeededIds::new(1));
        let states = States::default();
        let mut core = Core {
            terms: Arc::default(),
            log,
            clock: clock.clone(),
            ids,
            states,
            follow,
            next_due: NextDue::default(),
            outbox: None,
            expects_new_supply: false,
        };
        let booking = BookingId(Uuid::nil());
        let command = CallerCommand::CancelBooking { booking, reason: None };
        let request = Request {
            command,
            caller: "tests".into(),
            idempotency: None,
            expected_version: None,
            traceparent: None,
            request_id: None,
        };
        let (reply, mut answer) = oneshot::channel();
        let job = Job {
            task: Task::Caller { request: Box::new(request), fresh: booking },
            occasion: occasion::draw(clock.as_ref()),
            origin: Arc::new(Origin {
                command: "cancel_booking",
                correlation: String::new(),
                causation: None,
                actor: "tests".into(),
                traceparent: None,
                request_id: None,
            }),
            report: Report::Caller(reply),
            alone: false,
        };
        let mut parts = vec![Part::of(vec![job])];
        for _ in 0..TRIES_ALONE_MAX {
            let part = parts.pop().expect("it is tried again");
            let conflict = Conflict::Offset { source: "none".into(), actual: 1 };
            parts = core.conflicted(part, vec![conflict]).await;
        }
        assert!(parts.is_empty(), "not for ever");
        let rejection = answer.try_recv().expect("answered").expect_err("refused");
        assert_eq!(rejection.code, Code::Conflict);
    }
}
