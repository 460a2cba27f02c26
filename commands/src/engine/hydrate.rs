//! Loading what a batch needs and the cache lacks, several streams at once.

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, LogError};

use super::job::Job;
use super::limits::LOADS_AT_ONCE_MAX;
use super::states::{State, States};

/// Loads the streams that the jobs name, then the parts of the trips that those hold. Returns the streams that could not be loaded.
pub(crate) async fn hydrate(log: &EventLog, states: &mut States, jobs: &[Job]) -> HashMap<StreamId, LogError> {
    let named: BTreeSet<StreamId> = jobs.iter().flat_map(Job::streams).collect();
    let mut failed = load(log, states, &named).await;
    let parts: BTreeSet<StreamId> =
        jobs.iter().filter_map(Job::trip).flat_map(|trip| parts_of(states.view(trip.saga()))).collect();
    failed.extend(load(log, states, &parts).await);
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

pub(crate) fn parts_of(saga: Option<&State>) -> Vec<StreamId> {
    let Some(State { aggregate: Aggregate::TripSaga(saga), .. }) = saga else { return Vec::new() };
    let Some(plan) = saga.plan() else { return Vec::new() };
    [
        plan.hotel.as_ref().map(|part| part.hotel.stream()),
        plan.flight.as_ref().map(|part| part.flight.stream()),
        plan.car.as_ref().map(|part| part.car.stream()),
    ]
    .into_iter()
    .flatten()
    .collect()
}
