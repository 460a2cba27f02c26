//! `doctor`: is everything as it should be?

mod projections;
mod topics;

use serde::Serialize;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::event_log::{EventLog, LogError, Owner, RELAY};
use traveladvisor_infra::kafka::{KafkaSettings, admin};
use traveladvisor_infra::postgres::{self, SCHEMA_VERSION, SERVER_VERSION_MIN};
use traveladvisor_infra::private_server::Role;
use traveladvisor_projections::runtime::reports;

use super::failure::Failure;
use super::gateway;
use super::house::{House, Schema, is_begun};
use super::identity;
use super::logs::LogName;
use super::print::{Printer, table};
use super::signals::unless_stopped;

/// What was looked at, and what came of it.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
}

/// Who owns what of the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ownership {
    name: String,
    log: &'static str,
    epoch: u64,
    /// Absent while nobody does.
    holder: Option<String>,
    held_until: Option<String>,
}

/// What the verb prints.
#[derive(Debug, Default, Serialize)]
struct Report {
    checks: Vec<Check>,
    owners: Vec<Ownership>,
}

impl Ownership {
    fn on(log: LogName, Owner { name, epoch, held }: Owner) -> Self {
        let (holder, held_until) = held.unzip();
        let log = log.as_str();
        Self {
            name,
            log,
            epoch,
            holder,
            held_until: held_until.map(|until| until.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        }
    }
}

impl Ownership {
    /// That nobody owns it is right while nobody serves.
    fn check(&self, of: &str) -> Check {
        let epoch = self.epoch;
        let detail = match (&self.holder, &self.held_until) {
            (Some(holder), Some(until)) => format!("{holder}, epoch {epoch}, until {until} unless renewed"),
            _ => format!("nobody, epoch {epoch}"),
        };
        Check { name: format!("owner of {}{of}", self.name), ok: true, detail }
    }
}

/// Runs the verb.
pub(crate) async fn run(config: Config, printer: Printer) -> Result<(), Failure> {
    let (gateway, gateway_failure) = payment_gateway(&config).await;
    let (callers, callers_failure) = identity_provider(&config).await;
    let mut report = Report { checks: vec![settings(&config), callers, gateway], owners: Vec::new() };
    let (broker, broker_failure) = broker(&config).await;
    report.checks.extend(broker);
    if !is_begun(&config) {
        let detail = "there is no database here yet: run `traveladvisor migrate`".to_owned();
        report.checks.push(Check { name: "server".to_owned(), ok: false, detail });
        print(&report, printer)?;
        return Err(Failure::damage_told());
    }
    let logs = LogName::all(&config);
    let opened = House::open(config, Schema::Ignore, &logs).await;
    let reachable = match opened {
        Ok(house) => {
            let examined = unless_stopped(examine(&house, &mut report)).await;
            house.close().await?;
            examined
        }
        Err(failure) => Err(failure),
    };
    let failure = reachable.err();
    if let Some(failure) = &failure {
        let detail = failure.message.clone().unwrap_or_default();
        report.checks.push(Check { name: "server".to_owned(), ok: false, detail });
    }
    print(&report, printer)?;
    match failure.or(gateway_failure).or(callers_failure).or(broker_failure) {
        Some(failure) => Err(Failure { message: None, ..failure }),
        None if report.checks.iter().all(|check| check.ok) => Ok(()),
        None => Err(Failure::damage_told()),
    }
}

fn settings(config: &Config) -> Check {
    let server = match config.database_url {
        Some(_) => "the server of DATABASE_URL".to_owned(),
        None => format!("its own server in {}", config.data_dir.display()),
    };
    let mode = config.mode.as_str();
    Check { name: "settings".to_owned(), ok: true, detail: format!("mode {mode}, {server}") }
}

/// Which one, and whether it answers.
async fn payment_gateway(config: &Config) -> (Check, Option<Failure>) {
    let failure = gateway::answers(config).await.err();
    let wrong = failure.as_ref().and_then(|failure| failure.message.as_ref());
    let detail = match wrong {
        Some(wrong) => format!("{}: {wrong}", gateway::told(config)),
        None => gateway::told(config),
    };
    (Check { name: "payment gateway".to_owned(), ok: failure.is_none(), detail }, failure)
}

/// Who tells who callers are, and whether it gives its keys.
async fn identity_provider(config: &Config) -> (Check, Option<Failure>) {
    let (ok, detail, failure) = match identity::answers(config).await {
        Ok(told) => (true, told, None),
        Err(failure) => (false, failure.message.clone().unwrap_or_default(), Some(failure)),
    };
    (Check { name: "identity".to_owned(), ok, detail }, failure)
}

async fn examine(house: &House, report: &mut Report) -> Result<(), Failure> {
    let checks = &mut report.checks;
    let log = &house.log;
    let condition = postgres::condition(log.pool()).await?;
    let role = match house.server().map(traveladvisor_infra::private_server::PrivateServer::role) {
        Some(Role::Owner) => ", started by this program",
        Some(Role::Attached) => ", in use by another process of this program",
        None => "",
    };
    checks.push(Check {
        name: "server".to_owned(),
        ok: condition.version >= SERVER_VERSION_MIN,
        detail: format!("Postgres {}{role}", condition.version_text),
    });
    checks.push(Check {
        name: "durability".to_owned(),
        ok: condition.fsync && condition.synchronous_commit,
        detail: format!("fsync {}, synchronous_commit {}", on(condition.fsync), on(condition.synchronous_commit)),
    });
    let clock = house.clock().now();
    let source = if house.config.clock.is_some() { "the sandbox's clock" } else { "the machine's clock" };
    checks.push(Check {
        name: "clock".to_owned(),
        ok: true,
        detail: format!("{} ({source})", clock.format("%Y-%m-%d %H:%M:%SZ")),
    });
    for (name, log) in house.logs() {
        examine_log(house, (*name, log), report).await?;
    }
    Ok(())
}

/// Looks at one log; where there are several, its checks bear its name.
async fn examine_log(house: &House, (name, log): (LogName, &EventLog), report: &mut Report) -> Result<(), Failure> {
    let Report { checks, owners } = report;
    let of = if house.config.logs.are_several() { format!(" of {name}") } else { String::new() };
    let found = postgres::schema_version(log.pool()).await.map_err(LogError::from)?;
    checks.push(Check {
        name: format!("schema{of}"),
        ok: found == Some(SCHEMA_VERSION),
        detail: match found {
            Some(SCHEMA_VERSION) => format!("version {SCHEMA_VERSION}"),
            Some(other) => {
                format!("version {other}, this program works with {SCHEMA_VERSION}: run `traveladvisor migrate`")
            }
            None => "none yet: run `traveladvisor migrate`".to_owned(),
        },
    });
    if found != Some(SCHEMA_VERSION) {
        return Ok(());
    }
    // Those who read before the log's end: beside a program at work the other way round would find readers beyond it.
    let relayed = log.consumed_offset(RELAY).await?;
    let checkpoints = postgres::checkpoints(log.pool()).await?;
    let reports = reports(log.pool()).await?;
    let head = log.head().await?;
    checks.push(Check { name: format!("log{of}"), ok: true, detail: format!("{head} is the last position") });
    let owned = log.owners().await?.into_iter().map(|owner| Ownership::on(name, owner));
    let owned: Vec<Ownership> = owned.collect();
    checks.extend(owned.iter().map(|owner| owner.check(&of)));
    owners.extend(owned);
    if name != LogName::Read {
        checks.push(reader(format!("relay{of}"), relayed, head.0));
    }
    if name == LogName::read(&house.config) {
        checks.extend(checkpoints.into_iter().map(|checkpoint| projections::check(checkpoint, &reports, head.0)));
    }
    Ok(())
}

/// Whether the broker answers, where one is named, and whether it has the topics.
async fn broker(config: &Config) -> (Vec<Check>, Option<Failure>) {
    let Some(settings) = KafkaSettings::of(&config.kafka) else { return (Vec::new(), None) };
    let check = |ok, detail| Check { name: "broker".to_owned(), ok, detail };
    let found = match admin::health(&settings).await {
        Ok(brokers) => admin::topics(&settings).await.map(|topics| (brokers, topics)),
        Err(error) => Err(error),
    };
    match found {
        Ok((brokers, there)) => {
            (vec![check(true, format!("{brokers} answer at {}", settings.brokers)), topics::check(&there)], None)
        }
        Err(error) => {
            // Who is away says itself what to do.
            let hint = if error.is_away() { "" } else { ": start it, or correct kafka.brokers" };
            let told = format!("{error}{hint}");
            (vec![check(false, told.clone())], Some(Failure::unavailable(told)))
        }
    }
}

/// A reader may be behind while nothing runs; one that is ahead has read what is no longer there.
fn reader(name: String, position: u64, head: u64) -> Check {
    let detail = match head.checked_sub(position) {
        Some(0) => format!("at {position}, nothing is waiting"),
        Some(lag) => format!("at {position}, {lag} events behind"),
        None => format!("at {position}, beyond the log's end at {head}: events were lost, restore the database"),
    };
    Check { name, ok: position <= head, detail }
}

const fn on(setting: bool) -> &'static str {
    if setting { "on" } else { "off" }
}

fn print(report: &Report, printer: Printer) -> Result<(), Failure> {
    if printer.is_json() {
        return Ok(printer.json(report)?);
    }
    let mut rows = table(&["check", "", "detail"]);
    for check in &report.checks {
        rows.add_row([check.name.as_str(), if check.ok { "ok" } else { "WRONG" }, &check.detail]);
    }
    Ok(printer.line(rows.trim_fmt())?)
}
