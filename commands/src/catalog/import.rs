//! Hands every item of a catalogue to the engine and counts what became of it.

use futures::StreamExt;

use super::{CatalogueItem, Line};

/// Most items that wait for the engine's answer at the same time.
pub const CONCURRENT_SUBMISSIONS_MAX: usize = 64;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Lines that are finished, whatever became of them.
    pub done: usize,
    /// All lines.
    pub total: usize,
}

/// What became of the items of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Listed, or listed with new details.
    pub changed: u64,
    /// As they already were: nothing was written.
    pub unchanged: u64,
}

/// A line of which nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// A sentence for people.
    pub reason: String,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Hotels.
    pub hotels: Tally,
    /// Departures.
    pub flights: Tally,
    /// Fleets.
    pub cars: Tally,
    /// Campaigns.
    pub campaigns: Tally,
    /// In the order of the sources.
    pub rejected: Vec<RejectedLine>,
}

impl ImportReport {
    /// Items of all kinds that were listed or changed.
    pub fn changed(&self) -> u64 {
        self.tallies().iter().map(|tally| tally.changed).sum()
    }

    /// Items of all kinds that were as they are.
    pub fn unchanged(&self) -> u64 {
        self.tallies().iter().map(|tally| tally.unchanged).sum()
    }

    /// Items of all kinds that are in the catalogue now.
    pub fn listed(&self) -> u64 {
        self.changed() + self.unchanged()
    }

    fn tallies(&self) -> [Tally; 4] {
        [self.hotels, self.flights, self.cars, self.campaigns]
    }

    fn tally(&mut self, kind: Kind) -> &mut Tally {
        match kind {
            Kind::Hotel => &mut self.hotels,
            Kind::Flight => &mut self.flights,
            Kind::Car => &mut self.cars,
            Kind::Campaign => &mut self.campaigns,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Hotel,
    Flight,
    Car,
    Campaign,
}

/// Submits every item, up to [`CONCURRENT_SUBMISSIONS_MAX`] at a time. `submit` answers whether the item changed anything, or why it was
/// refused; a refusal does not stop the others. `progress` is called once before the first and once after each line.
pub async fn import<S, F>(lines: Vec<Line>, submit: S, mut progress: impl FnMut(Progress)) -> ImportReport
where
    S: Fn(CatalogueItem) -> F,
    F: Future<Output = Result<bool, String>>,
{
    let total = lines.len();
    progress(Progress { done: 0, total });
    let submit = &submit;
    let outcomes = lines.into_iter().enumerate().map(|(place, line)| async move {
        let Line { file, line, item } = line;
        let outcome = match item {
            Ok(item) => {
                let kind = kind_of(&item);
                submit(item).await.map(|changed| (kind, changed))
            }
            Err(reason) => Err(reason),
        };
        (place, outcome.map_err(|reason| RejectedLine { file, line, reason }))
    });
    let mut outcomes = futures::stream::iter(outcomes).buffer_unordered(CONCURRENT_SUBMISSIONS_MAX);
    let mut report = ImportReport::default();
    let mut rejected = Vec::new();
    let mut done = 0;
    while let Some((place, outcome)) = outcomes.next().await {
        match outcome {
            Ok((kind, true)) => report.tally(kind).changed += 1,
            Ok((kind, false)) => report.tally(kind).unchanged += 1,
            Err(line) => rejected.push((place, line)),
        }
        done += 1;
        progress(Progress { done, total });
    }
    rejected.sort_by_key(|(place, _)| *place);
    report.rejected = rejected.into_iter().map(|(_, line)| line).collect();
    report
}

fn kind_of(item: &CatalogueItem) -> Kind {
    match item {
        CatalogueItem::Hotel(_) => Kind::Hotel,
        CatalogueItem::Flight(_) => Kind::Flight,
        CatalogueItem::Car(_) => Kind::Car,
        CatalogueItem::Campaign(_) => Kind::Campaign,
    }
}
