//! `migrate`: create or upgrade the schema.

use serde::Serialize;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::postgres::{MigrationOutcome, SCHEMA_VERSION};

use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::print::Printer;

#[derive(Serialize)]
struct Report {
    outcome: &'static str,
    version: i32,
}

/// Runs the verb.
pub(crate) async fn run(config: Config, printer: Printer) -> Result<(), Failure> {
    let logs = LogName::all(&config);
    let house = House::open(config, Schema::Migrate, &logs).await?;
    let migration = house.migration;
    house.close().await?;
    let (outcome, sentence) = match migration {
        Some(MigrationOutcome::Created) => ("created", format!("The schema was created: version {SCHEMA_VERSION}.")),
        Some(MigrationOutcome::Upgraded { from }) => {
            ("upgraded", format!("The schema was upgraded from version {from} to {SCHEMA_VERSION}."))
        }
        Some(MigrationOutcome::UpToDate) | None => {
            ("unchanged", format!("The schema is up to date: version {SCHEMA_VERSION}."))
        }
    };
    if printer.is_json() {
        return Ok(printer.json(&Report { outcome, version: SCHEMA_VERSION })?);
    }
    Ok(printer.line(sentence)?)
}
