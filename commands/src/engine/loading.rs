//! Reading streams for jobs that wait, beside the loop: the short ones of trips many at once, those of supply one by one.

use tokio::sync::Semaphore;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, LogError};

use super::limits::{LOAD_PAUSE, LOAD_STREAM_EVENTS, LOAD_STREAMS_MAX, LOAD_TRIES_MAX};
use super::snapshots::is_kept;
use super::state::State;

/// What came of one load.
pub(crate) type Loaded = Vec<(StreamId, Result<State, LogError>)>;

/// The loads that bring these streams, each by itself.
pub(crate) fn loads_of(streams: Vec<StreamId>) -> Vec<Vec<StreamId>> {
    let (large, small): (Vec<_>, Vec<_>) = streams.into_iter().partition(|stream| is_kept(stream.kind));
    large.into_iter().map(|stream| vec![stream]).chain(small.chunks(LOAD_STREAMS_MAX).map(<[_]>::to_vec)).collect()
}

/// Reads streams whole. While the database does not answer it is tried again, here and not in the loop, where all would wait with it.
pub(crate) async fn load(log: &EventLog, streams: &[StreamId], places: &Semaphore) -> Loaded {
    if let [stream] = streams {
        return vec![(*stream, load_alone(log, *stream, places).await)];
    }
    let mut tries_left = LOAD_TRIES_MAX;
    loop {
        tries_left -= 1;
        let place = places.acquire().await;
        let read = load_together(log, streams).await;
        drop(place);
        match read {
            Ok(loaded) => return loaded,
            Err(LogError::Unavailable(reason)) if tries_left == 0 => {
                return streams.iter().map(|stream| (*stream, Err(LogError::Unavailable(reason.clone())))).collect();
            }
            Err(LogError::Unavailable(_)) => tokio::time::sleep(LOAD_PAUSE).await,
            // One of them cannot be read: which one is found out one by one.
            Err(_) => break,
        }
    }
    let mut loaded = Vec::with_capacity(streams.len());
    for stream in streams {
        loaded.push((*stream, load_alone(log, *stream, places).await));
    }
    loaded
}

async fn load_alone(log: &EventLog, stream: StreamId, places: &Semaphore) -> Result<State, LogError> {
    let mut tries_left = LOAD_TRIES_MAX;
    loop {
        tries_left -= 1;
        let place = places.acquire().await;
        let loaded = State::empty(stream.kind).read_on(log, stream).await;
        drop(place);
        if tries_left == 0 || !matches!(loaded, Err(LogError::Unavailable(_))) {
            return loaded;
        }
        tokio::time::sleep(LOAD_PAUSE).await;
    }
}

/// One statement for all; an error is of the statement, an unreadable stream is told beside the others.
async fn load_together(log: &EventLog, streams: &[StreamId]) -> Result<Loaded, LogError> {
    let events = log.read_streams(streams, LOAD_STREAM_EVENTS).await?;
    let mut rest = events.as_slice();
    let mut loaded = Vec::with_capacity(streams.len());
    for stream in streams {
        let own;
        (own, rest) = rest.split_at(rest.iter().take_while(|event| event.stream == *stream).count());
        let mut state = State::empty(stream.kind);
        let state = match state.replay(*stream, own) {
            Ok(()) if own.len() < LOAD_STREAM_EVENTS => Ok(state),
            Ok(()) => state.read_on(log, *stream).await,
            Err(error) => Err(error),
        };
        loaded.push((*stream, state));
    }
    Ok(loaded)
}
