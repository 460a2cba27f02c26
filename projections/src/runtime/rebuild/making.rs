//! The rows of several projections in the making: one pass over the log for all.

use futures::future::try_join_all;
use sqlx::PgConnection;
use tokio::sync::watch;
use tokio::time::Instant;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::event_log::{EventLog, Position, Stretch};
use traveladvisor_infra::postgres::own_connection;

use super::building::{Building, Builds};
use super::error::RebuildError;
use super::pace::{Pace, Rate};
use super::progress::{Phase, Progress};
use super::reading::{Reading, end_of};
use super::shadow::Shadow;
use super::writer::Writer;
use super::{Rebuild, Rebuilt, Schemas, catch_up, lock, switch};
use crate::runtime::projection::Projection;
use crate::runtime::projectors::{ProjectionName, Visit};

/// So much of the log is left to live steps after it was read in bulk.
const LITTLE_POSITIONS: u64 = 10_000;
/// How often the log's end is read up to in bulk at most: whoever writes faster than the rate is met by live steps.
const STRETCHES_MAX: usize = 5;

/// What rows are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Purpose {
    /// To become the live ones, or to be compared with them: nobody else may do either.
    Live,
    /// To be looked at.
    Scratch,
}

/// Rows in the making.
pub(in crate::runtime) struct Making {
    pub(super) log: EventLog,
    pub(in crate::runtime) parts: Vec<Made>,
    how: Rebuild,
    begun: Instant,
    pace: Pace,
    events: u64,
}

/// The rows of one projection.
pub(in crate::runtime) struct Made {
    pub(in crate::runtime) name: &'static str,
    pub(in crate::runtime) version: u32,
    streams: &'static [StreamKind],
    pub(in crate::runtime) builds: Box<dyn Builds>,
    /// How far it has taken in the log.
    pub(in crate::runtime) position: Position,
}

impl Making {
    /// Makes empty tables, beside whatever stands elsewhere.
    pub(in crate::runtime) async fn begin(
        log: &EventLog,
        names: &[ProjectionName],
        how: Rebuild,
        purpose: Purpose,
        schema: &str,
    ) -> Result<Self, RebuildError> {
        let begun = Instant::now();
        let mut parts = Vec::new();
        for name in names {
            let mut connection = own_connection(log.pool()).await?;
            let locked = if purpose == Purpose::Live { log.name() } else { schema };
            lock::take(&mut connection, locked, name.as_str()).await?;
            let bytes_max = how.rate.held_bytes(how.bytes_max) / names.len().max(1);
            parts.push(name.meet(Begin { connection, schema, bytes_max, rate: how.rate }).await?);
        }
        Ok(Self { log: log.clone(), parts, how, begun, pace: Pace::new(how.rate), events: 0 })
    }

    /// Reads the log in bulk, also what comes meanwhile, until little is left.
    pub(super) async fn read_all(&mut self, progress: &watch::Sender<Progress>) -> Result<(), RebuildError> {
        let mut after = Position::START;
        for _stretch in 0..STRETCHES_MAX {
            let until = self.log.head().await?;
            self.read(Stretch { after, until }, progress).await?;
            if until.0 - after.0 < LITTLE_POSITIONS {
                break;
            }
            after = until;
        }
        Ok(())
    }

    /// Reads a stretch of the log in bulk and folds it.
    pub(in crate::runtime) async fn read(
        &mut self,
        stretch: Stretch,
        progress: &watch::Sender<Progress>,
    ) -> Result<(), RebuildError> {
        let mut kinds: Vec<StreamKind> = self.parts.iter().flat_map(|part| part.streams).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut reading = Reading::begin(&self.log, stretch, &kinds, self.how).await?;
        while let Some(page) = reading.next().await? {
            try_join_all(self.parts.iter_mut().map(|part| part.builds.take(page.clone()))).await?;
            self.events += page.len() as u64;
            self.pace.keep(page.len()).await;
            let (position, until, events) = (end_of(&page), stretch.until, self.events);
            let events_per_s = self.pace.events_per_s();
            progress.send_replace(Progress { phase: Phase::Reading, position, until, events, events_per_s });
        }
        for part in &mut self.parts {
            part.position = stretch.until;
        }
        Ok(())
    }

    /// Leaves no table behind. What cannot be dropped now is dropped by whoever makes these rows next.
    pub(in crate::runtime) async fn leave_nothing(self) {
        for part in self.parts {
            if let Err(error) = part.builds.leave_nothing().await {
                tracing::warn!(projection = part.name, %error, "could not drop what was made");
            }
        }
    }

    /// Writes what is still in memory and gives the tables their keys and indexes.
    pub(in crate::runtime) async fn complete(
        &mut self,
        progress: &watch::Sender<Progress>,
    ) -> Result<(), RebuildError> {
        progress.send_modify(|told| {
            told.phase = Phase::Indexing;
            told.position = told.until;
        });
        try_join_all(self.parts.iter_mut().map(|part| part.builds.write_all())).await?;
        for part in &mut self.parts {
            let Writer { connection, shadow, .. } = part.builds.writer();
            shadow.complete(connection).await?;
        }
        Ok(())
    }

    /// Takes in what came meanwhile and lets the new rows take the place of the live ones, one projection after the other.
    pub(super) async fn switch(
        &mut self,
        schemas: &Schemas,
        progress: &watch::Sender<Progress>,
    ) -> Result<Vec<Rebuilt>, RebuildError> {
        let mut rebuilt = Vec::new();
        for part in &mut self.parts {
            progress.send_modify(|told| told.phase = Phase::CatchingUp);
            catch_up::to_the_end(&self.log, part, progress).await?;
            progress.send_modify(|told| told.phase = Phase::Switching);
            let switched = switch::switch(&self.log, part, schemas, progress).await?;
            rebuilt.push(Rebuilt {
                name: part.name,
                generation: switched.generation,
                position: part.position,
                events: self.events,
                seconds: self.begun.elapsed().as_secs_f64(),
                dead_letters: part.builds.dead_letters().len(),
                switch_ms: switched.blocked.as_secs_f64() * 1_000.0,
                switch_tries: switched.tries,
            });
        }
        Ok(rebuilt)
    }
}

/// Begins the making of a projection's rows.
struct Begin<'a> {
    connection: PgConnection,
    schema: &'a str,
    bytes_max: usize,
    rate: Rate,
}

impl Visit for Begin<'_> {
    type Out = Result<Made, RebuildError>;

    async fn visit<P: Projection>(mut self, projection: P) -> Self::Out {
        let mut shadow = Shadow::create(&mut self.connection, self.schema, P::TABLES).await?;
        if self.rate.is_limited() {
            // All at once at the end they would take what commands need; row by row they take longer, and nobody waits for that.
            shadow.give_all(&mut self.connection).await?;
        }
        let writer = Writer::new(self.connection, shadow, self.rate.copy_bytes());
        Ok(Made {
            name: P::NAME,
            version: P::VERSION,
            streams: P::STREAMS,
            builds: Box::new(Building::new(projection, writer, self.bytes_max)),
            position: Position::START,
        })
    }
}
