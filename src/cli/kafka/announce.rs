//! `kafka announce`.

use serde::Serialize;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::engine::bus::Announced;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::kafka::{KafkaSettings, admin};

use crate::cli::failure::Failure;
use crate::cli::house::{House, Schema};
use crate::cli::logs::LogName;
use crate::cli::print::{Printer, table};
use crate::cli::running::bus;
use crate::cli::signals::unless_stopped;

/// What became of one log; its JSON is part of the program's contract.
#[derive(Serialize)]
struct OfLog {
    log: &'static str,
    announced: u64,
    unreadable: u64,
    refused: u64,
}

impl OfLog {
    const fn of(log: &'static str, told: Announced) -> Self {
        let Announced { announced, unreadable, refused } = told;
        Self { log, announced, unreadable, refused }
    }

    /// Sentences about what is not announced.
    fn left(&self) -> Vec<String> {
        let Self { log, unreadable, refused, .. } = self;
        let unread = format!(
            "{unreadable} events of the log {log} cannot be read, and what they announce is not told: \
             `traveladvisor events verify --log {log}` names them"
        );
        let unsent = format!(
            "{refused} announcements of the log {log} are refused, as too large for a record: make smaller what they announce"
        );
        [(*unreadable, unread), (*refused, unsent)]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, said)| said)
            .collect()
    }
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
        let Some(bus) = bus(&house.config, context, Delivery::Elsewhere) else { continue };
        told.push(OfLog::of(name.as_str(), bus.announce_again(log).await?));
    }
    if printer.is_json() {
        printer.json(&serde_json::json!({ "logs": told }))?;
    } else {
        let mut rows = table(&["log", "announced", "unreadable", "refused"]);
        rows.add_rows(told.iter().map(|OfLog { log, announced, unreadable, refused }| {
            [(*log).to_owned(), announced.to_string(), unreadable.to_string(), refused.to_string()]
        }));
        printer.line(rows.to_string())?;
    }
    let left: Vec<String> = told.iter().flat_map(OfLog::left).collect();
    if left.is_empty() { Ok(()) } else { Err(Failure::failed(left.join("\n"))) }
}
