//! When the state of a hotel, flight, car, points account or campaign is kept beside its events, so that not the whole stream has to be read
//! again.

use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{NewSnapshot, encode_state};

use super::limits::{
    EVENT_BYTES_ABOUT, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MIN, SNAPSHOT_REST_FACTOR, SNAPSHOTS_OF_APPEND_BYTES_MAX,
};
use super::states::{State, States};

/// The last snapshot of a stream, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The last event that went into it.
    pub(crate) sequence: u64,
    /// Its length.
    pub(crate) bytes: usize,
}

/// Whether snapshots of such streams are kept. The others are short.
pub(crate) const fn is_kept(kind: StreamKind) -> bool {
    matches!(
        kind,
        StreamKind::Hotel | StreamKind::Flight | StreamKind::Car | StreamKind::PointsAccount | StreamKind::Campaign
    )
}

/// The rule. A snapshot is due when the events since the last one come to as many bytes as it would have itself, and to
/// [`SNAPSHOT_REST_FACTOR`] times as many as the last one had. So it never costs more than the events that it stands for, a quarter of them
/// once the state no longer grows; the intervals grow with the state, and what is read after a snapshot is a few times its length.
pub(crate) fn is_due(events_since: u64, last_bytes: usize, state_bytes: impl FnOnce() -> usize) -> bool {
    if events_since < SNAPSHOT_EVENTS_MIN {
        return false;
    }
    let written = usize::try_from(events_since).unwrap_or(usize::MAX).saturating_mul(EVENT_BYTES_ABOUT);
    written >= last_bytes.saturating_mul(SNAPSHOT_REST_FACTOR) && {
        let state_bytes = state_bytes();
        written >= state_bytes && state_bytes <= SNAPSHOT_BYTES_MAX
    }
}

/// The snapshots that come with an append whose last events on these streams have these sequences. What does not fit into this one comes
/// with the next.
pub(crate) fn due(states: &States, written: impl Iterator<Item = (StreamId, u64)>) -> Vec<NewSnapshot> {
    let mut snapshots = Vec::new();
    let mut bytes = 0;
    for (stream, sequence) in written.filter(|(stream, _)| is_kept(stream.kind)) {
        if bytes >= SNAPSHOTS_OF_APPEND_BYTES_MAX {
            break;
        }
        let snapshot =
            states.view(stream).filter(|state| state.sequence == sequence).and_then(|state| of(stream, state));
        bytes += snapshot.as_ref().map_or(0, |snapshot| snapshot.payload.len());
        snapshots.extend(snapshot);
    }
    snapshots
}

fn of(stream: StreamId, state: &State) -> Option<NewSnapshot> {
    let (last_sequence, last_bytes) = state.kept.map_or((0, 0), |kept| (kept.sequence, kept.bytes));
    if !is_due(state.sequence.saturating_sub(last_sequence), last_bytes, || state.aggregate.footprint()) {
        return None;
    }
    match encode_state(&state.aggregate)? {
        Ok(payload) => Some(NewSnapshot { stream, sequence: state.sequence, payload }),
        // Its events tell all the same.
        Err(error) => {
            tracing::error!(%stream, category = ?error.classify(), "a state cannot be written as a snapshot");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENT_BYTES_ABOUT, SNAPSHOT_EVENTS_MIN, SNAPSHOT_REST_FACTOR, is_due};

    /// Lives through so many events of a state that has so many bytes after each; returns the snapshots' sequences and bytes.
    fn written(events: u64, bytes_after: impl Fn(u64) -> usize) -> Vec<(u64, usize)> {
        let mut snapshots: Vec<(u64, usize)> = Vec::new();
        for sequence in 1..=events {
            let (last, last_bytes) = snapshots.last().copied().unwrap_or_default();
            let bytes = bytes_after(sequence);
            if is_due(sequence - last, last_bytes, || bytes) {
                snapshots.push((sequence, bytes));
            }
        }
        snapshots
    }

    fn bytes_of(snapshots: &[(u64, usize)]) -> usize {
        snapshots.iter().map(|(_, bytes)| bytes).sum()
    }

    fn bytes_of_events(events: u64) -> usize {
        usize::try_from(events).expect("small") * EVENT_BYTES_ABOUT
    }

    #[test]
    fn a_state_that_no_longer_grows_costs_a_quarter_of_its_events_at_most() {
        let snapshots = written(200_000, |_| 60_000);
        assert!(snapshots.len() > 100, "{} snapshots", snapshots.len());
        // After the first, which only has to be worth its own bytes.
        assert!(bytes_of(&snapshots[1..]) * SNAPSHOT_REST_FACTOR <= bytes_of_events(200_000));
    }

    #[test]
    fn a_state_that_grows_with_every_event_costs_no_more_than_its_events_and_is_kept_ever_more_rarely() {
        let snapshots = written(100_000, |sequence| 330 * usize::try_from(sequence).expect("small"));
        assert!(snapshots.len() > 3, "{snapshots:?}");
        assert!(snapshots.windows(2).all(|pair| pair[1].0 > 3 * pair[0].0), "{snapshots:?}");
        assert!(bytes_of(&snapshots) <= bytes_of_events(snapshots.last().expect("one").0));
    }

    #[test]
    fn a_large_state_made_by_few_events_waits_until_they_are_worth_it() {
        assert_eq!(written(7_000, |_| 4_000_000), []);
        assert_eq!(written(10_000, |_| 4_000_000).len(), 1);
    }

    #[test]
    fn a_short_stream_is_never_kept() {
        assert_eq!(written(SNAPSHOT_EVENTS_MIN - 1, |_| 1), []);
        assert_eq!(written(SNAPSHOT_EVENTS_MIN, |_| 1).len(), 1);
    }
}
