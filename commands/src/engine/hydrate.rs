//! Loading what a batch needs and the cache lacks, several streams at once.

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, LogError};

use super::job::Job;
use super::limits::LOADS_AT_ONCE_MAX;
use super::states::{State, States};

/// Loads the streams that the jobs name, then those that are known from these: what else they read, and what their follow-ups will need.
/// Returns the streams that could not be loaded.
pub(crate) async fn hydrate(log: &EventLog, states: &mut States, jobs: &[Job]) -> HashMap<StreamId, LogError> {
    let named: BTreeSet<StreamId> = jobs.iter().flat_map(|job| job.streams(states)).collect();
    let mut failed = load(log, states, &named).await;
    let further: BTreeSet<StreamId> =
        jobs.iter().flat_map(|job| job.further_streams(states).into_iter().chain(job.followed(states))).collect();
    failed.extend(load(log, states, &further).await);
    failed
}

async fn load(log: &EventLog, states: &mut States, streams: &BTreeSet<StreamId>) -> HashMap<StreamId, LogError> {
    let missing: Vec<StreamId> = streams.iter().copied().filter(|stream| !states.is_hot(*stream)).collect();
    let loads = missing.into_iter().map(async |stream| (stream, State::empty(stream.kind).read_on(log, stream).await));
    let loaded: Vec<_> = futures::stream::iter(loads).buffer_unordered(LOADS_AT_ONCE_MAX).collect().await;
    let mut failed = HashMap::new();
    for (stream, result) in loaded {
        match result {
            Ok(state) => states.put(stream, state),
            Err(error) => {
                failed.insert(stream, error);
            }
        }
    }
    failed
}
