//! Fills a log with trips quickly: real trips, told again under other names, in large appends.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta};
use futures::future::try_join_all;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::clock::{IdSource, RandomIds};
use traveladvisor_infra::event_log::{
    Append, Appended, EventLog, Key, KeyEffect, KeyRow, NewEvent, Position, StoredEvent,
};

use crate::Outcome;
use crate::database::{self, beginning};
use crate::load::Client;
use crate::sides::course::Course;
use crate::sides::supply::CALLER;
use crate::sides::trips::{Booker, bookers};

/// Flights that trips go round: enough that five million events fill none.
pub(crate) const FLIGHTS: u64 = 500;
/// Those who book the trips that are told again, for each course, and how many each books: every trip has other parts and dates.
const BOOKERS: u32 = 50;
const TRIPS_OF_BOOKER: usize = 20;
/// Time of the program between two trips that are told.
const TELL_EVERY: TimeDelta = TimeDelta::milliseconds(10);
/// Trips of one append.
const TRIPS_PER_APPEND: usize = 100;
/// Events read at once.
const PAGE: usize = 5_000;
/// The source of messages that is this log itself.
const RELAY: &str = "relay";

/// Tells trips again.
pub(crate) struct Teller {
    /// Events of a trip each, as the engine wrote them.
    templates: Vec<Vec<StoredEvent>>,
    /// The last sequence of each hotel, flight and fleet.
    sequences: HashMap<StreamId, u64>,
    told: usize,
}

impl Teller {
    /// Lists the supply and books, through the engine and to their end, the trips of each course that will be told again.
    pub(crate) async fn open(log: &EventLog, courses: &[Course]) -> Outcome<Self> {
        let (engine, running) = database::engine(log, beginning()).await?;
        for course in courses {
            let bookers = bookers(log, &engine, *course, BOOKERS, FLIGHTS).await?;
            try_join_all(bookers.into_iter().map(book)).await?;
        }
        running.stop().await;
        let mut teller = Self { templates: Vec::new(), sequences: HashMap::new(), told: 0 };
        teller.read(log).await?;
        Ok(teller)
    }

    async fn read(&mut self, log: &EventLog) -> Outcome<()> {
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
                by_booking.entry(event.decode_metadata()?.correlation).or_default().push(event);
            }
        }
        // Of what remains each is the listing of a hotel, a flight or a fleet.
        let is_trip = |events: &Vec<StoredEvent>| events.iter().any(|event| event.stream.kind == StreamKind::Booking);
        self.templates = by_booking.into_values().filter(is_trip).collect();
        Ok(())
    }

    /// Appends trips until the log has so many events.
    pub(crate) async fn fill(&mut self, log: &EventLog, events: u64) -> Outcome<()> {
        let mut length = log.head().await?.0;
        while length < events {
            let append = self.append_of(TRIPS_PER_APPEND)?;
            length += append.events.len() as u64;
            committed(log, &append).await?;
        }
        tidy(log).await
    }

    /// An append of so many further trips.
    pub(crate) fn append_of(&mut self, trips: usize) -> Outcome<Append> {
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
        let later = TELL_EVERY * i32::try_from(self.told)?;
        let old =
            template.iter().find(|event| event.stream.kind == StreamKind::Booking).ok_or("a trip has a booking")?;
        let (old, new) = (BookingId(old.stream.uuid), BookingId(RandomIds.uuid_v7(beginning() + later)));
        let names = names(template, (old, new), append, later)?;
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

/// One after the other, each to its end.
async fn book(mut booker: Booker) -> Outcome<()> {
    for _ in 0..TRIPS_OF_BOOKER {
        booker.once().await?;
    }
    Ok(())
}

/// What was told again causes nothing: the messages of those trips were handled when they were booked.
pub(crate) async fn skip_messages(log: &EventLog) -> Outcome<()> {
    let head = log.head().await?.0;
    let consumed = log.consumed_offset(RELAY).await?;
    // Nobody delivers meanwhile, so the last turn stands.
    let owners = log.owners().await?;
    let epoch = owners.iter().find(|owner| owner.name == RELAY).map_or(0, |owner| owner.epoch);
    log.move_offset(RELAY, epoch, consumed, head).await?;
    Ok(())
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
pub(crate) async fn committed(log: &EventLog, append: &Append) -> Outcome<()> {
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

/// What stands otherwise in a trip that is told again: the ids of booking and appends, and when it was.
fn names(
    template: &[StoredEvent],
    (old, new): (BookingId, BookingId),
    append: &Append,
    later: TimeDelta,
) -> Outcome<Vec<(String, String)>> {
    let mut names = vec![(suffix(old.stream()), suffix(new.stream()))];
    for event in template {
        let metadata = event.decode_metadata()?;
        if names.iter().all(|(known, _)| *known != metadata.batch) {
            // The first is the append's own; what the gateway's answer made was appended later, by another.
            let is_first = names.len() == 1;
            let batch = if is_first { append.batch } else { RandomIds.uuid_v7(beginning() + later) };
            names.push((metadata.batch, batch.to_string()));
        }
        if names.iter().all(|(known, _)| *known != metadata.occurred_at) {
            let at = DateTime::parse_from_rfc3339(&metadata.occurred_at)? + later;
            names.push((metadata.occurred_at, at.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)));
        }
    }
    Ok(names)
}

fn renamed(text: &str, names: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    // The latest time first: what an earlier one becomes may be the same.
    for (old, new) in names.iter().rev() {
        if text.contains(old) {
            text = text.replace(old, new);
        }
    }
    text
}
