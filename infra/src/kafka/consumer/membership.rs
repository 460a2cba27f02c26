//! What a member of a group does when partitions are given to it or taken from it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError as Native;
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::ends::Ends;
use super::pulse::Pulse;
use super::{Event, Offsets};
use crate::fail_points::{self, Point};
use crate::kafka::bounds::{OFFSETS_AGAIN, OFFSETS_LIMIT, POLL};
use crate::kafka::client::{Voice, log};
use crate::kafka::{Incoming, KafkaSettings};

/// Topic (without prefix), partition, offset.
type Places = Vec<(String, i32, u64)>;

pub(super) struct Membership {
    pub(super) settings: KafkaSettings,
    offsets: Arc<dyn Offsets>,
    runtime: Handle,
    closing: Arc<AtomicBool>,
    ends: Arc<Ends>,
    pulse: Arc<Pulse>,
    /// What was not handed out yet, oldest first. Only the thread takes from it.
    waiting: Mutex<VecDeque<Event>>,
    /// The offsets could not be had: the group is to be joined again.
    adrift: AtomicBool,
    /// Partitions came: none of them is paused.
    reassigned: AtomicBool,
    voice: Voice,
}

impl Membership {
    pub(super) fn new(
        settings: KafkaSettings,
        offsets: Arc<dyn Offsets>,
        runtime: Handle,
        closing: Arc<AtomicBool>,
        (ends, pulse): (Arc<Ends>, Arc<Pulse>),
    ) -> Self {
        let (waiting, voice) = (Mutex::default(), Voice::default());
        let (adrift, reassigned) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { settings, offsets, runtime, closing, ends, pulse, waiting, adrift, reassigned, voice }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether the group is to be joined again; asked once.
    pub(super) fn takes_adrift(&self) -> bool {
        self.adrift.swap(false, Ordering::Relaxed)
    }

    /// Whether partitions came since this was last asked.
    pub(super) fn takes_reassigned(&self) -> bool {
        self.reassigned.swap(false, Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record in.
    pub(super) fn came(&self, message: Incoming) {
        fail_points::before(Point::RecordTaken);
        self.voice.heard();
        let (topic, partition, found) = (&message.topic, message.partition, message.offset);
        let moved = self.ends.came(topic, partition, found);
        let mut waiting = self.waiting();
        if let Some(asked) = moved {
            tracing::warn!(topic, partition, asked, found, "the stored offset is not in the topic: reading goes on");
            waiting.push_back(Event::Moved { topic: topic.clone(), partition, asked, found });
        }
        waiting.push_back(Event::Message(message));
        drop(waiting);
        fail_points::after(Point::RecordTaken);
    }

    /// The partition is read from this offset on, and what waits of it is void.
    pub(super) fn reads_from(&self, topic: &str, partition: i32, from: u64) {
        self.ends.asked(topic, partition, from);
        self.drop_waiting(topic, partition);
        self.waiting().push_back(Event::Assigned { topic: topic.to_owned(), partition, from });
    }

    fn drop_waiting(&self, topic: &str, partition: i32) {
        self.waiting().retain(|event| match event {
            Event::Message(message) => message.topic != topic || message.partition != partition,
            _ => true,
        });
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let names = partitions.elements();
        let ours = |topic: &str| self.settings.ours(topic).unwrap_or(topic).to_owned();
        let asked: Vec<_> = names.iter().map(|element| (ours(element.topic()), element.partition())).collect();
        let places = self.ask(&asked).unwrap_or_else(|| {
            self.adrift.store(true, Ordering::Relaxed);
            Places::new()
        });
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (topic, partition, from) in &places {
            let added = list.add_partition_offset(
                &self.settings.on_broker(topic),
                *partition,
                Offset::Offset(from.cast_signed()),
            );
            if let Err(error) = added {
                tracing::error!(topic, partition, from, %error, "a stored offset is none; the partition is not read");
                continue;
            }
            self.reads_from(topic, *partition, *from);
        }
        self.reassigned.store(true, Ordering::Relaxed);
        if let Err(error) = consumer.assign(&list) {
            tracing::warn!(%error, "the partitions could not be taken; the group is joined again");
            self.adrift.store(true, Ordering::Relaxed);
        }
    }

    /// Asks until there is an answer for all; `None` when there is none for too long, or it is no longer wanted.
    fn ask(&self, partitions: &[(String, i32)]) -> Option<Places> {
        let mut waited = Duration::ZERO;
        while waited < OFFSETS_LIMIT && !self.is_closing() {
            match self.ask_once(partitions.to_vec(), &mut waited)? {
                Ok(places) => return Some(places),
                Err(reason) => tracing::warn!(reason, "where to read on is not known; it is asked again"),
            }
            std::thread::sleep(OFFSETS_AGAIN);
            waited += OFFSETS_AGAIN;
        }
        None
    }

    /// The answers come from the runtime, so that its end is no panic here.
    fn ask_once(&self, partitions: Vec<(String, i32)>, waited: &mut Duration) -> Option<Result<Places, String>> {
        let (offsets, (sender, answer)) = (self.offsets.clone(), std::sync::mpsc::sync_channel(1));
        let task = self.runtime.spawn(async move {
            let all = partitions.iter().map(async |(topic, partition)| {
                offsets.next_of(topic, *partition).await.map(|from| (topic.clone(), *partition, from))
            });
            sender.send(futures::future::try_join_all(all).await).ok();
        });
        while *waited < OFFSETS_LIMIT && !self.is_closing() {
            match answer.recv_timeout(POLL) {
                Ok(answered) => return Some(answered),
                Err(RecvTimeoutError::Timeout) => *waited += POLL,
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        task.abort();
        None
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        for element in partitions.elements() {
            let topic = self.settings.ours(element.topic()).unwrap_or_else(|| element.topic());
            let partition = element.partition();
            self.drop_waiting(topic, partition);
            self.ends.forget(topic, partition);
            self.waiting().push_back(Event::Revoked { topic: topic.to_owned(), partition });
        }
        if let Err(error) = consumer.unassign() {
            tracing::warn!(%error, "the partitions could not be let go");
        }
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, area: &str, line: &str) {
        log(level, area, line);
    }

    fn error(&self, error: Native, reason: &str) {
        self.voice.note(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.pulse.note(&statistics);
        self.ends.note(&statistics, |name| self.settings.ours(name).map(str::to_owned));
    }
}

impl ConsumerContext for Membership {
    /// Called by the thread, from within its look at the broker's events.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        fail_points::before(Point::PartitionsGiven);
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, partitions);
        } else {
            self.revoke(consumer, partitions);
        }
        fail_points::after(Point::PartitionsGiven);
    }

    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(POLL)
    }
}
