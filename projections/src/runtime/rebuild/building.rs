//! One projection's rows in the making: pages of the log folded in memory, within a bound.

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use sqlx::PgConnection;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::writer::Writer;
use crate::runtime::changes::{Change, Changes};
use crate::runtime::dead_letters::{Letter, PARKED_EVENTS_MAX};
use crate::runtime::projection::{Part, Projection, Tailed};
use crate::runtime::sift::PANICKED;

/// Bytes of rows in memory that are written at once at the end.
const SLICE_BYTES: usize = 16 << 20;

/// A page of the log, decoded once for all.
pub(super) type Page = Arc<Vec<Tailed>>;

/// What a rebuild asks of the projections that it makes, whatever they are.
pub(in crate::runtime) trait Builds: Send {
    /// Takes a page in; the rows of the page before are written meanwhile.
    fn take(&mut self, page: Page) -> Step<'_>;
    /// Writes all rows that are in memory, and what was kept back of a flush.
    fn write_all(&mut self) -> Step<'_>;
    /// Takes a page in as a live projector does: rows are read and merged, all in one transaction that is under way on the connection.
    fn follow<'a>(&'a mut self, page: &'a [Tailed]) -> Step<'a>;
    /// Its tables' writer.
    fn writer(&mut self) -> &mut Writer;
    /// What could not be taken in.
    fn dead_letters(&self) -> &[Letter];
    /// Drops the tables.
    fn leave_nothing(self: Box<Self>) -> Step<'static>;
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<(), RebuildError>> + Send + 'a>>;

/// Events that could not be taken in, and those of the same keys behind them.
#[derive(Debug, Default)]
struct DeadLetters {
    keys: HashSet<StreamId>,
    letters: Vec<Letter>,
}

/// Rows of one projection, in memory and in its shadow tables.
pub(super) struct Building<P: Projection> {
    /// What is at work on another thread is not here.
    folding: Option<Folding<P>>,
    writer: Writer,
    /// What the page before has changed.
    changes: Vec<Change>,
    has_spilled: bool,
}

/// What a fold works on.
struct Folding<P: Projection> {
    projection: P,
    batch: P::Batch,
    dead_letters: DeadLetters,
    bytes_max: usize,
}

impl<P: Projection> Building<P> {
    pub(super) fn new(projection: P, writer: Writer, bytes_max: usize) -> Self {
        let (batch, dead_letters) = (P::Batch::default(), DeadLetters::default());
        let folding = Some(Folding { projection, batch, dead_letters, bytes_max });
        Self { folding, writer, changes: Vec::new(), has_spilled: false }
    }

    async fn take_page(&mut self, page: Page) -> Result<(), RebuildError> {
        let mut folding = self.folding.take().ok_or(RebuildError::Panicked)?;
        let missing = if self.has_spilled { folding.missing(&page) } else { BTreeSet::new() };
        if !missing.is_empty() {
            // Rows that left the memory may be needed again: they are read, after all before was written.
            self.writer.take(std::mem::take(&mut self.changes)).await?;
            self.writer.write_gathered().await?;
            self.writer.shadow.give_keys(&mut self.writer.connection).await?;
            folding.load(&missing, &mut self.writer.connection).await?;
        }
        let fold = tokio::task::spawn_blocking(move || folding.fold_page(&page));
        let writing = self.writer.take(std::mem::take(&mut self.changes));
        let (folded, written) = futures::future::join(fold, writing).await;
        let (folding, changes) = folded.map_err(|_panic| RebuildError::Panicked)??;
        written?;
        self.has_spilled |= changes.is_cold;
        self.changes = changes.changes;
        self.folding = Some(folding);
        Ok(())
    }

    /// Little by little, so that rows are not held twice.
    async fn write_rest(&mut self) -> Result<(), RebuildError> {
        loop {
            let mut folding = self.folding.take().ok_or(RebuildError::Panicked)?;
            let flush = tokio::task::spawn_blocking(move || {
                let is_last = P::bytes(&folding.batch) <= SLICE_BYTES;
                let changes = folding.flush(if is_last { Part::All } else { Part::Cold });
                (folding, changes, is_last)
            });
            let writing = self.writer.take(std::mem::take(&mut self.changes));
            let (flushed, written) = futures::future::join(flush, writing).await;
            let (folding, changes, is_last) = flushed.map_err(|_panic| RebuildError::Panicked)?;
            written?;
            self.folding = Some(folding);
            self.changes = changes;
            if is_last {
                break;
            }
        }
        self.writer.take(std::mem::take(&mut self.changes)).await?;
        self.writer.write_gathered().await
    }

    async fn follow_page(&mut self, page: &[Tailed]) -> Result<(), RebuildError> {
        let folding = self.folding.as_mut().ok_or(RebuildError::Panicked)?;
        let missing = folding.missing(page);
        if !missing.is_empty() {
            folding.load(&missing, &mut self.writer.connection).await?;
        }
        for tailed in page {
            folding.fold(tailed)?;
        }
        let mut changes = Changes::none();
        folding.projection.flush(&mut folding.batch, Part::All, &mut changes);
        outgoing(Point::Rebuilt, changes.make(&mut self.writer.connection)).await?;
        Ok(())
    }
}

impl<P: Projection> Builds for Building<P> {
    fn take(&mut self, page: Page) -> Step<'_> {
        Box::pin(self.take_page(page))
    }

    fn write_all(&mut self) -> Step<'_> {
        Box::pin(self.write_rest())
    }

    fn follow<'a>(&'a mut self, page: &'a [Tailed]) -> Step<'a> {
        Box::pin(self.follow_page(page))
    }

    fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    fn leave_nothing(self: Box<Self>) -> Step<'static> {
        let Writer { mut connection, shadow, .. } = self.writer;
        Box::pin(async move { shadow.drop_all(&mut connection).await })
    }

    fn dead_letters(&self) -> &[Letter] {
        self.folding.as_ref().map_or(&[], |folding| &folding.dead_letters.letters)
    }
}

/// What a page has changed.
struct Folded {
    changes: Vec<Change>,
    /// Rows that later events may need have left the memory.
    is_cold: bool,
}

impl<P: Projection> Folding<P> {
    /// Those keys of a page that the batch does not know and that may have rows: what begins in the page has none.
    fn missing(&self, page: &[Tailed]) -> BTreeSet<StreamId> {
        let mut begun = HashSet::new();
        let mut missing = BTreeSet::new();
        for tailed in page {
            let (Ok(entry), Some(key)) = (&tailed.recorded, tailed.key::<P>()) else { continue };
            if entry.parts().any(P::begins) && !missing.contains(&key) {
                begun.insert(key);
            } else if !begun.contains(&key) && !P::holds(&self.batch, key) {
                missing.insert(key);
            }
        }
        missing
    }

    /// Reads rows into the batch.
    async fn load(&mut self, keys: &BTreeSet<StreamId>, connection: &mut PgConnection) -> Result<(), RebuildError> {
        outgoing(Point::Rebuilt, self.projection.load(keys, &mut self.batch, connection)).await?;
        Ok(())
    }

    fn flush(&mut self, part: Part) -> Vec<Change> {
        let mut changes = Changes::none();
        self.projection.flush(&mut self.batch, part, &mut changes);
        changes.into_vec()
    }

    fn fold_page(mut self, page: &[Tailed]) -> Result<(Self, Folded), RebuildError> {
        for tailed in page {
            self.fold(tailed)?;
        }
        let is_cold = P::bytes(&self.batch) > self.bytes_max;
        let changes = self.flush(if is_cold { Part::Cold } else { Part::Final });
        Ok((self, Folded { changes, is_cold }))
    }

    fn fold(&mut self, tailed: &Tailed) -> Result<(), RebuildError> {
        let Some(key) = tailed.key::<P>() else { return Ok(()) };
        if self.dead_letters.keys.contains(&key) {
            let reason = tailed.recorded.as_ref().err().map(|error| error.reason.clone());
            return self.dead_letters.park::<P>(Letter { position: tailed.position, key, reason });
        }
        let error = match &tailed.recorded {
            Err(error) => error.clone(),
            Ok(entry) => match catch_unwind(AssertUnwindSafe(|| entry.fold(&self.projection, &mut self.batch))) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) if entry.parts().count() == 1 => error,
                // Parts of it may be in the rows, which nobody could tell apart later.
                Ok(Err(error)) => return Err(spoilt::<P>(tailed, error.reason)),
                Err(_panic) => return Err(spoilt::<P>(tailed, PANICKED.to_owned())),
            },
        };
        self.dead_letters.park::<P>(Letter { position: tailed.position, key, reason: Some(error.reason) })
    }
}

fn spoilt<P: Projection>(tailed: &Tailed, reason: String) -> RebuildError {
    RebuildError::Spoilt { name: P::NAME, position: tailed.position.0, reason }
}

impl DeadLetters {
    fn park<P: Projection>(&mut self, letter: Letter) -> Result<(), RebuildError> {
        // A page is taken in again after a switch that came to nothing.
        if self.letters.last().is_some_and(|last| last.position >= letter.position) {
            return Ok(());
        }
        self.keys.insert(letter.key);
        self.letters.push(letter);
        if self.letters.len() <= PARKED_EVENTS_MAX {
            return Ok(());
        }
        let Letter { position: first, reason, .. } = self.letters.swap_remove(0);
        Err(RebuildError::TooManyDeadLetters {
            name: P::NAME,
            max: PARKED_EVENTS_MAX,
            first: first.0,
            reason: reason.unwrap_or_default(),
        })
    }
}
