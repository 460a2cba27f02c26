//! Every context with a log and engines of its own, joined by a broker on this machine.

mod acknowledged;
mod backlog;
mod booked;
mod engines;
mod installation;
mod processes;

use self::booked::Stays;
use crate::Outcome;
use crate::broker::BenchBroker;
use crate::options::{Cluster, ClusterPart};
use crate::program::Program;
use crate::report::{Row, progress};
use crate::server::BenchServer;

/// What every row is called.
const SCENARIO: &str = "cluster";
/// Who book trips, unless others are asked for.
const CLIENTS: [u32; 1] = [64];
/// Processes, or engines, of each role.
const EACH: [usize; 2] = [1, 2];
/// Generations of flights that are listed: trips go on to the next when one is full.
const GENERATIONS: u64 = 4;
/// Seconds of trips for each number of engines and clients.
const SECONDS: f64 = 30.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 6.0;

/// Trips over the broker with one engine for each role and with two, what the relay sends of a backlog, and how soon a commit is with the
/// broker when there is nothing else to do.
pub(crate) async fn run(server: &BenchServer, options: &Cluster) -> Outcome<Vec<Row>> {
    let broker = BenchBroker::start().await?;
    let measured = measure(server, &broker, options).await;
    broker.stop().await?;
    measured
}

async fn measure(server: &BenchServer, broker: &BenchBroker, options: &Cluster) -> Outcome<Vec<Row>> {
    let common = &options.common;
    let mut rows = Vec::new();
    if options.measures(ClusterPart::Acknowledgement) {
        progress("cluster, commit to acknowledgement");
        rows.push(acknowledged::run(server, broker, common.quick).await?);
    }
    if options.measures(ClusterPart::Relay) {
        progress("cluster, the relay and its backlog");
        rows.push(backlog::run(server, broker, common.quick).await?);
    }
    let slice = common.slice(SECONDS, QUICK_SECONDS);
    if options.measures(ClusterPart::Trips) {
        let program = Program::find(options.program.as_deref()).await?;
        for clients in common.clients(&CLIENTS) {
            for (each, stays) in [(1, Stays::Everywhere), (2, Stays::Everywhere), (2, Stays::OneHotel)] {
                progress(&format!("cluster, trips, {clients} clients, {each} of each role, {stays:?}"));
                rows.push(booked::run((server, broker, &program), (clients, each, stays), slice).await?);
            }
        }
    }
    if options.measures(ClusterPart::Engines) {
        for clients in common.clients(&CLIENTS) {
            for engines in EACH {
                progress(&format!("cluster, engines, {clients} clients, {engines} for each role"));
                rows.push(engines::run(server, broker, (clients, engines), slice).await?);
            }
        }
    }
    Ok(rows)
}
