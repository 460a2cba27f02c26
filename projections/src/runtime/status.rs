//! What a projector tells of itself.

use std::sync::Arc;

use tokio::sync::watch;
use traveladvisor_infra::event_log::Position;

/// What a projector is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectionState {
    /// Taking over its checkpoint.
    Starting,
    /// Following the log.
    Live,
    /// Another process follows the log; this one looks how far that has come.
    Standby,
    /// The database does not answer; it tries again.
    Waiting,
    /// It stays where it is until an operator has done something: resumed it, or made room for what waits.
    Paused,
    /// It cannot go on in this program: its rows are of another version, or it has a defect.
    Stopped,
    /// Another process has taken it over.
    Deposed,
    /// The program asked it to end.
    Ended,
}

impl ProjectionState {
    /// The word for it, for example `live`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Standby => "standby",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Deposed => "deposed",
            Self::Ended => "ended",
        }
    }

    /// It will not move by itself, so that nobody needs to wait for it.
    pub const fn is_still(self) -> bool {
        matches!(self, Self::Paused | Self::Stopped | Self::Deposed | Self::Ended)
    }
}

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Which.
    pub name: &'static str,
    /// The version of its fold.
    pub version: u32,
    /// The last event it has taken in.
    pub position: Position,
    /// What it is doing.
    pub state: ProjectionState,
    /// Why, if it is not live. Never quotes an event.
    pub reason: Option<String>,
}

/// The sending side of a projector's position and state.
#[derive(Debug)]
pub(crate) struct Voice {
    position: watch::Sender<Position>,
    condition: watch::Sender<(ProjectionState, Option<String>)>,
    error: watch::Sender<(u64, Option<String>)>,
    /// How many wait for it to come further.
    pub(crate) waiting: watch::Receiver<usize>,
}

/// The receiving side. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ear {
    pub(crate) name: &'static str,
    version: u32,
    pub(crate) position: watch::Receiver<Position>,
    pub(crate) condition: watch::Receiver<(ProjectionState, Option<String>)>,
    /// How many errors there were, and the last one.
    pub(super) error: watch::Receiver<(u64, Option<String>)>,
    waiting: Arc<watch::Sender<usize>>,
}

/// Somebody waits for a projection to come further, as long as this lives: its process then looks often how far another has brought it.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<watch::Sender<usize>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

pub(crate) fn channel(name: &'static str, version: u32) -> (Voice, Ear) {
    let (position, heard_position) = watch::channel(Position::START);
    let (condition, heard_condition) = watch::channel((ProjectionState::Starting, None));
    let (error, heard_error) = watch::channel((0, None));
    let (waiting, heard_waiting) = watch::channel(0);
    let voice = Voice { position, condition, error, waiting: heard_waiting };
    let waiting = Arc::new(waiting);
    let ear = Ear { name, version, position: heard_position, condition: heard_condition, error: heard_error, waiting };
    (voice, ear)
}

impl Voice {
    /// Where its rows stand. A rollback brings them back to an earlier position.
    pub(crate) fn reached(&self, position: Position) {
        self.position.send_if_modified(|known| std::mem::replace(known, position) != position);
    }

    /// Something went wrong; whether it stops anything is another matter.
    pub(super) fn erred(&self, reason: &str) {
        self.error.send_modify(|(count, last)| {
            *count += 1;
            *last = Some(reason.to_owned());
        });
    }

    pub(crate) fn is(&self, state: ProjectionState, reason: Option<String>) {
        let next = (state, reason);
        self.condition.send_if_modified(|known| {
            let changed = *known != next;
            *known = next;
            changed
        });
    }
}

impl Ear {
    pub(crate) fn wait(&self) -> Waiting {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(self.waiting.clone())
    }

    pub(super) fn status(&self) -> ProjectionStatus {
        let (state, reason) = self.condition.borrow().clone();
        ProjectionStatus { name: self.name, version: self.version, position: *self.position.borrow(), state, reason }
    }
}
