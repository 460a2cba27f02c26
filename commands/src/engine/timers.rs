//! Timers: due wake-ups become jobs; the append that handles one moves or clears its row.
//!
//! While none is due, the timers sleep until the next one that they know of. A row that is earlier is told of by the loop that has written
//! it; one that another process has written is found by looking at intervals. Whatever waits is neither read nor counted meanwhile.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::{DueWakeup, LogError, Turn};

use super::bus::Silence;
use super::job::{Ack, Claim, Done, Job, Origin, Report, Task, Token};
use super::letters::{self, Sender, Way};
use super::limits::{
    LETTERS_AT_ONCE_MAX, LETTERS_PASSED_FOR, LETTERS_WAITING_MAX, WAKEUPS_PAGE, WAKEUPS_POLL, WAKEUPS_REST,
    WAKEUPS_UNDER_WAY_MAX,
};
use super::occasion::draw;
use super::source::Source;

/// When the timers will look again at the latest, as far as this process knows. Cheap to clone.
#[derive(Clone)]
pub(crate) struct NextDue(Arc<watch::Sender<DateTime<Utc>>>);

impl Default for NextDue {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(DateTime::<Utc>::MAX_UTC)))
    }
}

impl NextDue {
    /// A wake-up was written: the timers hear of it if it is earlier than all that they know of.
    pub(crate) fn written(&self, due_at: DateTime<Utc>) {
        self.0.send_if_modified(|next| {
            let earlier = due_at < *next;
            if earlier {
                *next = due_at;
            }
            earlier
        });
    }

    /// From here on all that is written is told of: what stands already is about to be read.
    fn begin(&self) -> watch::Receiver<DateTime<Utc>> {
        self.0.send_replace(DateTime::<Utc>::MAX_UTC);
        self.0.subscribe()
    }
}

/// Lost the turn, or the engine ends.
struct Stopped;

/// Delivers due wake-ups in one turn.
pub(crate) struct Timers<'s> {
    source: &'s Source,
    turn: &'s Turn,
    /// Whether the broker is heard, where deadlines are for others to keep.
    silence: Option<Arc<Silence>>,
    /// Handed to the engine and not reported yet; their rows are still due.
    under_way: HashSet<StreamId>,
    done: mpsc::UnboundedReceiver<Done>,
    ack: mpsc::UnboundedSender<Done>,
    /// Letters that are read, and whose records are fetched: no saga waits for them.
    letters: JoinSet<()>,
    sender: Arc<Sender>,
    /// Letters that are due beside them, as they were read last.
    waiting: VecDeque<StreamId>,
    /// The due rows up to here are all of letters: they are read past while some of them wait.
    passed: Option<DueWakeup>,
    /// When the due rows were last read from the first one on.
    read_all_at: Instant,
}

impl<'s> Timers<'s> {
    pub(crate) fn new(source: &'s Source, turn: &'s Turn, silence: Option<Arc<Silence>>) -> Self {
        let (ack, done) = mpsc::unbounded_channel();
        Self {
            source,
            turn,
            silence,
            under_way: HashSet::new(),
            done,
            ack,
            letters: JoinSet::new(),
            sender: Arc::default(),
            waiting: VecDeque::new(),
            passed: None,
            read_all_at: now(),
        }
    }

    /// Delivers until told to stop or deposed.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let written = self.source.next_due.begin();
            let due_at = self.source.clock.now();
            let waits = self
                .silence
                .as_ref()
                .is_some_and(|silence| silence.holds_timers(now(), self.source.gauges.on_the_way()));
            let next = if waits { Ok(self.hold_letters()) } else { self.deliver_due(due_at).await };
            let Ok(next) = next else { return };
            let Ok(()) = self.rest(next, written, &mut stop).await else { return };
        }
    }

    /// Delivers all that is due now, page by page. Returns when the next one is, if soon.
    async fn deliver_due(&mut self, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Stopped> {
        let reads_all = self.waiting.is_empty() || self.read_all_at.elapsed() >= LETTERS_PASSED_FOR;
        if reads_all {
            (self.passed, self.read_all_at) = (None, now());
            self.waiting.clear();
        }
        let (mut after, mut are_letters) = (self.passed, true);
        // They look again by then in any case.
        let ahead = at + WAKEUPS_POLL;
        loop {
            self.make_room().await?;
            let page = match self.source.log.due_page(after, (at, ahead), WAKEUPS_PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "due timers cannot be read; tried again");
                    return Ok(None);
                }
            };
            let is_full = page.due.len() == WAKEUPS_PAGE;
            after = page.due.last().copied();
            for wakeup in page.due {
                let is_letter = wakeup.stream.kind == StreamKind::DeadLetter;
                are_letters &= is_letter;
                if are_letters {
                    self.passed = Some(wakeup);
                }
                if !is_letter {
                    self.deliver(wakeup.stream).await?;
                } else if reads_all {
                    self.line_up(wakeup.stream);
                }
            }
            self.bring_letters();
            if !is_full {
                return Ok(page.next);
            }
        }
    }

    async fn deliver(&mut self, stream: StreamId) -> Result<(), Stopped> {
        if !self.turn.is_held() {
            return Err(Stopped);
        }
        if !self.under_way.insert(stream) {
            return Ok(());
        }
        let ack = Ack::new(self.ack.clone(), Token::Wake(stream), Claim::Turn(self.turn.epoch()));
        let job = job_of(self.source.clock.as_ref(), (Task::Wake { stream }, system(stream)), ack);
        self.source.lane.send(job).await.map_err(|_closed| Stopped)
    }

    /// Beyond the bound its row is read again later.
    fn line_up(&mut self, letter: StreamId) {
        if self.waiting.len() < LETTERS_WAITING_MAX && !self.under_way.contains(&letter) {
            self.waiting.push_back(letter);
        }
    }

    /// Letters wait as well: those in line are read again.
    fn hold_letters(&mut self) -> Option<DateTime<Utc>> {
        self.waiting.clear();
        None
    }

    /// Messages that were set aside come again, beside the timers of sagas: a broker may take its time to answer.
    fn bring_letters(&mut self) {
        while self.letters.try_join_next().is_some() {}
        while self.letters.len() < LETTERS_AT_ONCE_MAX {
            let Some(next) = self.waiting.pop_front() else { return };
            self.under_way.insert(next);
            self.bring_letter(next);
        }
    }

    fn bring_letter(&mut self, stream: StreamId) {
        let (ack, epoch) = (self.ack.clone(), self.turn.epoch());
        let ack = move || Ack::new(ack, Token::Wake(stream), Claim::Turn(epoch));
        let Source { log, clock, lane, bus, .. } = self.source;
        let (log, clock, lane) = (log.clone(), clock.clone(), lane.clone());
        let (bus, sender) = (bus.clone(), self.sender.clone());
        self.letters.spawn(async move {
            let way = Way { log: &log, bus: bus.as_ref(), sender: &sender, now: clock.now() };
            let again = match letters::again(&way, stream).await {
                Ok(Some(again)) => again,
                // Dropped without a word, it asks to come again.
                Err(LogError::Unavailable(_)) => return drop(ack()),
                unreadable => {
                    let error = unreadable.err().map_or_else(String::new, |error| error.to_string());
                    tracing::error!(%stream, error, "a dead letter cannot be read; it is looked at again later");
                    (Task::MoveWakeup { letter: stream, to: Some(way.later()) }, system(stream))
                }
            };
            // A lane that is closed means that the process ends: its row is still there.
            drop(lane.send(job_of(clock.as_ref(), again, ack())).await);
        });
    }

    /// Takes in what the engine has reported, and waits for more while too much is under way.
    async fn make_room(&mut self) -> Result<(), Stopped> {
        while let Ok(done) = self.done.try_recv() {
            self.settle(done)?;
        }
        while self.under_way.len() >= WAKEUPS_UNDER_WAY_MAX {
            let done = self.done.recv().await.ok_or(Stopped)?;
            self.settle(done)?;
        }
        Ok(())
    }

    /// What comes back is delivered again when the timers look next: its row is still there.
    fn settle(&mut self, done: Done) -> Result<(), Stopped> {
        match done {
            Done::Handled(Token::Wake(stream)) | Done::Again(Token::Wake(stream)) => {
                self.under_way.remove(&stream);
                Ok(())
            }
            Done::Handled(_) | Done::Again(_) | Done::Lost(_) => Ok(()),
            Done::Deposed => Err(Stopped),
        }
    }

    /// Sleeps until the next wake-up is due, or until it is time to look for those that others have written. Letters that wait are brought meanwhile.
    async fn rest(
        &mut self,
        next: Option<DateTime<Utc>>,
        mut written: watch::Receiver<DateTime<Utc>>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        if let Some(next) = next {
            self.source.next_due.written(next);
        }
        let begun = now();
        loop {
            let next = *written.borrow_and_update();
            let until_due = (next - self.source.clock.now()).to_std().unwrap_or(Duration::ZERO);
            let wake_at = (begun + WAKEUPS_POLL).min(now() + until_due).max(begun + WAKEUPS_REST);
            if *stop.borrow() || !self.turn.is_held() {
                return Err(Stopped);
            }
            tokio::select! {
                biased;
                told = stop.changed() => if told.is_err() { return Err(Stopped) },
                done = self.done.recv() => self.settle(done.ok_or(Stopped)?)?,
                () = tokio::time::sleep_until(wake_at) => return Ok(()),
                Some(_) = self.letters.join_next(), if !self.waiting.is_empty() => self.bring_letters(),
                _ = written.changed() => {}
            }
        }
    }
}

fn job_of(clock: &dyn Clock, (task, origin): (Task, Arc<Origin>), ack: Ack) -> Job {
    Job { task, occasion: draw(clock), origin, report: Report::Source(ack), alone: false }
}

fn system(saga: StreamId) -> Arc<Origin> {
    Arc::new(Origin {
        command: "wake",
        correlation: BookingId(saga.uuid).to_string(),
        causation: None,
        actor: "system".to_owned(),
        traceparent: None,
        request_id: None,
    })
}

/// Measures how long the timers have slept, and read past letters, only.
fn now() -> Instant {
    Instant::now()
}
