//! What trips are priced from where supply and members have logs of their own: copies, fed by compacted topics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::bus::{Announcement, Received, Standing, TOPICS, Topic, read};
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::id::{MemberId, StreamId};
use traveladvisor_infra::kafka::{Incoming, KafkaError, KafkaSettings, Read, TopicReader};

use super::super::limits::{BROKER_AGAIN, COPIES_MAX};
use super::Bus;

/// Copies of what is on sale, of members' standing and of vouchers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Copies(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whose copies these are: what other logs hold.
    of: Vec<Context>,
    known: RwLock<HashMap<StreamId, (Place, Copied)>>,
    /// Topics that were not read to their end yet.
    behind: AtomicUsize,
}

/// Where something was told.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which reading of its topic from the beginning.
    reading: u32,
    partition: i32,
    offset: u64,
    at: DateTime<Utc>,
}

impl Place {
    /// Whether it counts more than what was told there. A partition has the order of the log, whatever clocks say. Once a topic has more
    /// partitions than it had, an earlier word of a key may stand in another one; and a topic that was lost and made anew begins at offset 0
    /// again: there the program's time has to tell.
    fn follows(self, other: Self) -> bool {
        let is_ordered = (self.reading, self.partition) == (other.reading, other.partition);
        if is_ordered { self.offset >= other.offset } else { self.at >= other.at }
    }
}

/// How far the partitions of a topic were read, each by itself.
#[derive(Debug, Default)]
struct Progress(HashMap<i32, Reached>);

/// How far a partition was read.
#[derive(Debug, Clone, Copy, Default)]
struct Reached {
    /// Counts how often it began anew: whenever the client is opened again, and when an offset comes that was read already.
    reading: u32,
    next: u64,
}

impl Progress {
    /// A client is opened: it reads all partitions from their beginnings.
    fn begins(&mut self) {
        for reached in self.0.values_mut() {
            *reached = Reached { reading: reached.reading + 1, next: 0 };
        }
    }

    fn place(&mut self, record: &Incoming) -> (u32, i32, u64) {
        let (partition, offset) = (record.partition, record.offset);
        let reached = self.0.entry(partition).or_default();
        if offset < reached.next {
            tracing::warn!(topic = record.topic, partition, offset, "a topic begins anew: was it lost?");
            reached.reading += 1;
        }
        reached.next = offset + 1;
        (reached.reading, partition, offset)
    }
}

#[derive(Debug, Clone)]
enum Copied {
    State(Arc<Aggregate>),
    Standing(Standing),
}

impl Copies {
    /// Nothing is known of these contexts yet.
    fn of(contexts: Vec<Context>, topics: usize) -> Self {
        Self(Arc::new(Inner { of: contexts, behind: AtomicUsize::new(topics), ..Inner::default() }))
    }

    /// Whether all that was told before this process began is known. Until then nothing can be priced.
    pub fn is_complete(&self) -> bool {
        self.0.behind.load(Ordering::Acquire) == 0
    }

    /// How many are known.
    pub fn count(&self) -> usize {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether streams of this context are known from copies.
    pub(crate) fn holds(&self, context: Context) -> bool {
        self.0.of.contains(&context)
    }

    /// What is known of a stream, as its own log would have it; the empty state when nothing was told of it.
    pub(crate) fn state(&self, stream: StreamId) -> Arc<Aggregate> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(&stream) {
            Some((_, Copied::State(state))) => state.clone(),
            Some((_, Copied::Standing(_))) | None => Arc::new(Aggregate::empty(stream.kind)),
        }
    }

    /// Whether somebody is a member, or was one.
    pub(crate) fn standing(&self, member: MemberId) -> Option<Standing> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(&member.stream()) {
            Some((_, Copied::Standing(standing))) => Some(*standing),
            Some((_, Copied::State(_))) | None => None,
        }
    }

    fn take(&self, topic: &Topic, progress: &mut Progress, record: &Incoming) {
        let (reading, partition, offset) = progress.place(record);
        let key = record.key.as_deref().map_or("", |key| std::str::from_utf8(key).unwrap_or_default());
        let Some(value) = &record.payload else { return };
        let (told_at, stream, announced) = match read(topic, key, value) {
            Ok((told, Received::Announcement(stream, announced))) => (told.occurred_at, stream, announced),
            Ok((_, Received::Message(_))) => return,
            Err(unreadable) => {
                let topic = topic.name;
                tracing::error!(topic, partition, offset, %unreadable, "what is told of supply or members cannot be read");
                return;
            }
        };
        let copy = match (&*announced, announced.copied(stream)) {
            (Announcement::Member(standing), _) => Copied::Standing(*standing),
            (_, Some(state)) => Copied::State(Arc::new(state)),
            (_, None) => return,
        };
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= COPIES_MAX && !known.contains_key(&stream) {
            tracing::error!(%stream, "there are as many copies as there may be: what is new cannot be booked here");
            return;
        }
        let place = Place { reading, partition, offset, at: told_at };
        if known.get(&stream).is_none_or(|(before, _)| place.follows(*before)) {
            known.insert(stream, (place, copy));
        }
    }

    /// Begins to read what others tell this log, if it prices trips; none where all that needs is its own.
    pub(crate) fn begin(bus: &Bus, stop: &watch::Receiver<bool>) -> Option<Self> {
        let topics: Vec<&'static Topic> = TOPICS.iter().filter(|topic| is_copied(topic, bus.contexts)).collect();
        if topics.is_empty() {
            return None;
        }
        let copies = Self::of(topics.iter().map(|topic| topic.from).collect(), topics.len());
        for topic in topics {
            tokio::spawn(follow(copies.clone(), bus.kafka.clone(), topic, stop.clone()));
        }
        Some(copies)
    }
}

fn is_copied(topic: &Topic, here: Contexts) -> bool {
    topic.carries.is_compacted() && topic.to.is_some_and(|to| here.has(to)) && !here.has(topic.from)
}

/// Reads a topic for as long as the engine runs. A client that is lost is opened again; what it tells once more changes nothing.
async fn follow(copies: Copies, kafka: KafkaSettings, topic: &'static Topic, mut stop: watch::Receiver<bool>) {
    let (mut is_behind, mut progress) = (true, Progress::default());
    while !*stop.borrow() && stop.has_changed().is_ok() {
        tokio::select! {
            _ = stop.changed() => {}
            ended = follow_once(&copies, &kafka, topic, (&mut is_behind, &mut progress)) => {
                if let Err(error) = ended {
                    tracing::error!(topic = topic.name, %error, "a topic cannot be read; tried again");
                }
                tokio::time::sleep(BROKER_AGAIN).await;
            }
        }
    }
}

async fn follow_once(
    copies: &Copies,
    kafka: &KafkaSettings,
    topic: &'static Topic,
    (is_behind, progress): (&mut bool, &mut Progress),
) -> Result<(), KafkaError> {
    progress.begins();
    let (_reader, mut reads) = TopicReader::open(kafka, "traveladvisor-copies", topic.name)?;
    while let Some(read) = reads.recv().await {
        match read {
            Read::Record(record) => copies.take(topic, progress, &record),
            Read::CaughtUp if *is_behind => {
                *is_behind = false;
                copies.0.behind.fetch_sub(1, Ordering::AcqRel);
            }
            Read::CaughtUp => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use traveladvisor_domain::aggregate::Event;
    use traveladvisor_domain::bus::{Content, Sent, Topic, announcement, parcel};
    use traveladvisor_domain::context::Context;
    use traveladvisor_domain::id::{MemberId, StreamId, StreamKind};
    use traveladvisor_domain::member::MemberEvent;
    use traveladvisor_domain::shape::Events;
    use traveladvisor_infra::kafka::Incoming;

    use super::{Copies, Progress, Standing};

    /// Told second, in partition 0, by a process whose clock was behind that of the first.
    const CLOCK_BEHIND: (&str, (i32, u64)) = ("2024-12-01T00:00:00Z", (0, 2));

    fn told(stream: StreamId, event: &Event, at: &str, (partition, offset): (i32, u64)) -> (&'static Topic, Incoming) {
        let announced = announcement(event).expect("it is announced");
        let sent = Sent {
            log: "member",
            stream,
            sequence: 1,
            place: 0,
            correlation: "01937f84-5818-7118-b0d3-641a68f94a69",
            causation: None,
            occurred_at: at.parse().expect("an instant"),
            traceparent: None,
        };
        let parcel = parcel(sent, Content::Announcement(Context::Member, &announced)).expect("it has a topic");
        let record = Incoming {
            topic: parcel.topic.name.to_owned(),
            partition,
            offset,
            key: Some(parcel.key.into_bytes()),
            headers: Vec::new(),
            payload: Some(parcel.payload.into_bytes()),
            timestamp_ms: None,
        };
        (parcel.topic, record)
    }

    /// What is told when a member signs up and when it leaves, each at its own instant and place in the topic.
    fn signed_up_and_left(
        member: MemberId,
        signed_up: (&str, (i32, u64)),
        left: (&str, (i32, u64)),
    ) -> (&'static Topic, [Incoming; 2]) {
        let golden = include_str!("../../../../domain/events/member/MemberSignedUp.v1.json");
        let first = Events::read(StreamKind::Member, "MemberSignedUp", "1", golden).expect("an event");
        let last = Event::Member(MemberEvent::MemberClosed { reason: None });
        let (topic, first) = told(member.stream(), first.first(), signed_up.0, signed_up.1);
        (topic, [first, told(member.stream(), &last, left.0, left.1).1])
    }

    #[test]
    fn what_was_told_later_counts_in_whatever_order_it_is_read() {
        let member = MemberId::of("somebody");
        let (topic, [first, last]) =
            signed_up_and_left(member, ("2024-12-01T00:00:00Z", (0, 7)), ("2024-12-02T00:00:00Z", (3, 1)));
        let (copies, mut progress) = (Copies::of(vec![Context::Member], 0), Progress::default());
        copies.take(topic, &mut progress, &last);
        copies.take(topic, &mut progress, &first);
        assert_eq!(copies.standing(member), Some(Standing::Left));
        assert_eq!(copies.standing(MemberId::of("nobody")), None);
    }

    #[test]
    fn in_one_partition_its_order_counts_and_no_clock() {
        let member = MemberId::of("somebody");
        let (topic, [first, last]) = signed_up_and_left(member, ("2024-12-01T00:00:01Z", (0, 1)), CLOCK_BEHIND);
        let (copies, mut progress) = (Copies::of(vec![Context::Member], 0), Progress::default());
        copies.take(topic, &mut progress, &first);
        copies.take(topic, &mut progress, &last);
        assert_eq!(copies.standing(member), Some(Standing::Left));
        // A client that is opened again reads all of it once more.
        progress.begins();
        copies.take(topic, &mut progress, &first);
        copies.take(topic, &mut progress, &last);
        assert_eq!(copies.standing(member), Some(Standing::Left));
    }

    #[test]
    fn what_is_told_in_a_topic_that_was_made_anew_counts() {
        let member = MemberId::of("somebody");
        let (topic, [first, last]) =
            signed_up_and_left(member, ("2024-12-01T00:00:00Z", (0, 7)), ("2024-12-02T00:00:00Z", (0, 0)));
        let (copies, mut progress) = (Copies::of(vec![Context::Member], 0), Progress::default());
        copies.take(topic, &mut progress, &first);
        copies.take(topic, &mut progress, &last);
        assert_eq!(copies.standing(member), Some(Standing::Left));
    }

    #[test]
    fn one_partition_that_begins_anew_leaves_the_order_of_the_others_as_it_is() {
        let member = MemberId::of("somebody");
        let (topic, [first, last]) = signed_up_and_left(member, ("2024-12-01T00:00:01Z", (0, 1)), CLOCK_BEHIND);
        let another = MemberId::of("another");
        let elsewhere = ["2024-12-01T00:00:00Z", "2024-12-02T00:00:00Z"];
        let (_, elsewhere) = signed_up_and_left(another, (elsewhere[0], (1, 5)), (elsewhere[1], (1, 0)));
        let (copies, mut progress) = (Copies::of(vec![Context::Member], 0), Progress::default());
        copies.take(topic, &mut progress, &first);
        for record in elsewhere {
            copies.take(topic, &mut progress, &record);
        }
        copies.take(topic, &mut progress, &last);
        assert_eq!(copies.standing(member), Some(Standing::Left));
    }
}
