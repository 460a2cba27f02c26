//! What a log has on offer, told once more: after its topics were lost with their broker, or where an old word came to stand behind a newer one.

use std::collections::HashMap;

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

impl Bus {
    /// Sends the last announcement of each stream of a log to its compacted topic; how many. What is announced meanwhile goes behind them once
    /// more, so that the last word of every stream is the last one in its topic.
    ///
    /// Errors: the log cannot be read, or the broker does not take a record.
    pub async fn announce_again(&self, log: &EventLog) -> Result<u64, AnnounceError> {
        let post = Post::open(&Self { outbox: Outbox::Relay, ..self.clone() }, log.name())?;
        let mut head = log.head().await?;
        let mut last = HashMap::new();
        read(log, (Position::START, head), async |page| {
            last.extend(
                page.iter().filter(|stored| is_announced(stored)).map(|stored| (stored.stream, stored.position)),
            );
            Ok(())
        })
        .await?;
        let mut announced = tell(&post, log, (Position::START, head), Some(&last)).await?;
        loop {
            let now = log.head().await?;
            let again = tell(&post, log, (head, now), None).await?;
            if again == 0 {
                return Ok(announced);
            }
            (announced, head) = (announced + again, now);
        }
    }
}

fn is_announced(stored: &StoredEvent) -> bool {
    stored
        .decode()
        .is_ok_and(|events| events.iter().filter_map(announcement).any(|announced| announced.carries().is_compacted()))
}

/// Sends what is announced in a stretch of the log, of each stream only what stands at its place in `last`; how many records.
async fn tell(
    post: &Post,
    log: &EventLog,
    stretch: (Position, Position),
    last: Option<&HashMap<StreamId, Position>>,
) -> Result<u64, AnnounceError> {
    let mut told = 0;
    read(log, stretch, async |page| {
        let counts = |stored: &&StoredEvent| last.is_none_or(|last| last.get(&stored.stream) == Some(&stored.position));
        let (tell, mut outcomes) = mpsc::unbounded_channel();
        for stored in page.iter().filter(counts) {
            let Ok(parcels) = parcels(post, stored) else {
                tracing::error!(position = stored.position.0, "what cannot be read is not announced");
                continue;
            };
            for parcel in parcels {
                if let Err(error) = Post::check(&parcel) {
                    tracing::error!(position = stored.position.0, %error, "this is not announced: change it");
                    continue;
                }
                let (tell, topic) = (tell.clone(), parcel.topic.name);
                post.send(&parcel, move |outcome| drop(tell.send((topic, outcome)))).await?;
            }
        }
        drop(tell);
        while let Some((topic, outcome)) = outcomes.recv().await {
            outcome.map_err(|not_sent| post.why(&not_sent, topic))?;
            told += 1;
        }
        Ok(())
    })
    .await?;
    Ok(told)
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
