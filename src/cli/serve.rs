//! `serve`: everything in one process, until it is asked to stop.

use serde::Serialize;
use traveladvisor_infra::config::{Config, Mode, Role};

use super::failure::Failure;
use super::gateway;
use super::house::{House, Schema};
use super::identity;
use super::logs::LogName;
use super::print::Printer;
use super::running::{Running, listener};
use super::signals::StopSignals;

#[derive(Serialize)]
struct Banner {
    url: String,
    mode: Mode,
    roles: Vec<Role>,
    gateway: String,
    clock: String,
    note: String,
}

/// Runs the verb.
pub(crate) async fn run(config: Config, printer: Printer) -> Result<(), Failure> {
    gateway::check(&config)?;
    identity::check(&config)?;
    let listener = listener(config.listens_on()).await?;
    // Whoever reads the banner may ask to stop at once.
    let stop = StopSignals::listen();
    let logs = LogName::of_roles(&config);
    let house = House::open(config, Schema::Migrate, &logs).await?;
    let served = match Running::start(&house, listener).await {
        Ok(running) => {
            // Whoever started it may not read what it says: that is no reason to end.
            let _ = banner(&running, &house, printer);
            stop.asked().await;
            printer.hint("Stopping.");
            running.stop().await
        }
        Err(failure) => Err(failure),
    };
    house.close().await?;
    served
}

fn banner(running: &Running, house: &House, printer: Printer) -> Result<(), Failure> {
    let banner = Banner {
        url: running.url(),
        mode: house.config.mode,
        roles: house.config.roles.clone(),
        gateway: gateway::named(&house.config),
        clock: house.clock().now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        note: identity::told(&house.config)?,
    };
    if printer.is_json() {
        return Ok(printer.json(&banner)?);
    }
    printer.line(format!("traveladvisor serves {}/graphql", banner.url))?;
    printer.line(format!("  mode      {}, clock at {}", banner.mode.as_str(), banner.clock))?;
    if !banner.roles.is_empty() {
        let roles: Vec<&str> = banner.roles.iter().map(|role| role.as_str()).collect();
        printer.line(format!("  roles     {}", roles.join(", ")))?;
    }
    printer.line(format!("  payments  {}", banner.gateway))?;
    printer.line(format!("  note      {}", banner.note))?;
    Ok(printer.line("  stop      Ctrl-C")?)
}
