//! What a log has on offer, told once more: after its topics were lost with their broker, or where an old word came to stand behind a newer one.

use std::collections::HashMap;
use std::ops::AddAssign;

use tokio::sync::mpsc;
use traveladvisor_domain::bus::{Content, Parcel, announcement};
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::message::messages_of;
use traveladvisor_infra::event_log::{EventLog, LogError, Position, StoredEvent};
use traveladvisor_infra::kafka::KafkaError;

use super::super::limits::RELAY_PAGE;
use super::{Bus, Outbox, Post};

/// Why it could not all be told.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The broker does not take it.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// How much of a log was told once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Announced {
    /// Records that the broker has.
    pub announced: u64,
    /// Events that cannot be read: what they may announce is not known.
    pub unreadable: u64,
    /// Announcements that no record has room for, or that the broker refuses.
    pub refused: u64,
}

impl AddAssign for Announced {
    fn add_assign(&mut self, more: Self) {
        self.announced += more.announced;
        self.unreadable += more.unreadable;
        self.refused += more.refused;
    }
}

impl Bus {
    /// Sends the last announcement of each stream of a log to its compacted topic, and counts what cannot be read or sent. What is announced
    /// meanwhile goes behind them once more, so that the last word of every stream is the last one in its topic. A stream is left out where an
    /// event behind its last announcement cannot be read: a newer program may have announced it.
    ///
    /// Errors: the log cannot be read, or the broker is away or takes nothing.
    pub async fn announce_again(&self, log: &EventLog) -> Result<Announced, AnnounceError> {
        let post = Post::open(&Self { outbox: Outbox::Relay, ..self.clone() }, log.name())?;
        let (mut from, mut all) = (Position::START, Announced::default());
        loop {
            let head = log.head().await?;
            let told = tell_last(&post, log, (from, head)).await?;
            all += told;
            if told.announced == 0 {
                return Ok(all);
            }
            from = head;
        }
    }
}

/// Notes what is not announced; it counts as one.
fn not_told(stored: &StoredEvent, why: &str) -> u64 {
    tracing::error!(position = stored.position.0, why, "what this event announces is not told");
    1
}

fn is_announced(stored: &StoredEvent) -> Result<bool, LogError> {
    let events = stored.decode()?;
    Ok(events.iter().filter_map(announcement).any(|announced| announced.carries().is_compacted()))
}

/// Sends the last announcement of each stream in a stretch of the log, unless an event behind it cannot be read.
async fn tell_last(post: &Post, log: &EventLog, stretch: (Position, Position)) -> Result<Announced, AnnounceError> {
    let (mut last, mut all): (HashMap<StreamId, Position>, _) = (HashMap::new(), Announced::default());
    read(log, stretch, async |page| {
        for stored in page {
            match is_announced(stored) {
                Ok(true) => drop(last.insert(stored.stream, stored.position)),
                Ok(false) => {}
                Err(error) => {
                    last.remove(&stored.stream);
                    all.unreadable += not_told(stored, &error.to_string());
                }
            }
        }
        Ok(())
    })
    .await?;
    read(log, stretch, async |page| {
        let is_last = |stored: &&StoredEvent| last.get(&stored.stream) == Some(&stored.position);
        let told: Vec<&StoredEvent> = page.iter().filter(is_last).collect();
        all += tell_page(post, &told).await?;
        Ok(())
    })
    .await?;
    Ok(all)
}

/// Sends what these events announce, and waits until the broker has it.
async fn tell_page(post: &Post, page: &[&StoredEvent]) -> Result<Announced, AnnounceError> {
    let mut all = Announced::default();
    let (tell, mut outcomes) = mpsc::unbounded_channel();
    for (place, stored) in page.iter().enumerate() {
        let parcels = match parcels(post, stored) {
            Ok(parcels) => parcels,
            Err(error) => {
                all.unreadable += not_told(stored, &error.to_string());
                continue;
            }
        };
        for parcel in parcels {
            if let Err(why) = Post::check(&parcel) {
                all.refused += not_told(stored, &why);
                continue;
            }
            let (tell, topic) = (tell.clone(), parcel.topic.name);
            let told = move |outcome| drop(tell.send((place, topic, outcome)));
            if let Err(error) = post.send(&parcel, told).await {
                all.refused += not_told(stored, &error.to_string());
            }
        }
    }
    drop(tell);
    while let Some((place, topic, outcome)) = outcomes.recv().await {
        match outcome.map_err(|not_sent| post.why(&not_sent, topic)) {
            Ok(()) => all.announced += 1,
            Err(error) if error.is_refusal() => all.refused += not_told(page[place], &error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

/// Reads a stretch of the log page by page.
async fn read(
    log: &EventLog,
    (mut from, to): (Position, Position),
    mut take: impl AsyncFnMut(&[StoredEvent]) -> Result<(), AnnounceError>,
) -> Result<(), AnnounceError> {
    while from < to {
        let mut page = log.read_after(from, RELAY_PAGE).await?;
        page.retain(|stored| stored.position <= to);
        let Some(last) = page.last() else { return Ok(()) };
        from = last.position;
        take(&page).await?;
    }
    Ok(())
}

/// The announcements of an event, under the ids that they had when the relay sent them.
fn parcels(post: &Post, stored: &StoredEvent) -> Result<Vec<Parcel>, LogError> {
    let (events, metadata, at) = (stored.decode()?, stored.decode_metadata()?, stored.occurred_at()?);
    let (from, first) = (post.context(stored.stream), messages_of(stored.stream, &events).len());
    let announced = events.iter().filter_map(announcement).enumerate();
    let copied = announced.filter(|(_, announced)| announced.carries().is_compacted());
    Ok(copied
        .filter_map(|(place, announced)| {
            let event = (stored.stream, stored.sequence);
            post.pack(event, (&metadata, at), first + place, Content::Announcement(from, &announced))
        })
        .collect())
}
