//! Fills a log with trips quickly: real trips, told again under other names, in large appends.

use std::collections::HashMap;

use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::clock::{IdSource, RandomIds};
use traveladvisor_infra::event_log::{
    Append, Appended, EventLog, Key, KeyEffect, KeyRow, NewEvent, Position, StoredEvent,
};

use crate::Outcome;
use crate::database::{self, beginning};
use crate::sides::course::Course;
use crate::sides::supply::CALLER;
use crate::sides::trips::Trips;

/// Flights that trips go round: enough that five million events fill none.
const FLIGHTS: u64 = 500;
/// Real trips that are told again: each has other parts and dates.
const TEMPLATES: usize = 1_000;
/// Trips of one append.
const TRIPS_PER_APPEND: usize = 100;
/// Events read at once.
const PAGE: usize = 5_000;
/// The source of messages that is this log itself.
pub(super) const RELAY: &str = "relay";

/// Tells trips again.
pub(super) struct Teller {
    /// Events of a trip each, as the engine wrote them.
    templates: Vec<Vec<StoredEvent>>,
    /// The last sequence of each hotel, flight and fleet.
    sequences: HashMap<StreamId, u64>,
    told: usize,
}

impl Teller {
    /// Lists the supply and books the trips that will be told again, through the engine.
    pub(super) async fn open(log: &EventLog) -> Outcome<Self> {
        let (engine, running) = database::engine(log, beginning()).await?;
        let trips = Trips::open(log, engine.clone(), Course::Unpaid, FLIGHTS).await?;
        let before = log.head().await?;
        let mut booked = Vec::new();
        for _ in 0..TEMPLATES {
            booked.push(trips.next().await?.request);
        }
        futures::future::try_join_all(booked.into_iter().map(|request| engine.submit(request))).await?;
        running.stop().await;
        let mut teller = Self { templates: Vec::new(), sequences: HashMap::new(), told: 0 };
        teller.read(log, before).await?;
        Ok(teller)
    }

    async fn read(&mut self, log: &EventLog, before: Position) -> Outcome<()> {
        let mut by_booking: HashMap<String, Vec<StoredEvent>> = HashMap::new();
        let mut after = Position::START;
        loop {
            let page = log.read_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for event in page {
                if is_supply(event.stream) {
                    self.sequences.insert(event.stream, event.sequence);
                }
                if event.position > before {
                    by_booking.entry(event.decode_metadata()?.correlation).or_default().push(event);
                }
            }
        }
        self.templates = by_booking.into_values().filter(|events| events.len() > 1).collect();
        Ok(())
    }

    /// Appends trips until the log has so many events.
    pub(super) async fn fill(&mut self, log: &EventLog, events: u64) -> Outcome<()> {
        let mut length = log.head().await?.0;
        while length < events {
            let append = self.append_of(TRIPS_PER_APPEND)?;
            length += append.events.len() as u64;
            committed(log, &append).await?;
        }
        tidy(log).await
    }

    /// An append of so many further trips.
    pub(super) fn append_of(&mut self, trips: usize) -> Outcome<Append> {
        let batch = RandomIds.uuid_v7(beginning());
        let mut append = Append { batch, now: beginning(), ..Append::default() };
        for _ in 0..trips {
            self.tell(&mut append)?;
        }
        Ok(append)
    }

    fn tell(&mut self, append: &mut Append) -> Outcome<()> {
        let template = self.templates.get(self.told % self.templates.len().max(1)).ok_or("no trip was booked")?;
        self.told += 1;
        let old =
            template.iter().find(|event| event.stream.kind == StreamKind::Booking).ok_or("a trip has a booking")?;
        let (old, new) = (BookingId(old.stream.uuid), BookingId(RandomIds.uuid_v7(beginning())));
        let names = [
            (suffix(old.stream()), suffix(new.stream())),
            (template[0].decode_metadata()?.batch, append.batch.to_string()),
        ];
        append.keys.push(KeyRow {
            key: Key { caller: CALLER.into(), operation: "book_trip".into(), key: format!("told-{new}") },
            input_hash: vec![0; 32],
            subject: new.to_string(),
            effect: KeyEffect::At(append.events.len()),
        });
        for event in template {
            let (stream, sequence) = if is_supply(event.stream) {
                let sequence = self.sequences.entry(event.stream).or_insert(0);
                *sequence += 1;
                (event.stream, *sequence)
            } else {
                (StreamId::new(event.stream.kind, new.0), event.sequence)
            };
            if !append.reads.iter().any(|(read, _)| *read == stream) {
                append.reads.push((stream, sequence - 1));
            }
            append.events.push(NewEvent {
                stream,
                sequence,
                event_type: event.event_type.clone(),
                event_version: event.event_version.clone(),
                payload: renamed(&event.payload, &names).into(),
                metadata: renamed(&event.metadata, &names).into(),
                told: None,
            });
        }
        Ok(())
    }
}

/// What the server would do by itself, at a moment of its own choice.
async fn tidy(log: &EventLog) -> Outcome<()> {
    let mut connection = log.pool().acquire().await?;
    for statement in
        ["SET statement_timeout = 0", "VACUUM ANALYZE events", "VACUUM ANALYZE idempotency_keys", "CHECKPOINT"]
    {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    // Not for the pool: it would keep its time-out off.
    connection.close().await?;
    Ok(())
}

/// Appends and accepts nothing but a commit.
pub(super) async fn committed(log: &EventLog, append: &Append) -> Outcome<()> {
    match log.append(append).await? {
        Appended::Committed { .. } => Ok(()),
        Appended::Conflicts(conflicts) => Err(format!("nobody else writes here, yet: {conflicts:?}").into()),
    }
}

/// Whether trips share the stream.
const fn is_supply(stream: StreamId) -> bool {
    matches!(stream.kind, StreamKind::Hotel | StreamKind::Flight | StreamKind::Car)
}

/// The part of an id that booking, saga and payment share.
fn suffix(stream: StreamId) -> String {
    let text = stream.to_string();
    text.rsplit_once('_').map(|(_, suffix)| suffix.to_owned()).unwrap_or(text)
}

fn renamed(text: &str, names: &[(String, String); 2]) -> String {
    let [(booking, new_booking), (batch, new_batch)] = names;
    text.replace(booking, new_booking).replace(batch, new_batch)
}
