//! Carries messages between logs instead of the relay, in every order that partitions allow: those of one key in one topic stay in order,
//! all others overtake each other, some come twice, and a topic may be held back.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use traveladvisor_domain::bus::{Content, Parcel, Sent, announcement, parcel};
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::message::{Destination, messages_of};
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};
use traveladvisor_infra::kafka::{KafkaSettings, Outgoing, Producer};

use super::Cluster;
use super::verdict::read_on;

/// Pause between two rounds.
const ROUND: Duration = Duration::from_millis(5);
/// Of so many messages one comes once more, later.
const TWICE: u64 = 4;

/// Changes what is sent.
type Spoil = Box<dyn FnMut(&mut Parcel) + Send>;

/// At work until it is dropped.
pub(crate) struct Courier {
    /// A topic that is held back.
    held: Arc<Mutex<Option<&'static str>>>,
    over: Arc<AtomicBool>,
    working: JoinHandle<()>,
}

impl Courier {
    /// Carries for all logs of a cluster whose relays leave it to a connector.
    pub(crate) fn begin(cluster: &Cluster, seed: u64, spoil: Spoil) -> Self {
        let (held, over) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let logs = cluster.logs.iter().map(|(context, log)| (*context, log.clone(), Position::START)).collect();
        let bag = Bag { logs, waiting: BTreeMap::new(), again: VecDeque::new(), draw: Draw(seed), spoil };
        let working = tokio::spawn(bag.carry(cluster.kafka.clone(), held.clone(), over.clone()));
        Self { held, over, working }
    }

    /// Holds a topic back, or lets what was held back go on.
    pub(crate) fn hold(&self, topic: Option<&'static str>) {
        *self.held.lock().expect("not poisoned") = topic;
    }

    pub(crate) async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.working.await.expect("no panic");
    }
}

/// Numbers that look random and are the same for a seed.
struct Draw(u64);

impl Draw {
    /// Below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What is to be carried.
struct Bag {
    logs: Vec<(Context, EventLog, Position)>,
    /// By topic and key.
    waiting: BTreeMap<(&'static str, String), VecDeque<Parcel>>,
    again: VecDeque<Parcel>,
    draw: Draw,
    spoil: Spoil,
}

impl Bag {
    async fn carry(mut self, kafka: KafkaSettings, held: Arc<Mutex<Option<&'static str>>>, over: Arc<AtomicBool>) {
        let producer = Producer::open(&kafka, "courier").expect("a producer");
        while !over.load(Ordering::Relaxed) {
            self.collect().await;
            let held = *held.lock().expect("not poisoned");
            // Not all that waits, so that something comes between.
            for _ in 0..=self.waiting.len() / 2 {
                if let Some(parcel) = self.next(held) {
                    send(&producer, &parcel).await;
                }
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    async fn collect(&mut self) {
        for (context, log, read) in &mut self.logs {
            for stored in read_on(log, *read).await {
                *read = stored.position;
                for mut parcel in parcels(*context, log.name(), &stored) {
                    (self.spoil)(&mut parcel);
                    let place = (parcel.topic.name, parcel.key.clone());
                    self.waiting.entry(place).or_default().push_back(parcel);
                }
            }
        }
    }

    fn next(&mut self, held: Option<&'static str>) -> Option<Parcel> {
        if self.draw.below(TWICE) == 0
            && let Some(parcel) = self.again.pop_front()
        {
            return Some(parcel);
        }
        let open: Vec<_> = self.waiting.keys().filter(|(topic, _)| Some(*topic) != held).cloned().collect();
        let at = usize::try_from(self.draw.below(open.len().max(1) as u64)).ok()?;
        let place = open.get(at)?;
        let queue = self.waiting.get_mut(place)?;
        let parcel = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(place);
        }
        if self.draw.below(TWICE) == 0 {
            self.again.extend(parcel.clone());
        }
        parcel
    }
}

/// What the relay of a log would send of an event.
fn parcels(context: Context, log: &str, stored: &StoredEvent) -> Vec<Parcel> {
    let (events, metadata) = (stored.decode().expect("readable"), stored.decode_metadata().expect("readable"));
    let here = Contexts::NONE.and(context);
    let sent = |place| Sent {
        log,
        stream: stored.stream,
        sequence: stored.sequence,
        place,
        correlation: &metadata.correlation,
        causation: metadata.causation.as_deref(),
        occurred_at: stored.occurred_at().expect("a time"),
        traceparent: metadata.traceparent.as_deref(),
    };
    let messages = messages_of(stored.stream, &events);
    let announced = events.iter().filter_map(announcement).enumerate();
    let of_announced = announced.filter_map(|(place, told)| {
        let from = stored.stream.kind.context().unwrap_or(context);
        parcel(sent(messages.len() + place), Content::Announcement(from, &told))
    });
    let of_announced: Vec<_> = of_announced.collect();
    let is_for_others = |to: Destination| matches!(to, Destination::Stream(to) if !here.holds(to.kind));
    let of_messages = messages.iter().enumerate().filter(|(_, message)| is_for_others(message.to));
    let of_messages = of_messages.filter_map(|(place, message)| parcel(sent(place), Content::Message(message)));
    of_announced.into_iter().chain(of_messages).collect()
}

async fn send(producer: &Producer, parcel: &Parcel) {
    let headers: HashMap<&str, String> = parcel.headers().into_iter().collect();
    let headers: Vec<(&str, String)> = headers.into_iter().collect();
    let payload = parcel.payload.as_bytes();
    let record = Outgoing { topic: parcel.topic.name, key: &parcel.key, headers: &headers, payload };
    producer.send(&record).expect("there is room").await.expect("it is acknowledged");
}
