//! `kafka announce`.

use serde::Serialize;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::context::Context;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::kafka::{KafkaSettings, admin};

use crate::cli::failure::Failure;
use crate::cli::house::{House, Schema};
use crate::cli::logs::LogName;
use crate::cli::print::{Printer, table};
use crate::cli::running::bus;
use crate::cli::signals::unless_stopped;

#[derive(Serialize)]
struct Announced {
    log: &'static str,
    announced: u64,
}

/// Runs the verb.
pub(super) async fn run(settings: &KafkaSettings, config: Config, printer: Printer) -> Result<(), Failure> {
    if !config.logs.are_several() {
        return Err(Failure::usage("there is one log for everything: nobody has to be told what stands there"));
    }
    // Told at once, instead of waiting for it.
    admin::partitions_now(settings).await?;
    let logs = LogName::decided(&config);
    let house = House::open(config, Schema::Expect, &logs).await?;
    let done = unless_stopped(announce(&house, printer)).await;
    house.close().await?;
    done
}

async fn announce(house: &House, printer: Printer) -> Result<(), Failure> {
    let mut told = Vec::new();
    for (name, log) in house.logs() {
        let LogName::Of(context) = *name else { continue };
        told.push(Announced { log: name.as_str(), announced: announce_of(house, context, log).await? });
    }
    if printer.is_json() {
        printer.json(&serde_json::json!({ "logs": told }))?;
        return Ok(());
    }
    let mut rows = table(&["log", "announced"]);
    rows.add_rows(told.iter().map(|log| [log.log.to_owned(), log.announced.to_string()]));
    printer.line(rows.to_string())?;
    Ok(())
}

async fn announce_of(house: &House, context: Context, log: &EventLog) -> Result<u64, Failure> {
    let Some(bus) = bus(&house.config, context, Delivery::Elsewhere) else { return Ok(0) };
    Ok(bus.announce_again(log).await?)
}
