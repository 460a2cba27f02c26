//! Reads topics as a member of a group, from where the reader's own log says.
//!
//! A thread of its own looks at the broker's events, so that a busy engine never costs the member its partitions. Everything comes through one
//! channel in the order in which it happened; when that is full the partitions are paused and the thread goes on answering its group.

mod ends;
mod membership;
mod pulse;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use rdkafka::consumer::Consumer as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use self::ends::Ends;
pub use self::ends::PartitionLag;
use self::membership::Membership;
use self::pulse::Pulse;
use self::thread::{Seek, Thread};
use super::bounds::{
    CLOSE_LIMIT, ENDS_MS, EVENTS_MAX, FETCH_WAIT_MS, FETCHED_KIB_MAX, FETCHED_MESSAGES_MIN, HEARTBEAT_MS,
    HEARTBEATS_PER_SESSION_MIN, POLL_MS_MAX, SESSION_MS,
};
use super::{Incoming, KafkaError, KafkaSettings, client};

/// Where to read on: what the reader's own log holds.
pub trait Offsets: Send + Sync + 'static {
    /// The offset of the first record of this partition that was not yet taken in; 0 when none was.
    ///
    /// # Errors
    ///
    /// A sentence for the log; it is asked again.
    fn next_of<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<u64, String>>;
}

/// What happens to a member of a group, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The partition is read from this offset on: it was given to this member, or [`Consumer::seek`] was obeyed. Whatever came of it before is
    /// void.
    Assigned {
        /// Without prefix.
        topic: String,
        /// Its number.
        partition: i32,
        /// The offset of the next record asked for.
        from: u64,
    },
    /// The partition is another member's now.
    Revoked {
        /// Without prefix.
        topic: String,
        /// Its number.
        partition: i32,
    },
    /// The record asked for is not there; reading goes on with another one. A lower one: the topic was made anew. A higher one: the broker has
    /// thrown away what was never read here.
    Moved {
        /// Without prefix.
        topic: String,
        /// Its number.
        partition: i32,
        /// What was asked for.
        asked: u64,
        /// What comes next.
        found: u64,
    },
    /// A record.
    Message(Incoming),
}

/// A member of a group. Dropping it leaves the group.
#[derive(Debug)]
pub struct Consumer {
    seeks: std::sync::mpsc::Sender<Seek>,
    ends: Arc<Ends>,
    pulse: Arc<Pulse>,
    closing: Arc<AtomicBool>,
    /// Sends when the thread has left the group.
    ended: oneshot::Receiver<()>,
}

impl Consumer {
    /// Joins a group (without prefix) and reads these topics: the same partition numbers of all of them belong to one member at a time (range
    /// assignor), provided that they have equally many. The channel ends when the client is lost: open another one.
    ///
    /// # Errors
    ///
    /// When the settings cannot be used. That no broker answers, or a topic is not there, is no error: it is tried until it is.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    pub fn open(
        settings: &KafkaSettings,
        group: &str,
        topics: &[&str],
        offsets: Arc<dyn Offsets>,
    ) -> Result<(Self, mpsc::Receiver<Event>), KafkaError> {
        let (closing, noted) =
            (Arc::new(AtomicBool::new(false)), (Arc::new(Ends::default()), Arc::new(Pulse::default())));
        let membership = Membership::new(settings.clone(), offsets, Handle::current(), closing.clone(), noted.clone());
        let (ends, pulse) = noted;
        let native = config(settings, group).create_with_context(membership);
        let wrong = |error| KafkaError::of(&error, &settings.brokers, "");
        let native: thread::Native = native.map_err(wrong)?;
        let names: Vec<String> = topics.iter().map(|topic| settings.on_broker(topic)).collect();
        native.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).map_err(wrong)?;
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let (seeks, orders) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = Thread::new(native, names, sender, orders);
        let started = std::thread::Builder::new().name(format!("kafka {group}")).spawn(move || {
            thread.run();
            end.send(()).ok();
        });
        started.map_err(|error| KafkaError::Other(format!("no thread for a consumer: {error}")))?;
        Ok((Self { seeks, ends, pulse, closing, ended }, events))
    }

    /// Reads a partition on from this offset. [`Event::Assigned`] tells from where on that counts; a partition that is no longer this member's
    /// stays as it is.
    pub fn seek(&self, topic: &str, partition: i32, offset: u64) {
        // A thread that has ended reads nothing any more.
        self.seeks.send(Seek { topic: topic.to_owned(), partition, offset }).ok();
    }

    /// The partitions of this member, how far they go and how far they were handed out, as of some seconds ago.
    pub fn lag(&self) -> Vec<PartitionLag> {
        self.ends.lag()
    }

    /// Whether the broker has shown a sign of life of late, as of some seconds ago. In an installation of several, one that owes an answer is
    /// enough for a no.
    pub fn hears_the_broker(&self) -> bool {
        self.pulse.is_heard()
    }

    /// Leaves the group, so that others get the partitions at once, and waits for it.
    pub async fn close(mut self) {
        self.closing.store(true, Ordering::Relaxed);
        tokio::time::timeout(CLOSE_LIMIT, &mut self.ended).await.ok();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

fn config(settings: &KafkaSettings, group: &str) -> rdkafka::ClientConfig {
    let mut config = client::config(settings, group);
    config
        .set("group.id", settings.on_broker(group))
        // The log stores the offsets. All partitions change hands at once, and equal numbers go together.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("partition.assignment.strategy", "range")
        // A stored offset that the topic has not: what there is, is read, and the reader is told.
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", session_ms().to_string())
        .set("heartbeat.interval.ms", HEARTBEAT_MS.min(session_ms() / HEARTBEATS_PER_SESSION_MIN).to_string())
        .set("max.poll.interval.ms", POLL_MS_MAX.to_string())
        .set("statistics.interval.ms", ENDS_MS.to_string());
    fetching(&mut config);
    config
}

/// After how much silence a member has lost its partitions.
#[cfg(not(feature = "testing"))]
const fn session_ms() -> u32 {
    SESSION_MS
}

/// The same, unless a test that kills members has no time for it.
#[cfg(feature = "testing")]
fn session_ms() -> u32 {
    std::env::var(crate::testing::broker::SESSION).map_or(SESSION_MS, |ms| ms.parse().expect("milliseconds"))
}

/// How much of a topic waits in the client.
pub(super) fn fetching(config: &mut rdkafka::ClientConfig) {
    config
        .set("fetch.wait.max.ms", FETCH_WAIT_MS.to_string())
        .set("queued.min.messages", FETCHED_MESSAGES_MIN.to_string())
        .set("queued.max.messages.kbytes", FETCHED_KIB_MAX.to_string());
}
