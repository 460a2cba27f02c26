//! The relay: reads the log from its checkpoint and delivers what no batch has handled, to aggregates here or to the gateway (L9).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Destination, Message, message_id, messages_of};
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::event_log::{EventLog, LogError, Position, RELAY, StoredEvent, Turn};

use super::gateway_calls::{Calls, Copies};
use super::job::{Ack, Cause, Done, Job, Origin, Report, Task, Token};
use super::limits::{
    GATEWAY_CALLS_OPEN_MAX, LOAD_PAUSE, REDELIVERY_PAUSE, RELAY_CHECKPOINT_EVERY, RELAY_IN_FLIGHT_MAX, RELAY_PAGE,
    RELAY_POLL,
};
use super::occasion::draw;
use super::source::Source;
use super::state::State;

/// What the relay works with.
pub(crate) struct Relay {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lane: mpsc::Sender<Job>,
    /// Its turn of ownership: nothing is delivered beyond it.
    turn: Turn,
    /// What is under way, by position and place. Without a delivery: an event that cannot be read, which holds the checkpoint back.
    in_flight: BTreeMap<(u64, usize), Option<Delivery>>,
    /// How many of these are for the gateway.
    open_calls: usize,
    /// The trips whose payment the gateway is being asked about, with what waits for its answer: one at a time for each.
    paying: HashMap<BookingId, VecDeque<(u64, usize)>>,
    /// What stands up to here may have been delivered in an earlier turn.
    turn_begun_at: Position,
    /// Told once all of that is handled, gateway calls aside.
    caught_up: Option<oneshot::Sender<()>>,
    done: mpsc::UnboundedReceiver<Done>,
    ack: mpsc::UnboundedSender<Done>,
    calls: Arc<Calls>,
    /// Deliveries that wait for something; they end with the turn.
    waiting: JoinSet<Result<(), Stopped>>,
    /// Read so far.
    read: Position,
    /// As written in the database.
    checkpoint: Position,
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

/// The relay has lost its ownership, or its lane is closed.
struct Stopped;

impl Relay {
    pub(crate) async fn open(source: &Source, turn: Turn) -> Result<Self, LogError> {
        let Source { log, clock, gateway, lane, look_ups_max, .. } = source;
        let is_held = {
            let turn = turn.clone();
            Box::new(move || turn.is_held())
        };
        let calls = Arc::new(Calls::new(gateway.clone(), Arc::new(SystemClock), is_held, *look_ups_max));
        let turn_begun_at = log.head().await?;
        let checkpoint = Position(log.consumed_offset(RELAY).await?);
        let (ack, done) = mpsc::unbounded_channel();
        Ok(Self {
            log: log.clone(),
            clock: clock.clone(),
            lane: lane.clone(),
            turn,
            in_flight: BTreeMap::new(),
            open_calls: 0,
            paying: HashMap::new(),
            turn_begun_at,
            caught_up: None,
            done,
            ack,
            calls,
            waiting: JoinSet::new(),
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
    pub(crate) async fn run(mut self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut committed = self.log.committed();
        let mut written_at = now();
        while !*stop.borrow() && stop.has_changed().is_ok() {
            while self.waiting.try_join_next().is_some() {}
            let caught_up = match self.deliver_page().await {
                Ok(caught_up) => caught_up,
                Err(Stopped) => return,
            };
            if self.caught_up.is_some() && self.has_handled_what_stood() {
                self.caught_up.take().map(|tell| tell.send(()));
            }
            if written_at.elapsed() >= RELAY_CHECKPOINT_EVERY {
                self.write_checkpoint().await;
                written_at = now();
            }
            let idle = if caught_up { RELAY_POLL } else { std::time::Duration::ZERO };
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                done = self.done.recv() => {
                    if self.settle_all(done).is_err() { return; }
                }
                _ = committed.changed(), if caught_up => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
        self.write_checkpoint().await;
    }

    fn has_handled_what_stood(&self) -> bool {
        let is_waited_for = |delivery: &Option<Delivery>| !delivery.as_ref().is_some_and(Delivery::is_gateway_call);
        let before = self.in_flight.range(..=(self.turn_begun_at.0, usize::MAX));
        self.read >= self.turn_begun_at && !before.into_iter().any(|(_, delivery)| is_waited_for(delivery))
    }

    /// Delivers the next page; true when there is nothing more to read for now.
    async fn deliver_page(&mut self) -> Result<bool, Stopped> {
        if self.is_full() {
            return Ok(true);
        }
        let page = match self.log.read_after(self.read, RELAY_PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "the relay cannot read the log; it tries again");
                return Ok(true);
            }
        };
        let full = page.len() == RELAY_PAGE;
        for stored in page {
            if !self.turn.is_held() {
                return Err(Stopped);
            }
            self.deliver_event(&stored).await?;
            self.read = stored.position;
            if self.is_full() {
                return Ok(true);
            }
        }
        Ok(!full)
    }

    /// Calls to the gateway count apart: a gateway that does not answer must not hold up the messages of other trips.
    fn is_full(&self) -> bool {
        self.in_flight.len() - self.open_calls >= RELAY_IN_FLIGHT_MAX || self.open_calls >= GATEWAY_CALLS_OPEN_MAX
    }

    fn begin(&mut self, at: (u64, usize), delivery: Option<Delivery>) {
        self.open_calls += usize::from(delivery.as_ref().is_some_and(Delivery::is_gateway_call));
        self.in_flight.insert(at, delivery);
    }

    fn end(&mut self, at: (u64, usize)) {
        let Some(ended) = self.in_flight.remove(&at).flatten().filter(Delivery::is_gateway_call) else { return };
        self.open_calls -= 1;
        let booking = ended.message.booking;
        let next = self.paying.get_mut(&booking).and_then(VecDeque::pop_front);
        match next.and_then(|next| Some((next, self.in_flight.get(&next).cloned().flatten()?))) {
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
        if stored.told.as_ref().is_some_and(|told| told.all_fused) {
            return Ok(());
        }
        let (events, metadata) = match stored.decode().and_then(|events| Ok((events, stored.decode_metadata()?))) {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the relay's checkpoint stays before an event that it cannot read");
                self.begin((stored.position.0, 0), None);
                return Ok(());
            }
        };
        for (place, message) in messages_of(stored.stream, &events).into_iter().enumerate() {
            if metadata.is_fused(place) {
                continue;
            }
            let cause = self.cause(stored.stream, stored.sequence, place);
            let is_new = stored.position > self.turn_begun_at && matches!(message.body, Body::GatewayCall(_));
            let copies = if is_new { Copies::None } else { Copies::Maybe };
            let delivery = Delivery { message, cause, origin: Arc::new(Origin::of_message(&metadata, &cause)), copies };
            self.begin((stored.position.0, place), Some(delivery.clone()));
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
            ack: Ack::new(self.ack.clone(), token, self.turn.epoch()),
        }
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
            Done::Again(Token::Message { position, place }) => self.deliver_again((position, place)),
            Done::Handled(Token::Wake(_)) | Done::Again(Token::Wake(_)) => {}
            Done::Deposed => {
                tracing::warn!("the relay is owned by another process now; this one stops delivering");
                return Err(Stopped);
            }
        }
        Ok(())
    }

    /// After a pause, so that whatever was in the way may pass.
    fn deliver_again(&mut self, at: (u64, usize)) {
        let Some(Some(delivery)) = self.in_flight.get_mut(&at) else { return };
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

/// The way of one delivery: to the engine's lane, or to the gateway and then to the lane.
struct Outlet {
    log: EventLog,
    calls: Arc<Calls>,
    clock: Arc<dyn Clock>,
    lane: mpsc::Sender<Job>,
    ack: Ack,
}

impl Outlet {
    async fn deliver(self, delivery: Delivery) -> Result<(), Stopped> {
        let Delivery { message, cause, origin, copies } = delivery;
        let task = match &message.body {
            Body::GatewayCall(call) | Body::LookUp(call) => {
                if copies == Copies::Maybe && !self.is_awaited(message.booking, &call.key).await {
                    self.ack.handled();
                    return Ok(());
                }
                let learnt = self.calls.learn(call, copies).await.ok_or(Stopped)?;
                Task::Settle { booking: message.booking, call: Box::new(call.clone()), learnt, cause }
            }
            _ => Task::Message { message: Box::new(message), cause, letter: None },
        };
        let occasion = draw(self.clock.as_ref());
        let job = Job { task, occasion, origin, report: Report::Source(self.ack), alone: false };
        self.lane.send(job).await.map_err(|_| Stopped)
    }

    /// Whether a payment still waits for a call that may have been delivered before. Made once more after the payment had moved on, it would
    /// move money that nobody looks after. Nothing of an earlier turn can be appended any more, so what the log says now is final.
    async fn is_awaited(&self, booking: BookingId, key: &str) -> bool {
        loop {
            match State::empty(StreamKind::Payment).read_on(&self.log, booking.payment()).await {
                Ok(state) => return matches!(&state.aggregate, Aggregate::Payment(payment) if payment.awaits(key)),
                Err(error) => tracing::warn!(key, %error, "a payment cannot be read; its call waits"),
            }
            tokio::time::sleep(LOAD_PAUSE).await;
        }
    }
}

impl Delivery {
    const fn is_gateway_call(&self) -> bool {
        matches!(self.message.to, Destination::Gateway)
    }
}

/// Measures the interval between checkpoints only.
fn now() -> Instant {
    Instant::now()
}
