//! Reading one's own writes: where in the read log the events of another log stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::{EventLog, GatheredLog, Moved, Position};

use super::REACH_POLL;

/// Where a log stands: its last event that is copied, and where the read log ended then.
type Places = BTreeMap<String, (Position, Position)>;

/// How far a read log has gathered others, as any process knows it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gathered(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: Arc<watch::Sender<Places>>,
    waiting: watch::Sender<usize>,
    /// Events of each log that this process has not copied yet; nothing while another copies.
    lags: watch::Sender<Vec<(String, u64)>>,
    watching: JoinHandle<()>,
}

/// Why a position of another log has no place in the read log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// No log of this name is gathered.
    #[error("there is no log `{log}` here: hand back a position that the program gave")]
    UnknownLog {
        /// The name.
        log: String,
    },
    /// It is not copied yet.
    #[error("the read log has gathered `{log}` up to {reached}, not yet up to {wanted}: ask again in a moment")]
    Behind {
        /// Which log.
        log: String,
        /// Its last event that is copied.
        reached: Position,
        /// The one that was asked for.
        wanted: Position,
    },
}

impl Gathered {
    /// What a read log has gathered of logs of these names. Must be called inside tokio.
    pub fn of(read_log: &EventLog, names: impl IntoIterator<Item = String>) -> Self {
        let places = names.into_iter().map(|name| (name, (Position::START, Position::START))).collect();
        let places = Arc::new(watch::Sender::new(places));
        let (waiting, heard) = watch::channel(0);
        let watching = tokio::spawn(watch_while_awaited(read_log.clone(), places.clone(), heard));
        Self(Arc::new(Shared { places, waiting, lags: watch::Sender::default(), watching }))
    }

    /// The place in the read log at which all events of a log up to a position stand, once they do.
    ///
    /// # Errors
    ///
    /// When there is no such log, or when its events have not come within `patience`.
    pub async fn reach(&self, log: &str, wanted: Position, patience: Duration) -> Result<Position, ReachError> {
        let mut places = self.0.places.subscribe();
        if !places.borrow().contains_key(log) {
            return Err(ReachError::UnknownLog { log: log.to_owned() });
        }
        let has_come = |places: &Places| places.get(log).is_some_and(|(copied, _)| *copied >= wanted);
        let _waiting = Waiting::begin(&self.0.waiting);
        let come = tokio::time::timeout(patience, places.wait_for(has_come)).await;
        if let Ok(Ok(places)) = come
            && let Some((_, reached)) = places.get(log)
        {
            return Ok(*reached);
        }
        let reached = self.0.places.borrow().get(log).map_or(Position::START, |(copied, _)| *copied);
        Err(ReachError::Behind { log: log.to_owned(), reached, wanted })
    }

    /// The names of the logs that are gathered.
    pub fn logs(&self) -> Vec<String> {
        self.0.places.borrow().keys().cloned().collect()
    }

    /// How many events of each log are not copied, as the process that copies has last counted; nothing in every other process.
    pub fn lags(&self) -> Vec<(String, u64)> {
        self.0.lags.borrow().clone()
    }

    /// So many events are not copied.
    pub(super) fn lags_are(&self, lags: Vec<(String, u64)>) {
        self.0.lags.send_replace(lags);
    }

    /// This process has copied so far.
    pub(super) fn moved(&self, moves: &[Moved], reached: Position) {
        learn(&self.0.places, moves.iter().map(|moved| (&*moved.log, (moved.to, reached))));
    }

    /// It was read how far it is copied.
    pub(super) fn learn(&self, known: &[GatheredLog]) {
        learn(&self.0.places, known.iter().map(|log| (&*log.log, (log.position, log.reached))));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Somebody waits, as long as this lives.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|waiting| *waiting += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

/// Places only grow.
fn learn<'a>(places: &watch::Sender<Places>, news: impl Iterator<Item = (&'a str, (Position, Position))>) {
    places.send_if_modified(|places| {
        let mut is_new = false;
        for (log, place) in news {
            if let Some(known) = places.get_mut(log)
                && place.0 > known.0
            {
                *known = place;
                is_new = true;
            }
        }
        is_new
    });
}

/// Asks how far another process has come, often while somebody waits and not at all else.
async fn watch_while_awaited(
    read_log: EventLog,
    places: Arc<watch::Sender<Places>>,
    mut waiting: watch::Receiver<usize>,
) {
    while waiting.wait_for(|waiting| *waiting > 0).await.is_ok() {
        match read_log.gathered().await {
            Ok(known) => learn(&places, known.iter().map(|log| (&*log.log, (log.position, log.reached)))),
            Err(error) => tracing::debug!(%error, "how far the read log has come is not known now"),
        }
        tokio::time::sleep(REACH_POLL).await;
    }
}
