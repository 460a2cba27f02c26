//! The thread that looks at the broker's events.

use std::sync::mpsc;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError as NativeError, RDKafkaErrorCode as Code};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::Event;
use super::membership::Membership;
use crate::kafka::Incoming;
use crate::kafka::bounds::{POLL, ROOM_AGAIN, ROOM_PATIENCE, SEEK_LIMIT};

pub(super) type Native = BaseConsumer<Membership>;

/// Where a partition is to be read on.
#[derive(Debug)]
pub(super) struct Seek {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: u64,
}

/// What became of the events that wait.
enum Handed {
    All,
    NoRoom,
    NobodyListens,
}

/// Whether records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Runs,
    Paused,
}

pub(super) struct Thread {
    native: Native,
    /// With prefix.
    topics: Vec<String>,
    events: Sender<Event>,
    seeks: mpsc::Receiver<Seek>,
    flow: Flow,
}

impl Thread {
    pub(super) fn new(native: Native, topics: Vec<String>, events: Sender<Event>, seeks: mpsc::Receiver<Seek>) -> Self {
        Self { native, topics, events, seeks, flow: Flow::Runs }
    }

    /// Ends when it is told to, nobody listens any more, or the client is lost; with it the member leaves its group.
    pub(super) fn run(mut self) {
        self.look();
        // A subscription that still waits for its turn would be taken up in the middle of the client's end, which the client does not survive.
        self.native.unsubscribe();
    }

    fn look(&mut self) {
        while !self.native.context().is_closing() {
            while let Ok(seek) = self.seeks.try_recv() {
                self.obey(&seek);
            }
            match self.hand_out() {
                Handed::All => self.turn(Flow::Runs),
                Handed::NoRoom => self.turn(Flow::Paused),
                Handed::NobodyListens => return,
            }
            match self.native.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    let context = self.native.context();
                    context.came(Incoming::of(&message, &context.settings));
                }
                Some(Err(NativeError::MessageConsumptionFatal(code))) => {
                    tracing::error!(%code, "a Kafka consumer cannot go on");
                    return;
                }
                Some(Err(error)) => self.note(&error),
            }
            // One that is to end must not join once more: the client breaks off when it is closed half-way.
            let context = self.native.context();
            if context.takes_adrift() && !context.is_closing() {
                self.join_again();
            }
        }
    }

    /// Puts what waits into the channel, and waits a little for room there.
    fn hand_out(&self) -> Handed {
        let mut waited = std::time::Duration::ZERO;
        loop {
            let Some(event) = self.native.context().waiting().pop_front() else { return Handed::All };
            let event = match self.events.try_send(event) {
                Ok(()) => continue,
                Err(TrySendError::Closed(_)) => return Handed::NobodyListens,
                Err(TrySendError::Full(event)) => event,
            };
            self.native.context().waiting().push_front(event);
            if waited >= ROOM_PATIENCE || self.native.context().is_closing() {
                return Handed::NoRoom;
            }
            std::thread::sleep(ROOM_AGAIN);
            waited += ROOM_AGAIN;
        }
    }

    /// Paused partitions cost no memory, and the group's events still come.
    fn turn(&mut self, flow: Flow) {
        if self.native.context().takes_reassigned() {
            self.flow = Flow::Runs;
        }
        if flow == self.flow {
            return;
        }
        let changed = self.native.assignment().and_then(|all| match flow {
            Flow::Paused => self.native.pause(&all),
            Flow::Runs => self.native.resume(&all),
        });
        match changed {
            Ok(()) => self.flow = flow,
            Err(error) => tracing::warn!(%error, ?flow, "partitions could not be paused or resumed"),
        }
    }

    fn obey(&self, seek: &Seek) {
        let context = self.native.context();
        let Seek { topic, partition, offset } = seek;
        let name = context.settings.on_broker(topic);
        let assigned = self.native.assignment();
        if !assigned.is_ok_and(|all| all.find_partition(&name, *partition).is_some()) {
            return;
        }
        let sought = self.native.seek(&name, *partition, Offset::Offset(offset.cast_signed()), SEEK_LIMIT);
        match sought {
            Ok(()) => context.reads_from(topic, *partition, *offset),
            Err(error) => {
                tracing::warn!(topic, partition, offset, %error, "a partition could not be sought; the group is joined again");
                self.join_again();
            }
        }
    }

    /// Lets go of everything, so that it is given anew and the offsets are asked for again.
    fn join_again(&self) {
        self.native.unsubscribe();
        let names: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        if let Err(error) = self.native.subscribe(&names) {
            tracing::error!(%error, "a group could not be joined");
        }
    }

    fn note(&self, error: &NativeError) {
        if let Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) = error.rdkafka_error_code() {
            tracing::warn!(topics = ?self.topics, "a topic is not there: run `traveladvisor kafka topics apply`");
        } else {
            tracing::debug!(%error, "a Kafka consumer");
        }
    }
}
