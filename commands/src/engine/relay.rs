//! The relay: reads the log from its checkpoint and delivers what no batch has handled, to aggregates here or to the gateway (L9).

mod ahead;
mod held;
mod outlet;
mod posting;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_domain::message::{Body, Destination, Message, message_id, messages_of};
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::event_log::{EventLog, LogError, Position, RELAY, StoredEvent, Turn};

use self::ahead::Ahead;
use self::held::Held;
use self::outlet::Outlet;
use self::posting::{Reported, Unposted};
use super::bus::{Post, Silence};
use super::gateway_calls::{Calls, Copies};
use super::gauges::Gauges;
use super::job::{Ack, Cause, Claim, Done, Job, Origin, Token};
use super::limits::{
    GATEWAY_CALLS_OPEN_MAX, POSTS_UNDER_WAY_MAX, REDELIVERY_PAUSE, RELAY_CHECKPOINT_EVERY, RELAY_IN_FLIGHT_MAX,
    RELAY_POLL,
};
use super::source::Source;

/// What the relay works with.
pub(crate) struct Relay {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lane: mpsc::Sender<Job>,
    /// Its turn of ownership: nothing is delivered beyond it.
    turn: Turn,
    /// What is under way, by position and place.
    in_flight: BTreeMap<(u64, usize), Under>,
    /// The first that cannot be read.
    unreadable: Option<(u64, usize)>,
    /// What is for other logs, if there are any.
    post: Option<Post>,
    /// Told whether the broker is heard.
    silence: Option<Arc<Silence>>,
    gauges: Arc<Gauges>,
    /// How many of those under way the broker has not acknowledged.
    posted: usize,
    /// Those among them whose topic takes none for now.
    held: Held,
    /// How many of those under way are for the gateway.
    open_calls: usize,
    /// The trips whose payment the gateway is being asked about, with what waits for its answer: one at a time for each.
    paying: HashMap<BookingId, VecDeque<(u64, usize)>>,
    /// What stands up to here may have been delivered in an earlier turn.
    turn_begun_at: Position,
    /// Told once all of that is handled, gateway calls aside.
    caught_up: Option<oneshot::Sender<()>>,
    done: mpsc::UnboundedReceiver<Done>,
    ack: mpsc::UnboundedSender<Done>,
    /// What the broker's client reports of what was handed to it.
    reported: mpsc::UnboundedReceiver<Reported>,
    report: mpsc::UnboundedSender<Reported>,
    calls: Arc<Calls>,
    /// Deliveries that wait for something; they end with the turn.
    waiting: JoinSet<Result<(), Stopped>>,
    /// What was read and is not delivered.
    ahead: Ahead,
    /// Delivered so far.
    read: Position,
    /// As written in the database.
    checkpoint: Position,
}

/// What holds the checkpoint back.
#[expect(clippy::large_enum_variant, reason = "few are under way, and most of them are deliveries")]
enum Under {
    /// A message for a stream of this log, or a call to the gateway.
    Way(Delivery),
    /// A message for another log, which the broker has not acknowledged.
    Post(Unposted),
    /// What can never be sent, until its letter is written.
    Aside,
    /// An event that cannot be read.
    Unreadable,
}

/// A message under way.
#[derive(Clone)]
struct Delivery {
    message: Message,
    cause: Cause,
    origin: Arc<Origin>,
    /// Of a call to the gateway.
    copies: Copies,
}

/// Why the relay delivers no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It was told to, has lost its ownership, or its lane is closed.
    Over,
    /// The broker's client is lost: what it had not acknowledged has to be sent again, in order.
    Broker,
}

impl Relay {
    pub(crate) async fn open(source: &Source, turn: Turn, silence: Option<Arc<Silence>>) -> Result<Self, LogError> {
        let Source { log, clock, gateway, lane, look_ups_max, .. } = source;
        let is_held = {
            let turn = turn.clone();
            Box::new(move || turn.is_held())
        };
        let calls = Arc::new(Calls::new(gateway.clone(), Arc::new(SystemClock), is_held, *look_ups_max));
        let turn_begun_at = log.head().await?;
        let checkpoint = Position(log.consumed_offset(RELAY).await?);
        let post = source.bus.as_ref().map(|bus| Post::open(bus, log.name())).transpose();
        let post = post.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let (ack, done) = mpsc::unbounded_channel();
        let (report, reported) = mpsc::unbounded_channel();
        Ok(Self {
            log: log.clone(),
            clock: clock.clone(),
            lane: lane.clone(),
            turn,
            in_flight: BTreeMap::new(),
            unreadable: None,
            post,
            silence,
            gauges: source.gauges.clone(),
            posted: 0,
            held: Held::default(),
            open_calls: 0,
            paying: HashMap::new(),
            turn_begun_at,
            caught_up: None,
            done,
            ack,
            reported,
            report,
            calls,
            waiting: JoinSet::new(),
            ahead: Ahead::after(checkpoint),
            read: checkpoint,
            checkpoint,
        })
    }

    /// Is told once all is handled that stood in the log when the turn began.
    pub(crate) fn caught_up(&mut self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.caught_up = Some(tell);
        told
    }

    /// Delivers until told to stop or deposed, then writes its checkpoint.
    pub(crate) async fn run(&mut self, mut stop: tokio::sync::watch::Receiver<bool>) -> Stopped {
        let mut committed = self.log.committed();
        let mut written_at = now();
        while !*stop.borrow() && stop.has_changed().is_ok() {
            while self.waiting.try_join_next().is_some() {}
            self.gauges.post(self.posted);
            if self.posted == self.held.count() && !self.is_full() {
                self.hear();
            }
            let caught_up = match self.deliver_page().await {
                Ok(caught_up) => caught_up,
                Err(stopped) => return stopped,
            };
            if self.caught_up.is_some() && self.has_handled_what_stood() {
                self.caught_up.take().map(|tell| tell.send(()));
            }
            if written_at.elapsed() >= RELAY_CHECKPOINT_EVERY {
                self.write_checkpoint().await;
                written_at = now();
            }
            if caught_up && !self.held.follows() {
                tokio::select! {
                    biased;
                    _ = stop.changed() => {}
                    done = self.done.recv() => {
                        if let Err(stopped) = self.settle_all(done) { return stopped; }
                    }
                    reported = self.reported.recv() => {
                        if let Err(stopped) = self.settle_posts(reported) { return stopped; }
                    }
                    _ = committed.changed() => {}
                    () = tokio::time::sleep(RELAY_POLL) => {}
                }
            } else {
                // There is more to deliver: nothing is waited for, not even a timer's shortest time.
                tokio::task::yield_now().await;
            }
            if let Err(stopped) = self.settle_what_waits() {
                return stopped;
            }
        }
        if let Some(post) = &self.post {
            post.flush().await;
            let _ = self.settle_what_waits();
        }
        self.write_checkpoint().await;
        Stopped::Over
    }

    /// The broker has acknowledged something, or has nothing to acknowledge. That does not count while nobody here can read what it has for
    /// this log.
    fn hear(&self) {
        if let Some(silence) = self.silence.as_deref().filter(|_| self.gauges.hears_the_broker()) {
            silence.heard(now());
        }
    }

    fn has_handled_what_stood(&self) -> bool {
        let is_waited_for = |under: &Under| match under {
            Under::Way(delivery) => !delivery.is_gateway_call(),
            Under::Post(_) | Under::Aside | Under::Unreadable => true,
        };
        let before = self.in_flight.range(..=(self.turn_begun_at.0, usize::MAX));
        self.read >= self.turn_begun_at && !before.into_iter().any(|(_, under)| is_waited_for(under))
    }

    /// Delivers the next page; true when there is nothing more to read for now.
    async fn deliver_page(&mut self) -> Result<bool, Stopped> {
        self.send_held().await?;
        if self.is_full() {
            return Ok(true);
        }
        let is_last = match self.ahead.read(&self.log).await {
            Ok(is_last) => is_last,
            Err(error) => {
                tracing::warn!(%error, "the relay cannot read the log; it tries again");
                return Ok(true);
            }
        };
        while let Some(stored) = self.ahead.pop() {
            if !self.turn.is_held() {
                return Err(Stopped::Over);
            }
            self.deliver_event(&stored).await?;
            self.read = stored.position;
            if self.is_full() {
                return Ok(true);
            }
        }
        Ok(is_last)
    }

    /// Calls to the gateway and what is for other logs count apart: a gateway or broker that does not answer must not hold up the messages
    /// of other trips.
    fn is_full(&self) -> bool {
        self.in_flight.len() - self.open_calls - self.posted >= RELAY_IN_FLIGHT_MAX
            || self.open_calls >= GATEWAY_CALLS_OPEN_MAX
            || self.posted >= POSTS_UNDER_WAY_MAX
    }

    fn begin(&mut self, at: (u64, usize), under: Under) {
        match &under {
            Under::Way(delivery) => self.open_calls += usize::from(delivery.is_gateway_call()),
            Under::Post(_) => self.posted += 1,
            Under::Aside => {}
            // The first one holds the checkpoint: however many there are, they take no room.
            Under::Unreadable if self.unreadable.is_some_and(|first| first <= at) => return,
            Under::Unreadable => self.unreadable = Some(at),
        }
        self.in_flight.insert(at, under);
    }

    fn end(&mut self, at: (u64, usize)) {
        let ended = match self.in_flight.remove(&at) {
            Some(Under::Way(ended)) if ended.is_gateway_call() => ended,
            Some(Under::Post(_)) => {
                self.posted -= 1;
                return;
            }
            _ => return,
        };
        self.open_calls -= 1;
        let booking = ended.message.booking;
        let next = self.paying.get_mut(&booking).and_then(VecDeque::pop_front);
        let waiting = next.and_then(|next| match self.in_flight.get(&next) {
            Some(Under::Way(delivery)) => Some((next, delivery.clone())),
            _ => None,
        });
        match waiting {
            Some((next, delivery)) => self.ask_gateway(next, delivery),
            None => {
                self.paying.remove(&booking);
            }
        }
    }

    fn ask_gateway(&mut self, at: (u64, usize), delivery: Delivery) {
        self.waiting.spawn(self.outlet(at).deliver(delivery));
    }

    /// An event that cannot be read may cause a message: the checkpoint stays before it, so that a program that can read it delivers
    /// that message; what comes after it is delivered meanwhile.
    async fn deliver_event(&mut self, stored: &StoredEvent) -> Result<(), Stopped> {
        if stored.told.as_ref().is_some_and(|told| told.all_fused && !self.announces(stored, &told.event)) {
            return Ok(());
        }
        let (events, metadata) = match stored.decode().and_then(|events| Ok((events, stored.decode_metadata()?))) {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the relay's checkpoint stays before an event that it cannot read");
                self.begin((stored.position.0, 0), Under::Unreadable);
                return Ok(());
            }
        };
        let messages = messages_of(stored.stream, &events);
        self.announce(stored, &metadata, (messages.len(), &events)).await?;
        for (place, message) in messages.into_iter().enumerate() {
            if metadata.is_fused(place) {
                continue;
            }
            if self.post.as_ref().is_some_and(|post| post.is_for_others(&message)) {
                self.send(stored, &metadata, place, &message).await?;
                continue;
            }
            let cause = self.cause(stored.stream, stored.sequence, place);
            let is_new = stored.position > self.turn_begun_at && matches!(message.body, Body::GatewayCall(_));
            let copies = if is_new { Copies::None } else { Copies::Maybe };
            let delivery = Delivery { message, cause, origin: Arc::new(Origin::of_message(&metadata, &cause)), copies };
            self.begin((stored.position.0, place), Under::Way(delivery.clone()));
            self.dispatch((stored.position.0, place), delivery).await?;
        }
        Ok(())
    }

    async fn dispatch(&mut self, at: (u64, usize), delivery: Delivery) -> Result<(), Stopped> {
        if delivery.is_gateway_call() {
            match self.paying.entry(delivery.message.booking) {
                Entry::Occupied(mut before) => before.get_mut().push_back(at),
                Entry::Vacant(free) => {
                    free.insert(VecDeque::new());
                    self.ask_gateway(at, delivery);
                }
            }
            return Ok(());
        }
        self.outlet(at).deliver(delivery).await
    }

    fn outlet(&self, at: (u64, usize)) -> Outlet {
        let token = Token::Message { position: at.0, place: at.1 };
        Outlet {
            log: self.log.clone(),
            calls: self.calls.clone(),
            clock: self.clock.clone(),
            lane: self.lane.clone(),
            ack: Ack::new(self.ack.clone(), token, Claim::Turn(self.turn.epoch())),
        }
    }

    /// Takes in all that engine and broker have reported meanwhile.
    fn settle_what_waits(&mut self) -> Result<(), Stopped> {
        let done = self.done.try_recv().ok();
        self.settle_all(done)?;
        let reported = self.reported.try_recv().ok();
        self.settle_posts(reported)
    }

    /// Takes in what the engine reports, this and all that waits.
    fn settle_all(&mut self, first: Option<Done>) -> Result<(), Stopped> {
        let mut next = first;
        while let Some(done) = next {
            self.settle(done)?;
            next = self.done.try_recv().ok();
        }
        Ok(())
    }

    fn settle(&mut self, done: Done) -> Result<(), Stopped> {
        match done {
            Done::Handled(Token::Message { position, place }) => {
                self.end((position, place));
            }
            // A letter that could not be written now: it is tried from the checkpoint on.
            Done::Again(Token::Message { position, place })
                if matches!(self.in_flight.get(&(position, place)), Some(Under::Aside)) =>
            {
                return Err(Stopped::Broker);
            }
            Done::Again(Token::Message { position, place }) => self.deliver_again((position, place)),
            Done::Handled(_) | Done::Again(_) | Done::Lost(_) => {}
            Done::Deposed => {
                tracing::warn!("the relay is owned by another process now; this one stops delivering");
                return Err(Stopped::Over);
            }
        }
        Ok(())
    }

    /// After a pause, so that whatever was in the way may pass.
    fn deliver_again(&mut self, at: (u64, usize)) {
        let Some(Under::Way(delivery)) = self.in_flight.get_mut(&at) else { return };
        delivery.copies = Copies::Maybe;
        let delivery = delivery.clone();
        let outlet = self.outlet(at);
        self.waiting.spawn(async move {
            tokio::time::sleep(REDELIVERY_PAUSE).await;
            // A lane that is closed means that the process ends; the checkpoint has not moved past this message.
            outlet.deliver(delivery).await
        });
    }

    /// The contiguous low-water mark: all up to it is handled.
    fn handled(&self) -> Position {
        match self.in_flight.first_key_value() {
            Some(((position, _), _)) => Position(position - 1),
            None => self.read,
        }
    }

    async fn write_checkpoint(&mut self) {
        let handled = self.handled();
        if handled <= self.checkpoint {
            return;
        }
        match self.log.move_offset(RELAY, self.turn.epoch(), self.checkpoint.0, handled.0).await {
            Ok(Some(moved_by_others)) => self.checkpoint = Position(moved_by_others),
            Ok(None) => self.checkpoint = handled,
            Err(error) => tracing::warn!(%error, "the relay's checkpoint is not written; it is tried again"),
        }
    }

    fn cause(&self, stream: StreamId, sequence: u64, place: usize) -> Cause {
        let message_id = message_id(self.log.name(), stream, sequence, place);
        Cause { stream, sequence, place, message_id }
    }
}

impl Delivery {
    const fn is_gateway_call(&self) -> bool {
        matches!(self.message.to, Destination::Gateway)
    }
}

/// Measures intervals only: between checkpoints, of silence, until something is tried again.
fn now() -> Instant {
    Instant::now()
}
