//! How far the partitions go, and how far they were handed out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::statistics::Statistics;

/// A partition of this member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    /// Without prefix.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The offset behind its last record; `None` until the broker has said so.
    pub end: Option<u64>,
    /// The offset behind the last record handed out.
    pub read: u64,
}

impl PartitionLag {
    /// How many records were not handed out yet.
    pub fn unread(&self) -> u64 {
        self.end.map_or(0, |end| end.saturating_sub(self.read))
    }
}

#[derive(Debug, Default)]
struct Place {
    end: Option<u64>,
    read: u64,
    /// What was asked for, until the first record comes.
    asked: Option<u64>,
}

/// By the topic's name without prefix and the partition.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<BTreeMap<(String, i32), Place>>);

impl Ends {
    fn places(&self) -> MutexGuard<'_, BTreeMap<(String, i32), Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partition is read from this offset on.
    pub(super) fn asked(&self, topic: &str, partition: i32, from: u64) {
        let mut places = self.places();
        let place = places.entry((topic.to_owned(), partition)).or_default();
        place.read = from;
        place.asked = Some(from);
    }

    pub(super) fn forget(&self, topic: &str, partition: i32) {
        self.places().remove(&(topic.to_owned(), partition));
    }

    /// A record came. Gives what was asked for when that was another one.
    pub(super) fn came(&self, topic: &str, partition: i32, offset: u64) -> Option<u64> {
        let mut places = self.places();
        let place = places.entry((topic.to_owned(), partition)).or_default();
        place.read = offset + 1;
        place.end = place.end.map(|end| end.max(offset + 1));
        place.asked.take().filter(|asked| *asked != offset)
    }

    /// What the client noted of the broker's answers.
    pub(super) fn note(&self, statistics: &Statistics, ours: impl Fn(&str) -> Option<String>) {
        let mut places = self.places();
        for (name, topic) in &statistics.topics {
            let Some(name) = ours(name) else { continue };
            for (partition, said) in &topic.partitions {
                if let Some(place) = places.get_mut(&(name.clone(), *partition))
                    && let Ok(end) = u64::try_from(said.hi_offset)
                {
                    place.end = Some(end);
                }
            }
        }
    }

    pub(super) fn lag(&self) -> Vec<PartitionLag> {
        let places = self.places();
        let lag = |((topic, partition), place): (&(String, i32), &Place)| PartitionLag {
            topic: topic.clone(),
            partition: *partition,
            end: place.end,
            read: place.read,
        };
        places.iter().map(lag).collect()
    }
}
