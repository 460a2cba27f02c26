//! The loop's heart: a batch is decided, appended, and only then answered; what the log refuses is decided again (L4, L10).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use traveladvisor_domain::dead_letter::{DeadLetterEvent, UnansweredInstruction};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Message};
use traveladvisor_infra::clock::{Clock, IdSource};
use traveladvisor_infra::event_log::{Appended, Conflict, EventLog, Key, LogError, Position};
use uuid::Uuid;

use super::cache::{Cache, State};
use super::decide::{Decider, SeenAt, Verdict, key_reused};
use super::hydrate::hydrate;
use super::job::{Ack, Cause, Done, Job, Report, Task};
use super::limits::{CONFLICTS_BEFORE_HALVING, LOAD_PAUSE, LOAD_TRIES_MAX, PAUSE_ALONE_MAX, TRIES_ALONE_MAX};
use super::staging::{Closed, Poisoned, Staging, position_of};
use crate::request::{Receipt, Rejection};

/// Name of the ownership of relay and timers (L12).
pub(crate) const RELAY: &str = "relay";

/// What decides. One for each log and process.
pub(crate) struct Core {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    /// The epoch under which this process owns relay and timers.
    pub(crate) epoch: u64,
    pub(crate) cache: Cache,
}

/// A batch, or what is left of one.
struct Part {
    jobs: Vec<Job>,
    conflicts: usize,
    load_tries: usize,
}

/// A decided batch, ready to append.
struct Decided {
    closed: Closed,
    verdicts: Vec<Verdict>,
}

impl Part {
    fn of(jobs: Vec<Job>) -> Self {
        Self { jobs, conflicts: 0, load_tries: 0 }
    }

    fn halves(mut self) -> [Self; 2] {
        let second = self.jobs.split_off(self.jobs.len() / 2);
        [Self::of(self.jobs), Self::of(second)]
    }
}

impl Core {
    /// Takes a batch to its end: every job is answered, handed back to its source, or set aside.
    pub(crate) async fn process(&mut self, jobs: Vec<Job>) {
        let mut parts = VecDeque::from([Part::of(jobs)]);
        while let Some(part) = parts.pop_front() {
            for left in self.attempt(part).await.into_iter().rev() {
                if !left.jobs.is_empty() {
                    parts.push_front(left);
                }
            }
        }
        self.cache.end_turn();
    }

    /// One try. Returns what has to be tried again, in order.
    async fn attempt(&mut self, part: Part) -> Vec<Part> {
        let part = match self.load(part).await {
            Ok(part) => part,
            Err(left) => return left,
        };
        let decided = match self.decide(&part.jobs) {
            Ok(decided) => decided,
            Err(Poisoned) => return Self::refused(part, "a state could not take an event"),
        };
        if decided.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Guilty(_) | Verdict::Cold)) {
            return Self::without_guilty(part, &decided.verdicts);
        }
        match self.log.append(&decided.closed.append).await {
            Ok(Appended::Committed { first }) => {
                self.committed(part.jobs, decided, first);
                Vec::new()
            }
            Ok(Appended::Conflicts(conflicts)) => self.conflicted(part, decided.closed, conflicts).await,
            Err(error) => Self::refused(part, &error.to_string()),
        }
    }

    /// Loads what is missing. A stream that cannot be read makes guilty those that need it; a database that is away hands all back.
    async fn load(&mut self, mut part: Part) -> Result<Part, Vec<Part>> {
        let failed = hydrate(&self.log, &mut self.cache, &part.jobs).await;
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
        let (guilty, sound): (Vec<Job>, Vec<Job>) =
            part.jobs.into_iter().partition(|job| job.streams().iter().any(|stream| failed.contains_key(stream)));
        part.jobs = sound;
        // A part of a trip that cannot be read stays cold: the batch goes on without it.
        if guilty.is_empty() {
            return Ok(part);
        }
        for (stream, error) in &failed {
            tracing::error!(%stream, %error, "a stream cannot be read");
        }
        let aside = guilty.into_iter().filter_map(|job| Self::set_aside(job, "its stream cannot be read")).collect();
        Err(vec![part, Part::of(aside)])
    }

    fn decide(&self, jobs: &[Job]) -> Result<Decided, Poisoned> {
        let mut decider = Decider::new(Staging::new(&self.cache), self.log.name());
        let verdicts =
            jobs.iter().enumerate().map(|(index, job)| decider.run(index, job)).collect::<Result<Vec<_>, _>>()?;
        let now = self.clock.now();
        let mut closed = decider.staging.close(self.ids.uuid_v7(now), now).map_err(|_| Poisoned)?;
        if jobs.iter().any(|job| !job.is_callers()) {
            closed.append.owners.push((RELAY.to_owned(), self.epoch));
        }
        Ok(Decided { closed, verdicts })
    }

    fn committed(&mut self, jobs: Vec<Job>, decided: Decided, first: Option<Position>) {
        let Decided { closed, verdicts } = decided;
        for (stream, mut state) in closed.states {
            if let (Some(place), Some(first)) = (closed.last_places.get(&stream), first) {
                state.position = position_of(first, *place);
            }
            if state.sequence > 0 {
                self.cache.put(stream, state);
            }
        }
        let mut receipts: Vec<Option<Receipt>> = Vec::with_capacity(jobs.len());
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            let answer = match verdict {
                Verdict::Accepted { subject, seen_at, changed } => {
                    Ok(Receipt { subject, position: resolve(seen_at, first), changed })
                }
                Verdict::SameAs(earlier) => match receipts.get(earlier).copied().flatten() {
                    Some(receipt) => Ok(Receipt { changed: false, ..receipt }),
                    None => Err(Rejection::new(Code::Conflict, "The same key was refused just now: try again.")),
                },
                Verdict::Rejected(rejection) => Err(rejection),
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

    /// Drops the whole batch, reads on the streams that moved, and says what is to be decided again.
    async fn conflicted(&mut self, mut part: Part, closed: Closed, conflicts: Vec<Conflict>) -> Vec<Part> {
        let mut moved = false;
        for conflict in conflicts {
            match conflict {
                Conflict::Stream { stream, .. } => {
                    moved = true;
                    self.read_on(stream).await;
                }
                Conflict::Key { key, subject, input_hash, position } => {
                    part.jobs = answer_known_key(part.jobs, &key, &subject, &input_hash, position);
                }
                Conflict::Owner { .. } | Conflict::Offset { .. } => {
                    let (callers, system): (Vec<Job>, Vec<Job>) = part.jobs.into_iter().partition(Job::is_callers);
                    for job in &system {
                        job.tell_source(|_| Done::Deposed);
                    }
                    part.jobs = callers;
                }
            }
        }
        drop(closed);
        if !moved {
            return vec![part];
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

    async fn read_on(&mut self, stream: StreamId) {
        let known = self.cache.take(stream).unwrap_or_else(|| State::empty(stream.kind));
        match known.read_on(&self.log, stream).await {
            Ok(state) => self.cache.put(stream, state),
            // Not in the cache any more: the next try loads it or hands the job back.
            Err(error) => tracing::warn!(%stream, %error, "a stream that moved could not be read on"),
        }
    }

    /// The append was refused for its data: halved down to one job, then that one without its follow-ups (L10).
    fn refused(mut part: Part, reason: &str) -> Vec<Part> {
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
                vec![Part::of(Self::set_aside(job, "its append was refused").into_iter().collect())]
            }
            None => Vec::new(),
        }
    }

    /// The batch again without those that cannot be decided.
    fn without_guilty(part: Part, verdicts: &[Verdict]) -> Vec<Part> {
        let mut sound = Vec::new();
        let mut aside = Vec::new();
        for (job, verdict) in part.jobs.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Guilty(reason) => {
                    tracing::error!(reason, command = job.origin.command, "a job cannot be decided");
                    aside.extend(Self::set_aside(job, reason));
                }
                Verdict::Cold => give_back(job, unavailable()),
                _ => sound.push(job),
            }
        }
        vec![Part { jobs: sound, conflicts: part.conflicts, load_tries: 0 }, Part::of(aside)]
    }

    /// A guilty caller is answered INTERNAL and leaves nothing; a guilty message or timer becomes a dead letter.
    fn set_aside(job: Job, reason: &str) -> Option<Job> {
        let Report::Source(Ack { .. }) = &job.report else {
            answer_caller(job, Err(Rejection::new(Code::Internal, "The command failed on our side: report it.")));
            return None;
        };
        let failure = Failure::new(Code::Internal, format!("The message could not be handled: {reason}."));
        let (stream, letter) = match &job.task {
            Task::Message { message, cause } => letter(message.booking, *cause, instruction_of(message), failure),
            Task::Settle { booking, cause, .. } => letter(*booking, *cause, None, failure),
            Task::Wake { stream } => {
                let message_id = Uuid::new_v5(&stream.uuid, job.occasion.at.to_rfc3339().as_bytes());
                let cause = Cause { stream: *stream, sequence: 0, place: 0, message_id };
                letter(BookingId(stream.uuid), cause, None, failure)
            }
            Task::SetAside { .. } | Task::Caller { .. } => {
                tracing::error!(reason, "a dead letter could not be written; it comes again");
                job.tell_source(Done::Again);
                return None;
            }
        };
        Some(Job { task: Task::SetAside { stream, letter: Box::new(letter) }, alone: true, ..job })
    }
}

fn letter(
    booking: BookingId,
    cause: Cause,
    instruction: Option<UnansweredInstruction>,
    failure: Failure,
) -> (StreamId, DeadLetterEvent) {
    let event = DeadLetterEvent::MessageDeadLettered {
        booking,
        cause_stream: cause.stream.to_string(),
        cause_sequence: cause.sequence,
        place: cause.place as u32,
        instruction,
        failure,
    };
    (StreamId::new(StreamKind::DeadLetter, cause.message_id), event)
}

fn instruction_of(message: &Message) -> Option<UnansweredInstruction> {
    let Body::Instruction(asked) = &message.body else { return None };
    Some(UnansweredInstruction { step: asked.order.step(), direction: asked.direction, attempt: asked.attempt })
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

fn resolve(seen_at: SeenAt, first: Option<Position>) -> Position {
    match (seen_at, first) {
        (SeenAt::Place(place), Some(first)) => position_of(first, place),
        (SeenAt::Position(position), _) => position,
        (SeenAt::Place(_), None) => Position::START,
    }
}

fn answer_caller(job: Job, answer: Result<Receipt, Rejection>) {
    if let Report::Caller(reply) = job.report {
        // A caller who has gone asks again with the same key.
        let _ = reply.send(answer);
    }
}

/// Contention and an absent database never make a dead letter: callers may try again, the others come again by themselves.
fn give_back(job: Job, rejection: Rejection) {
    job.tell_source(Done::Again);
    answer_caller(job, Err(rejection));
}

fn unavailable() -> Rejection {
    Rejection::new(Code::Unavailable, "The database does not answer: try again with the same key.")
}

async fn pause_alone() {
    let longest_ms = PAUSE_ALONE_MAX.as_millis() as u64;
    #[expect(clippy::disallowed_methods, reason = "a pause between tries decides nothing")]
    let pause_ms = rand::rng().random_range(0..=longest_ms);
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
}
