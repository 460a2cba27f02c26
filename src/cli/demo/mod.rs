//! `demo`: from nothing to booked trips, and a check of every promise against the log.

mod checks;
mod client;
mod ledger;
mod plan;
mod points;
mod report;
mod trips;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;
use traveladvisor_commands::catalog;
use traveladvisor_infra::config::{Config, DEFAULT_DATA_DIR};

use self::checks::Check;
use self::client::Client;
use self::plan::Plan;
use self::trips::{Booked, Traveller};
use super::Listening;
use super::catalog::import_through;
use super::failure::Failure;
use super::gateway;
use super::house::{House, SANDBOX_START, Schema};
use super::identity;
use super::logs::LogName;
use super::print::Printer;
use super::running::{Running, listener};
use super::signals::{StopSignals, unless_stopped};

/// What the demo did.
struct Done {
    booked: Booked,
    checks: Vec<Check>,
    plan: Plan,
}

/// Runs the verb.
pub(crate) async fn run(mut config: Config, given: &Listening, serve: bool, printer: Printer) -> Result<(), Failure> {
    gateway::check(&config)?;
    identity::check(&config)?;
    identity::check_demo(&config)?;
    check_one_process(&config)?;
    config.clock = config.clock.or(Some(SANDBOX_START));
    let listener = match given.listen {
        Some(address) => listener(address).await?,
        None => free_listener(config.listens_on()).await?,
    };
    printer.hint("Starting Postgres …");
    let house = House::open(config, Schema::Migrate, &[LogName::MAIN]).await?;
    let shown = match Running::start(&house, listener).await {
        Ok(running) => {
            let shown = show(&house, &running, serve, printer).await;
            let stopped = running.stop().await;
            shown.and_then(|ok| stopped.map(|()| ok))
        }
        Err(failure) => Err(failure),
    };
    house.close().await?;
    if shown? { Ok(()) } else { Err(Failure::told()) }
}

/// Better to say so than to show something else than what the settings describe.
fn check_one_process(config: &Config) -> Result<(), Failure> {
    if config.roles.is_empty() && !config.logs.are_several() {
        return Ok(());
    }
    Err(Failure::usage("the demo is one process on one log: leave roles and logs out for it, or use `serve`"))
}

/// Books, checks and prints; then serves if that is wanted. Gives whether everything was as said.
async fn show(house: &House, running: &Running, serve: bool, printer: Printer) -> Result<bool, Failure> {
    let done = unless_stopped(book(house, running, printer)).await?;
    let stage = report::Stage {
        url: running.url(),
        data_dir: named_data_dir(&house.config),
        listen: running.address,
        serves: serve,
    };
    let stop = StopSignals::listen();
    report::print(&done, &stage, printer)?;
    if serve {
        stop.asked().await;
    }
    Ok(done.checks.iter().all(|check| check.ok))
}

async fn book(house: &House, running: &Running, printer: Printer) -> Result<Done, Failure> {
    printer.hint("Importing the catalogue …");
    let imported = import_through(&running.deciders, catalog::embedded(), printer).await;
    if let Some(line) = imported.rejected.first() {
        return Err(Failure::failed(format!("{}:{}: {}", line.file, line.line, line.reason)));
    }
    running.catch_up(&house.log).await?;
    printer.hint("Booking …");
    let turn = house.log.head().await?.0;
    let mut client = Client::connect(running.address).await?;
    let plan = Plan::find(&mut client, turn).await?;
    let run = format!("{turn}-{}", std::process::id());
    let booked = Traveller { client: &mut client, run }.travel(&plan).await?;
    let checks = checks::judge(&house.log, &booked).await?;
    Ok(Done { booked, checks, plan })
}

fn named_data_dir(config: &Config) -> String {
    if config.database_url.is_some() || config.data_dir == Path::new(DEFAULT_DATA_DIR) {
        return String::new();
    }
    format!(" --data-dir {}", config.data_dir.display())
}

/// The usual port, or a free one where that is taken.
async fn free_listener(usual: SocketAddr) -> Result<TcpListener, Failure> {
    match TcpListener::bind(usual).await {
        Ok(bound) => Ok(bound),
        Err(_) => listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
    }
}
