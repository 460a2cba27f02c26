//! Reads a topic without a group: every reader gets all of it, from the beginning on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as Native;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::bounds::{ANSWER_LIMIT, CLOSE_LIMIT, EVENTS_MAX, NEW_PARTITIONS_MS, POLL, ROOM_AGAIN, TOPIC_AGAIN};
use super::client::{self, Voice};
use super::{Incoming, KafkaError, KafkaSettings, consumer};

/// What is read, in the order of each partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A record.
    Record(Incoming),
    /// Everything that stood in the topic when reading began was handed out. Comes once.
    CaughtUp,
}

/// Reads one topic, for ever. Dropping it ends that.
#[derive(Debug)]
pub struct TopicReader {
    closing: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
}

impl TopicReader {
    /// Reads all partitions of a topic (without prefix) from the beginning, also those that are added later. Waits for a topic or broker that is
    /// not there. The channel ends when the client is lost: open another one.
    ///
    /// # Errors
    ///
    /// When the settings cannot be used.
    pub fn open(
        settings: &KafkaSettings,
        client_id: &str,
        topic: &str,
    ) -> Result<(Self, mpsc::Receiver<Read>), KafkaError> {
        let mut config = client::config(settings, client_id);
        consumer::fetching(&mut config);
        let created = config
            // The client wants a name, but nothing is stored under it and no group is joined.
            .set("group.id", settings.on_broker(client_id))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .create_with_context(Voice::default());
        let native = created.map_err(|error| KafkaError::of(&error, &settings.brokers, topic))?;
        let (events, reads) = mpsc::channel(EVENTS_MAX);
        let (closing, (end, ended)) = (Arc::new(AtomicBool::new(false)), oneshot::channel());
        let reading = Reading {
            native,
            name: settings.on_broker(topic),
            settings: settings.clone(),
            events,
            closing: closing.clone(),
            known: 0,
            behind: None,
        };
        let started = std::thread::Builder::new().name(format!("kafka {topic}")).spawn(move || {
            reading.run();
            end.send(()).ok();
        });
        started.map_err(|error| KafkaError::Other(format!("no thread for a reader: {error}")))?;
        Ok((Self { closing, ended }, reads))
    }

    /// Ends reading and waits for it.
    pub async fn close(mut self) {
        self.closing.store(true, Ordering::Relaxed);
        tokio::time::timeout(CLOSE_LIMIT, &mut self.ended).await.ok();
    }
}

impl Drop for TopicReader {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

struct Reading {
    native: BaseConsumer<Voice>,
    /// With prefix.
    name: String,
    settings: KafkaSettings,
    events: mpsc::Sender<Read>,
    closing: Arc<AtomicBool>,
    /// How many partitions are read.
    known: i32,
    /// The partitions whose end was not reached yet; `None` before they are known and after all were.
    behind: Option<BTreeSet<i32>>,
}

impl Reading {
    fn run(mut self) {
        let look_again = Duration::from_millis(NEW_PARTITIONS_MS.into());
        let mut looked: Option<Instant> = None;
        while !self.closing.load(Ordering::Relaxed) {
            if self.known == 0 || looked.is_none_or(|at| at.elapsed() >= look_again) {
                self.look_for_partitions();
                looked = Some(Instant::now());
            }
            let goes_on = match self.native.poll(POLL) {
                None => true,
                Some(Ok(message)) => {
                    self.native.context().heard();
                    let record = Incoming::of(&message, &self.settings);
                    self.hand_out(Read::Record(record))
                }
                Some(Err(Native::PartitionEOF(partition))) => self.reached_end_of(partition),
                Some(Err(Native::MessageConsumptionFatal(_))) => false,
                Some(Err(error)) => {
                    tracing::debug!(%error, "a Kafka reader");
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Reads partitions that are new from their beginning.
    fn look_for_partitions(&mut self) {
        let found = self.native.fetch_metadata(Some(&self.name), ANSWER_LIMIT);
        let count = match &found {
            Ok(metadata) => metadata.topics().first().map_or(0, |topic| topic.partitions().len()),
            Err(error) => {
                tracing::debug!(topic = self.name, %error, "a topic's partitions are not known");
                return;
            }
        };
        if count == 0 {
            tracing::warn!(topic = self.name, "a topic is not there: run `traveladvisor kafka topics apply`");
            std::thread::sleep(TOPIC_AGAIN);
            return;
        }
        let new = self.known..i32::try_from(count).unwrap_or(i32::MAX);
        let mut list = TopicPartitionList::new();
        for partition in new.clone() {
            if list.add_partition_offset(&self.name, partition, Offset::Beginning).is_err() {
                return;
            }
        }
        if new.is_empty() {
            return;
        }
        if let Err(error) = self.native.incremental_assign(&list) {
            tracing::warn!(topic = self.name, %error, "partitions of a topic could not be taken");
            return;
        }
        if self.known == 0 {
            self.behind = Some(new.clone().collect());
        }
        self.known = new.end;
    }

    /// Whether anybody still listens.
    fn reached_end_of(&mut self, partition: i32) -> bool {
        let Some(behind) = &mut self.behind else { return true };
        behind.remove(&partition);
        if !behind.is_empty() {
            return true;
        }
        self.behind = None;
        self.hand_out(Read::CaughtUp)
    }

    /// Waits for room. There is no group that would miss us meanwhile.
    fn hand_out(&self, read: Read) -> bool {
        let mut read = read;
        while !self.closing.load(Ordering::Relaxed) {
            match self.events.try_send(read) {
                Ok(()) => return true,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(again)) => read = again,
            }
            std::thread::sleep(ROOM_AGAIN);
        }
        false
    }
}
