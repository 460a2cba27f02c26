//! Makes jobs of the records that other logs send: as many as may be under way, in the order of their partitions.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use traveladvisor_domain::bus::{Envelope, Received, Topic, read, topics_for};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::kafka::{Consumer, Event, Incoming, KafkaError, Offsets, PartitionLag};

use super::super::gauges::Gauges;
use super::super::job::{Ack, Claim, Done, Job, Origin, Report, SoThat, Task, Token};
use super::super::limits::{LAG_TOLD_EVERY, LOAD_PAUSE, RECORDS_UNDER_WAY_MAX, REDELIVERY_PAUSE};
use super::super::occasion::draw;
use super::partition::source_of;
use super::{Bus, Partition, Record, letter_of};

/// What makes jobs of records.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) log: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lane: mpsc::Sender<Job>,
    pub(crate) gauges: Arc<Gauges>,
}

/// A member of its log's group, at work.
pub(crate) struct Consuming {
    intake: Intake,
    consumer: Consumer,
    events: mpsc::Receiver<Event>,
    partitions: HashMap<(String, i32), Arc<Partition>>,
    /// Handed to the engine and not handled, by partition and offset.
    under_way: HashMap<(u64, u64), Incoming>,
    assignments: u64,
    done: mpsc::UnboundedReceiver<Done>,
    ack: mpsc::UnboundedSender<Done>,
    /// Records that come again after a pause.
    again: JoinSet<(u64, u64)>,
}

/// The offsets stand in the log, beside what their records have led to.
struct Stored(EventLog);

impl Offsets for Stored {
    fn next_of(&self, topic: &str, partition: i32) -> BoxFuture<'static, Result<u64, String>> {
        let (log, source) = (self.0.clone(), source_of(topic, partition));
        async move { log.consumed_offset(&source).await.map_err(|error| error.to_string()) }.boxed()
    }
}

impl Consuming {
    /// Joins the group of the log.
    ///
    /// Errors: the settings cannot be used.
    pub(crate) fn open(bus: &Bus, intake: Intake) -> Result<Self, KafkaError> {
        let topics: Vec<&str> = topics_for(bus.contexts).map(|topic| topic.name).collect();
        let offsets = Arc::new(Stored(intake.log.clone()));
        let (consumer, events) = Consumer::open(&bus.kafka, bus.group(), &topics, offsets)?;
        let (ack, done) = mpsc::unbounded_channel();
        Ok(Self {
            intake,
            consumer,
            events,
            partitions: HashMap::new(),
            under_way: HashMap::new(),
            assignments: 0,
            done,
            ack,
            again: JoinSet::new(),
        })
    }

    /// Consumes until told to stop, until the engine's loop has ended or the client is lost; then leaves the group.
    pub(crate) async fn run(mut self, stop: &mut watch::Receiver<bool>) {
        let mut tell = tokio::time::interval(LAG_TOLD_EVERY);
        while !*stop.borrow() && stop.has_changed().is_ok() && !self.intake.lane.is_closed() {
            let has_room = self.under_way.len() < RECORDS_UNDER_WAY_MAX;
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                Some(done) = self.done.recv() => self.settle(done).await,
                Some(Ok(place)) = self.again.join_next() => self.hand_over_again(place).await,
                _ = tell.tick() => self.tell(),
                event = self.events.recv(), if has_room => match event {
                    Some(event) => self.take(event).await,
                    None => break,
                },
            }
        }
        self.intake.gauges.consume(Vec::new());
        self.intake.gauges.hear_the_broker(false);
        self.consumer.close().await;
    }

    fn tell(&self) {
        self.intake.gauges.consume(self.lag());
        self.intake.gauges.hear_the_broker(self.consumer.hears_the_broker());
    }

    /// How far behind the partitions are, counted from what is handled for good.
    fn lag(&self) -> Vec<PartitionLag> {
        let handled = |lag: PartitionLag| match self.partitions.get(&(lag.topic.clone(), lag.partition)) {
            Some(partition) => PartitionLag { read: partition.stored(), ..lag },
            None => lag,
        };
        self.consumer.lag().into_iter().map(handled).collect()
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Assigned { topic, partition, from } => self.assigned(topic, partition, from),
            Event::Revoked { topic, partition } => self.revoked(topic, partition),
            Event::Moved { topic, partition, asked, found } => {
                // Backwards it is another topic of that name, of which nobody has read anything.
                self.intake.gauges.count_lost(found.saturating_sub(asked));
                tracing::error!(
                    topic,
                    partition,
                    asked,
                    found,
                    "records are gone that nobody has read: see the topic's retention"
                );
                self.assigned(topic.clone(), partition, asked);
                if let Some(partition) = self.partitions.get(&(topic, partition)) {
                    partition.moved_to(found);
                }
            }
            Event::Message(record) => self.hand_over(record).await,
        }
    }

    fn assigned(&mut self, topic: String, number: i32, from: u64) {
        self.revoked(topic.clone(), number);
        self.assignments += 1;
        let partition = Arc::new(Partition::assigned(self.assignments, topic.clone(), number, from));
        self.partitions.insert((topic, number), partition);
    }

    /// What of it is under way is decided all the same; its append finds out whether somebody else went on.
    fn revoked(&mut self, topic: String, number: i32) {
        if let Some(partition) = self.partitions.remove(&(topic, number)) {
            partition.lose();
            self.under_way.retain(|(id, _), _| *id != partition.id);
        }
    }

    async fn hand_over(&mut self, record: Incoming) {
        let Some(partition) = self.partitions.get(&(record.topic.clone(), record.partition)) else { return };
        if !partition.hand_over(record.offset) {
            return;
        }
        let place = Record { partition: partition.clone(), offset: record.offset };
        let job = self.job(&record, place);
        self.under_way.insert((partition.id, record.offset), record);
        self.send(job).await;
    }

    async fn hand_over_again(&mut self, (id, offset): (u64, u64)) {
        let Some(record) = self.under_way.get(&(id, offset)) else { return };
        let Some(partition) = self.partitions.values().find(|partition| partition.id == id) else { return };
        let job = self.job(record, Record { partition: partition.clone(), offset });
        self.send(job).await;
    }

    /// A lane that is closed means that the process ends: the offset has not moved past this record.
    async fn send(&self, job: Job) {
        let _ = self.intake.lane.send(job).await;
    }

    fn job(&self, record: &Incoming, place: Record) -> Job {
        let token = Token::Record { partition: place.partition.id, offset: place.offset };
        let (task, origin) = task_of(record, &place);
        let ack = Ack::new(self.ack.clone(), token, Claim::Record(place));
        let occasion = draw(self.intake.clock.as_ref());
        Job { task, occasion, origin: Arc::new(origin), report: Report::Source(ack), alone: false }
    }

    async fn settle(&mut self, done: Done) {
        match done {
            Done::Handled(Token::Record { partition, offset }) => {
                self.under_way.remove(&(partition, offset));
            }
            Done::Again(Token::Record { partition, offset }) => {
                self.again.spawn(async move {
                    tokio::time::sleep(REDELIVERY_PAUSE).await;
                    (partition, offset)
                });
            }
            Done::Lost(Token::Record { partition, .. }) => self.lost(partition).await,
            Done::Handled(_) | Done::Again(_) | Done::Lost(_) | Done::Deposed => {}
        }
    }

    /// Another process has moved its offset. If it is this one's turn after all, it goes on where that one has come to.
    async fn lost(&mut self, id: u64) {
        let Some(partition) = self.partitions.values().find(|partition| partition.id == id).cloned() else { return };
        self.revoked(partition.topic.clone(), partition.number);
        let offset = loop {
            match self.intake.log.consumed_offset(&partition.source).await {
                Ok(offset) => break offset,
                Err(error) => tracing::warn!(%error, "a stored offset cannot be read; tried again"),
            }
            tokio::time::sleep(LOAD_PAUSE).await;
        };
        tracing::info!(
            source = partition.source,
            offset,
            "another process has gone on with a partition; it is read from there"
        );
        self.consumer.seek(&partition.topic, partition.number, offset);
    }
}

/// A record that can be read is a message to decide on; another one is set aside.
fn task_of(record: &Incoming, place: &Record) -> (Task, Origin) {
    let key = record.key.as_deref().map_or("", |key| std::str::from_utf8(key).unwrap_or_default());
    let topic = Topic::named(&record.topic);
    let received = topic.map(|topic| (topic, read(topic, key, record.payload.as_deref().unwrap_or_default())));
    match received {
        Some((topic, Ok((envelope, Received::Message(message))))) => {
            let message_id = envelope.message_id;
            let origin = origin_of(topic, envelope);
            (Task::Record { message, message_id, place: place.clone() }, origin)
        }
        Some((topic, Ok((envelope, Received::Announcement(..))))) => {
            let (stream, letter) = letter_of(place, Some(envelope.message_id), None, None, "nobody here decides on it");
            (set_aside(stream, letter), origin_of(topic, envelope))
        }
        Some((_, Err(unreadable))) => {
            let (id, booking, asked) = (unreadable.message_id, unreadable.booking, unreadable.instruction);
            let (stream, letter) = letter_of(place, id, booking, asked, &unreadable.reason);
            let correlation = booking.map(|booking| booking.to_string()).unwrap_or_default();
            (set_aside(stream, letter), stranger(correlation))
        }
        None => {
            let (stream, letter) = letter_of(place, None, None, None, "this program does not know its topic");
            (set_aside(stream, letter), stranger(String::new()))
        }
    }
}

fn set_aside(
    stream: traveladvisor_domain::id::StreamId,
    letter: traveladvisor_domain::dead_letter::DeadLetterEvent,
) -> Task {
    Task::SetAside { stream, letter: Box::new(letter), so_that: SoThat::SagaHears }
}

fn origin_of(topic: &Topic, envelope: Envelope) -> Origin {
    Origin {
        command: "message",
        correlation: envelope.correlation_id,
        causation: Some(envelope.message_id),
        actor: format!("service:{}", topic.from),
        traceparent: Some(envelope.traceparent),
        request_id: None,
    }
}

fn stranger(correlation: String) -> Origin {
    Origin {
        command: "message",
        correlation,
        causation: None,
        actor: "service:unknown".to_owned(),
        traceparent: None,
        request_id: None,
    }
}
