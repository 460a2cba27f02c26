//! Our load beside the floor, the ceiling and the peers, in one run. See `docs/benchmarks.md` for the method.

#![expect(clippy::cast_precision_loss, reason = "rates and ratios of counts far below 2^52")]

mod broker;
mod cost;
mod database;
mod graphql;
mod load;
mod measure;
mod open_loop;
mod options;
mod program;
mod report;
mod scenarios;
mod server;
mod sides;
mod statistics;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use options::{Arguments, Call, Verb};
use report::Row;
use server::BenchServer;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure: a bench has nothing to recover.
type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What may fail.
type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match &arguments.call {
        Call::Measure(verb) => run(verb).await,
        Call::Doomed(doomed) => scenarios::trips::doomed::run(doomed).await,
    };
    if let Err(error) = ran {
        report::complain(&*error);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run(verb: &Verb) -> Outcome<()> {
    let common = verb.common();
    traveladvisor_infra::telemetry::init(
        traveladvisor_infra::telemetry::DEFAULT_FILTER,
        traveladvisor_infra::telemetry::LogFormat::Text,
        traveladvisor_infra::telemetry::Verbosity::Normal,
    )?;
    // Heard from here on, so that whoever ends it while the server starts has it stopped as well.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let server = BenchServer::start(common.postgres_bin.as_deref(), &common.settings).await?;
    let measured = tokio::select! {
        biased;
        _ = interrupted.recv() => Err("interrupted".into()),
        _ = terminated.recv() => Err("terminated".into()),
        _ = hung_up.recv() => Err("its terminal is gone".into()),
        rows = measure(&server, verb) => rows,
    };
    server.stop().await?;
    report::print(&measured?, common.json)
}

async fn measure(server: &BenchServer, verb: &Verb) -> Outcome<Vec<Row>> {
    match verb {
        Verb::Engine(common) => scenarios::engine::run(server, common).await,
        Verb::Hot(common) => scenarios::hot::run(server, common).await,
        Verb::Trips(trips) => scenarios::trips::run(server, trips).await,
        Verb::Growth(growth) => scenarios::growth::run(server, growth).await,
        Verb::Cluster(cluster) => scenarios::cluster::run(server, cluster).await,
        Verb::Http(http) => scenarios::http::run(server, http).await,
        Verb::Rebuild(rebuild) => scenarios::rebuild::run(server, rebuild).await,
    }
}
