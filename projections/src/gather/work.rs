//! The work of whoever owns it: look at all logs, choose, copy, and again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::select_all;
use tokio::sync::watch;
use tokio::time::Instant;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{
    EventLog, GATHER_BYTES_MAX, GatherTold, Gathering, LogError, Moved, Position, StoredEvent, Turn, Turns,
};
use traveladvisor_infra::stopping::told;

use super::order::{self, Ahead, Next, Queue};
use super::reach::Gathered;
use super::refusals::Refusals;
use super::source::{Asked, Rank, Reading, Source, now};
use super::{
    ANSWER_PATIENCE, BEGUN_TRIPS_MAX, GATHER_RETRY_PAUSE, GATHER_TOLD_EVERY, LOOK_EVERY, LOOK_PAUSE, STATE_AWAY,
    STATE_HELD, STATE_LIVE,
};

/// Works in the turns of this process until it is told to stop.
pub(super) async fn run(
    read_log: EventLog,
    sources: Arc<[Source]>,
    mut turns: Turns,
    gathered: Gathered,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let turn = tokio::select! {
            biased;
            () = told(&mut stopping) => return,
            turn = turns.next() => turn,
        };
        let Some(turn) = turn else { return };
        let is_over = tokio::select! {
            () = turn.lost() => false,
            is_over = in_turn(&read_log, &sources, &turn, &gathered, stopping.clone()) => is_over,
        };
        gathered.lags_are(Vec::new());
        if is_over {
            return;
        }
    }
}

/// Copies as long as the turn lasts; begins anew with what the checkpoints say after every failure. Tells whether it was told to stop.
async fn in_turn(
    read_log: &EventLog,
    sources: &[Source],
    turn: &Turn,
    gathered: &Gathered,
    mut stopping: watch::Receiver<bool>,
) -> bool {
    let mut refusals = Refusals::default();
    loop {
        let ended = match Copying::begin(read_log, sources, (turn, gathered), &mut refusals).await {
            Ok(copying) => copying.go_on(&mut stopping).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(Ended::Stopped) => return true,
            Ok(Ended::TurnOver) => return false,
            // A statement whose answer was lost has moved the checkpoints after all.
            Ok(Ended::Elsewhere) => tracing::info!("what is gathered stands elsewhere; it is looked up"),
            Err(error) => tracing::warn!(%error, "the read log cannot be written; it is tried again"),
        }
        if tokio::time::timeout(GATHER_RETRY_PAUSE, told(&mut stopping)).await.is_ok() {
            return true;
        }
        if !turn.is_held() {
            return false;
        }
    }
}

/// What goes into one statement, and where it was taken from.
struct Chosen {
    gathering: Gathering,
    taken: Vec<(usize, Ahead)>,
}

/// What came of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Here,
    NotAtAll,
    Elsewhere,
}

enum Ended {
    Stopped,
    TurnOver,
    Elsewhere,
}

/// What is kept between looks. All of it can be read again.
struct Copying<'a> {
    read_log: &'a EventLog,
    turn: &'a Turn,
    gathered: &'a Gathered,
    refusals: &'a mut Refusals,
    readings: Vec<Reading>,
    queues: Vec<Queue>,
    begun: HashSet<StreamId>,
    look: u64,
    told_at: Option<Instant>,
    told: HashMap<Arc<str>, &'static str>,
}

impl<'a> Copying<'a> {
    async fn begin(
        read_log: &'a EventLog,
        sources: &[Source],
        (turn, gathered): (&'a Turn, &'a Gathered),
        refusals: &'a mut Refusals,
    ) -> Result<Self, LogError> {
        let known = read_log.gathered().await?;
        gathered.learn(&known);
        let copied = |source: &Source| {
            known.iter().find(|log| log.log == *source.name).map_or(Position::START, |log| log.position)
        };
        let readings = sources.iter().enumerate();
        let rank = |place| if place == 0 { Rank::Leads } else { Rank::Follows };
        let readings: Vec<_> =
            readings.map(|(place, source)| Reading::new(source.clone(), rank(place), copied(source))).collect();
        let is_away = |reading: &Reading| refusals.are_of(reading.name());
        let queues = readings.iter().map(|reading| Queue { is_away: is_away(reading), ..Queue::default() }).collect();
        let (begun, told) = (HashSet::new(), HashMap::new());
        Ok(Self { read_log, turn, gathered, refusals, readings, queues, begun, look: 0, told_at: None, told })
    }

    async fn go_on(mut self, stopping: &mut watch::Receiver<bool>) -> Result<Ended, LogError> {
        let mut news: Vec<_> = self.readings.iter().map(|reading| reading.log().committed()).collect();
        loop {
            for heard in &mut news {
                heard.borrow_and_update();
            }
            if *stopping.borrow() || stopping.has_changed().is_err() {
                return Ok(Ended::Stopped);
            }
            if !self.turn.is_held() {
                return Ok(Ended::TurnOver);
            }
            let begun_at = now();
            self.look_at_all(begun_at).await;
            self.learn_what_has_begun().await?;
            let chosen = self.choose();
            let is_idle = chosen.taken.is_empty();
            if !is_idle && self.copy(chosen).await? == Copied::Elsewhere {
                return Ok(Ended::Elsewhere);
            }
            self.tell(begun_at).await?;
            if is_idle || !self.has_more() {
                tokio::time::sleep_until(begun_at + LOOK_PAUSE).await;
                if is_idle && !self.waits_for_others() {
                    rest(&mut news, stopping).await;
                }
            }
        }
    }

    async fn copy(&mut self, chosen: Chosen) -> Result<Copied, LogError> {
        match self.read_log.gather(&chosen.gathering).await {
            Ok(Some(reached)) => {
                self.refusals.copied(&chosen.gathering);
                self.gathered.moved(&chosen.gathering.moves, reached);
                Ok(Copied::Here)
            }
            Ok(None) => Ok(Copied::Elsewhere),
            Err(LogError::Refused(reason)) => {
                self.put_back(chosen, &reason);
                Ok(Copied::NotAtAll)
            }
            Err(error) => Err(error),
        }
    }

    /// A statement that was refused has done nothing: its events stand first again. The log of one that is refused by itself is left alone.
    fn put_back(&mut self, Chosen { gathering, taken }: Chosen, reason: &str) {
        for reading in &mut self.readings {
            let moved = gathering.moves.iter().find(|moved| moved.log == *reading.name());
            reading.copied = moved.map_or(reading.copied, |moved| moved.from);
        }
        let guilty = if let [(place, _)] = &*taken { Some(*place) } else { None };
        for (place, ahead) in taken.into_iter().rev() {
            if let Some(trip) = order::begins(&ahead.event) {
                self.begun.remove(&trip);
            }
            self.queues[place].ahead.push_front(ahead);
        }
        self.refusals.refused(&gathering, reason);
        if let Some(place) = guilty {
            self.readings[place].leave_alone(&mut self.queues[place]);
        }
    }

    /// Whether a log had more than was read at once.
    fn has_more(&self) -> bool {
        self.readings.iter().any(|reading| reading.has_more)
    }

    /// Whether an event only waits until the other logs were looked at once more.
    fn waits_for_others(&self) -> bool {
        let is_free = |place: usize| !order::is_held(&self.queues, place, &self.begun);
        (0..self.queues.len()).any(|place| !self.queues[place].ahead.is_empty() && is_free(place))
    }

    async fn look_at_all(&mut self, begun_at: Instant) {
        self.look += 1;
        let asked = if self.is_to_tell(begun_at) { Asked::NewsAndLag } else { Asked::News };
        let refusals = &self.refusals;
        let may_be_read = |reading: &Reading| refusals.may_be_read(reading.name(), begun_at);
        for (reading, queue) in self.readings.iter_mut().zip(&self.queues).filter(|(reading, _)| may_be_read(reading)) {
            reading.begin(queue, self.look, begun_at, asked);
        }
        for (reading, queue) in self.readings.iter_mut().zip(&mut self.queues) {
            reading.take(queue, self.look, begun_at + ANSWER_PATIENCE).await;
            if !queue.is_away && queue.ahead.is_empty() {
                self.refusals.is_well(reading.name());
            }
        }
    }

    async fn learn_what_has_begun(&mut self) -> Result<(), LogError> {
        if self.begun.len() > BEGUN_TRIPS_MAX {
            self.begun.clear();
        }
        let trips = self.queues.iter().flat_map(|queue| Reading::trips(&queue.ahead));
        let unknown: HashSet<StreamId> = trips.filter(|trip| !self.begun.contains(trip)).collect();
        if !unknown.is_empty() {
            let unknown: Vec<_> = unknown.into_iter().collect();
            self.begun.extend(self.read_log.begun(&unknown).await?);
        }
        Ok(())
    }

    /// Takes the events that go now out of their queues. What was refused goes by itself.
    fn choose(&mut self) -> Chosen {
        let (mut taken, mut bytes, now) = (Vec::new(), 0, now());
        let before: Vec<Position> = self.readings.iter().map(|reading| reading.copied).collect();
        while taken.len() < self.refusals.events_max() && bytes < GATHER_BYTES_MAX {
            let (place, is_uncaused) = match order::next(&self.queues, &self.begun, now) {
                Next::Goes(place) => (place, false),
                Next::GoesUncaused(place) => (place, true),
                Next::Nothing => break,
            };
            let is_on_trial = self.refusals.are_of(self.readings[place].name());
            if is_on_trial && !taken.is_empty() {
                break;
            }
            if is_uncaused {
                self.warn_of_uncaused(place);
            }
            let Some(ahead) = self.queues[place].ahead.pop_front() else { break };
            self.begun.extend(order::begins(&ahead.event));
            self.readings[place].copied = ahead.event.position;
            bytes += bytes_of(&ahead.event);
            taken.push((place, ahead));
            if is_on_trial {
                break;
            }
        }
        let further = self.readings.iter().zip(before).filter(|(reading, from)| reading.copied != *from);
        let moves = further.map(|(reading, from)| Moved { log: reading.name().clone(), from, to: reading.copied });
        let (moves, events) = (moves.collect(), taken.iter().map(|(_, ahead)| ahead.event.clone()).collect());
        Chosen { gathering: Gathering { epoch: self.turn.epoch(), moves, events }, taken }
    }

    fn warn_of_uncaused(&self, place: usize) {
        let Some(ahead) = self.queues[place].ahead.front() else { return };
        let (log, position) = (&**self.readings[place].name(), ahead.event.position.0);
        let trip = ahead.trip.map(|trip| trip.to_string());
        tracing::warn!(log, position, trip, "an event tells of a trip that the log of the bookings does not have");
    }

    fn is_to_tell(&self, now: Instant) -> bool {
        self.told_at.is_none_or(|told| now >= told + GATHER_TOLD_EVERY)
    }

    async fn tell(&mut self, now: Instant) -> Result<(), LogError> {
        if !self.is_to_tell(now) {
            return Ok(());
        }
        self.told_at = Some(now);
        let told: Vec<(Arc<str>, GatherTold)> =
            (0..self.readings.len()).map(|place| self.told_of(place, now)).collect();
        let lags = told.iter().map(|(log, told)| (log.to_string(), told.lag_events));
        self.gathered.lags_are(lags.collect());
        self.read_log.tell_gathered(self.turn.epoch(), &told).await
    }

    fn told_of(&mut self, place: usize, now: Instant) -> (Arc<str>, GatherTold) {
        let (reading, queue) = (&self.readings[place], &self.queues[place]);
        let name = reading.name().clone();
        let refused = self.refusals.reason(&name);
        let (state, reason) = if queue.is_away || refused.is_some() {
            (STATE_AWAY, refused.or(reading.failure.as_ref()).cloned())
        } else if order::is_held(&self.queues, place, &self.begun) && order::age(queue, now) >= GATHER_TOLD_EVERY {
            let ahead = queue.ahead.front();
            let waits = ahead.and_then(|ahead| {
                Some(format!("event {} waits until {} has begun", ahead.event.position, ahead.trip?))
            });
            (STATE_HELD, waits)
        } else {
            (STATE_LIVE, None)
        };
        if self.told.insert(name.clone(), state) != Some(state) && state == STATE_HELD {
            tracing::warn!(log = &*name, reason, "the events of a log are held back");
        }
        let (head, lag_events) = reading.behind;
        (name, GatherTold { head, lag_events, state: state.to_owned(), reason })
    }
}

/// Waits for news of any log.
async fn rest(news: &mut [watch::Receiver<Position>], stopping: &mut watch::Receiver<bool>) {
    let any = select_all(news.iter_mut().map(|heard| Box::pin(heard.changed())));
    tokio::select! {
        _ = any => {}
        _ = stopping.changed() => {}
        () = tokio::time::sleep(LOOK_EVERY) => {}
    }
}

fn bytes_of(event: &StoredEvent) -> usize {
    event.payload.len() + event.metadata.len()
}
