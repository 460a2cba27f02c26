//! What is measured: ours, the floor, the ceiling and the peers. Each has its own database.

pub(crate) mod bare;
pub(crate) mod ceiling;
pub(crate) mod course;
pub(crate) mod ends;
pub(crate) mod floor;
pub(crate) mod house;
pub(crate) mod members;
pub(crate) mod own;
pub(crate) mod postgres_es;
pub(crate) mod raw;
pub(crate) mod supply;
pub(crate) mod trips;

use std::time::Duration;

use futures::future::BoxFuture;

use self::course::Course;
use crate::Outcome;
use crate::load::Slice;

/// What a ratio refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Our engine.
    Own,
    /// Single-row inserts with commit at the same number of connections.
    Floor,
    /// Inserts of many rows under one order lock.
    Ceiling,
    /// postgres-es through `CqrsFramework`, its better form.
    PostgresEs,
    /// Four local writes without an engine.
    Bare,
    /// Our engine, shown beside what is measured.
    Beside,
    /// Our engine with other trips: referred to by its course.
    OwnOther,
}

/// Events and commits that a slice left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// Events, or rows.
    pub(crate) events: u64,
    /// Commits that wrote events.
    pub(crate) commits: u64,
}

/// One side of a scenario.
pub(crate) trait Side: Send {
    /// Name in the report, for example `engine:floor`.
    fn name(&self) -> String;
    /// What ratios refer to it.
    fn kind(&self) -> Kind;
    /// Which trips it books, if it books any.
    fn course(&self) -> Option<Course> {
        None
    }
    /// Puts it under load.
    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>>;
    /// Waits for what follows the load, and tells what the last slice left, if it can be told.
    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>>;
    /// Ends it. Gives notes for the reader.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>>;
}
