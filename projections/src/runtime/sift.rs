//! Which events of a page are taken in and which are set aside.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::PgConnection;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::dead_letters::{Letter, Parked};
use super::projection::{Entry, Projection, Tailed};

/// What is told of an event at which a fold panicked: its own words may quote values.
pub(super) const PANICKED: &str = "a defect: taking it in panicked";

/// Events that cannot be taken in, as far as is known, each with its reason.
pub(super) type Failed = BTreeMap<Position, String>;

/// A page as it came out.
pub(super) struct Folded<B> {
    /// The rows of what is taken in; none when nothing is.
    pub(super) batch: Option<B>,
    /// The rest of what concerns the projection, in order.
    pub(super) letters: Vec<Letter>,
}

/// What a page comes to when these events of it fail.
#[derive(Default)]
struct Sifted<'a> {
    taken: Vec<(StreamId, Position, &'a Entry)>,
    keys: BTreeSet<StreamId>,
    letters: Vec<Letter>,
}

/// Folds the events of a page, except those that cannot be taken in and those that wait behind one of their key. Whatever failed has left
/// no trace in the batch: it is made anew without that, as often as there is something new that fails.
pub(super) async fn fold_page<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    parked: &Parked,
    events: &[Arc<Tailed>],
    mut failed: Failed,
) -> Result<Folded<P::Batch>, sqlx::Error> {
    loop {
        let Sifted { taken, keys, letters } = sift::<P>(events, parked, &failed);
        if taken.is_empty() {
            return Ok(Folded { batch: None, letters });
        }
        let mut batch = P::Batch::default();
        outgoing(Point::ProjectionLoaded, projection.load(&keys, &mut batch, &mut *connection)).await?;
        let failing = fold_all(projection, &mut batch, &taken);
        if failing.is_empty() {
            return Ok(Folded { batch: Some(batch), letters });
        }
        failed.extend(failing);
    }
}

fn sift<'a, P: Projection>(events: &'a [Arc<Tailed>], parked: &Parked, failed: &Failed) -> Sifted<'a> {
    let mut sifted = Sifted::default();
    let mut behind = HashSet::new();
    for tailed in events {
        let Some(key) = tailed.key::<P>() else { continue };
        let reason = match &tailed.recorded {
            Ok(_) => failed.get(&tailed.position).cloned(),
            Err(error) => Some(error.reason.clone()),
        };
        match &tailed.recorded {
            Ok(entry) if reason.is_none() && !parked.holds(key) && !behind.contains(&key) => {
                sifted.keys.insert(key);
                sifted.taken.push((key, tailed.position, entry));
            }
            _ => {
                behind.insert(key);
                sifted.letters.push(Letter { position: tailed.position, key, reason });
            }
        }
    }
    sifted
}

/// Folds them into a batch that is of no more use when some have failed: these are returned. After a failure the other keys are folded to
/// the end, so that all failures of a page are found at once; after a panic nothing in the batch can be relied upon.
fn fold_all<P: Projection>(projection: &P, batch: &mut P::Batch, taken: &[(StreamId, Position, &Entry)]) -> Failed {
    let (mut failed, mut behind) = (Failed::new(), HashSet::new());
    for (key, position, entry) in taken {
        if behind.contains(key) {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| entry.fold(projection, batch))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                failed.insert(*position, error.reason);
                behind.insert(*key);
            }
            Err(_) => {
                failed.insert(*position, PANICKED.to_owned());
                return failed;
            }
        }
    }
    failed
}
