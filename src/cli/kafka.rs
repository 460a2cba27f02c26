//! `kafka`: makes and lists what services send each other messages over, and fills what was lost there.

mod announce;

use clap::Subcommand;
use serde::Serialize;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::kafka::admin::{self, Applied, Report, Size, Topic, TopicSpec};
use traveladvisor_infra::kafka::{KafkaSettings, PARTITIONS_MAX};

use super::failure::Failure;
use super::print::{Printer, table, unbroken};
use super::signals::unless_stopped;

/// Most copies of a record: more is a slip of the keyboard.
const REPLICATION_MAX: u32 = 15;
/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// Verbs of the broker.
#[derive(Debug, Subcommand)]
pub(crate) enum KafkaVerb {
    /// The topics of the table in the architecture page
    #[command(subcommand)]
    Topics(TopicsVerb),
    /// Announce once more what every log has on offer, and who is a member
    ///
    /// Trips are priced from these announcements, and their topics keep the last one of each for ever. Run it after topics were lost, once
    /// `kafka topics apply` has made them anew. It may run beside everything else, and run again it changes nothing. Requests need no such
    /// thing: their sagas ask again.
    ///
    /// What cannot be read or sent is counted and left out; the rest is announced all the same. Ends with 1 then, with 5 when no broker or
    /// database answers.
    ///
    /// --json: {"logs": [{"log", "announced", "unreadable", "refused"}]}
    Announce,
}

/// Verbs of topics.
#[derive(Debug, Subcommand)]
pub(crate) enum TopicsVerb {
    /// Make what is missing, add partitions, set retention and compaction; takes nothing away
    ///
    /// All topics get equally many partitions: one number of all topics belongs to one process at a time. Run again it changes nothing.
    /// Ends with 1 when the broker refuses something, with 5 when no broker answers.
    ///
    /// --json: {"partitions", "topics": [{"name", "outcome": "created"|"unchanged"|"changed"|"grown"|"refused", "reason"}]}; reason is null
    /// but for what was refused
    Apply {
        /// Partitions of each topic [default: as many as there are, at first 8]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PARTITIONS_MAX)))]
        partitions: Option<u32>,
        /// Copies of each record, at most as many as there are brokers
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(REPLICATION_MAX)))]
        replication: u32,
    },
    /// List them, with what is not as `apply` would make it
    ///
    /// Ends with 3 when something is missing or not as it should be, with 5 when no broker answers.
    ///
    /// --json: {"topics": [{"name", "partitions", "replication", "retentionMs", "compacted", "state":
    /// "asItShouldBe"|"missing"|"tooFewPartitions"|"otherSettings"}]}; all but name and state are null of a missing one; retentionMs is null
    /// too where records are kept for ever
    List,
}

/// Runs the verb.
pub(crate) async fn run(verb: KafkaVerb, config: Config, printer: Printer) -> Result<(), Failure> {
    let settings = KafkaSettings::of(&config.kafka).ok_or_else(|| {
        Failure::usage(
            "no broker is named: set kafka.brokers (TRAVELADVISOR_KAFKA_BROKERS), for example to 127.0.0.1:9092",
        )
    })?;
    match verb {
        KafkaVerb::Announce => announce::run(&settings, config, printer).await,
        KafkaVerb::Topics(TopicsVerb::List) => unless_stopped(list(&settings, printer)).await,
        KafkaVerb::Topics(TopicsVerb::Apply { partitions, replication }) => {
            unless_stopped(apply(&settings, partitions, replication, printer)).await
        }
    }
}

async fn apply(
    settings: &KafkaSettings,
    partitions: Option<u32>,
    replication: u32,
    printer: Printer,
) -> Result<(), Failure> {
    let there = admin::partitions_now(settings).await?;
    let size = Size::at_least(partitions, there, replication).map_err(|there| {
        Failure::usage(format!("topics have {there} partitions and a broker takes none away: name {there} or more"))
    })?;
    let report = admin::topics_apply(settings, &admin::specs(size)).await?;
    print_applied(&report, size, printer)?;
    if report.is_done() { Ok(()) } else { Err(Failure::told()) }
}

#[derive(Serialize)]
struct AppliedTo<'a> {
    name: &'a str,
    outcome: &'static str,
    reason: Option<&'a str>,
}

impl<'a> AppliedTo<'a> {
    fn of(name: &'a str, applied: &'a Applied) -> Self {
        let (outcome, reason) = match applied {
            Applied::Created => ("created", None),
            Applied::Unchanged => ("unchanged", None),
            Applied::Changed => ("changed", None),
            Applied::Grown { .. } => ("grown", None),
            Applied::Refused(reason) => ("refused", Some(reason.as_str())),
        };
        Self { name, outcome, reason }
    }
}

fn print_applied(report: &Report, size: Size, printer: Printer) -> Result<(), Failure> {
    let outcomes: Vec<AppliedTo<'_>> =
        report.topics.iter().map(|(name, applied)| AppliedTo::of(name, applied)).collect();
    if printer.is_json() {
        printer.json(&serde_json::json!({ "partitions": size.partitions, "topics": outcomes }))?;
        return Ok(());
    }
    let mut rows = table(&["topic", "outcome"]);
    unbroken(&mut rows, 0);
    for AppliedTo { name, outcome, reason } in &outcomes {
        let told = reason.map_or_else(|| (*outcome).to_owned(), |reason| format!("{outcome}: {reason}"));
        rows.add_row([*name, told.as_str()]);
    }
    printer.line(rows.to_string())?;
    printer.hint(format!("All topics are to have {} partitions.", size.partitions));
    Ok(())
}

/// A topic beside what it should be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    partitions: Option<u32>,
    replication: Option<u32>,
    retention_ms: Option<u64>,
    compacted: Option<bool>,
    state: &'static str,
}

impl Listed {
    fn of(spec: &TopicSpec, found: Option<&Topic>) -> Self {
        let name = spec.name.clone();
        let Some(found) = found else {
            return Self {
                name,
                partitions: None,
                replication: None,
                retention_ms: None,
                compacted: None,
                state: "missing",
            };
        };
        let state = if found.partitions < spec.partitions {
            "tooFewPartitions"
        } else if (found.compacted, found.retention_ms) != (spec.compacted, spec.retention_ms) {
            "otherSettings"
        } else {
            "asItShouldBe"
        };
        Self {
            name,
            partitions: Some(found.partitions),
            replication: Some(found.replication),
            retention_ms: found.retention_ms,
            compacted: Some(found.compacted),
            state,
        }
    }

    fn cells(&self) -> [String; 5] {
        let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
        let kept = match (self.compacted, self.retention_ms) {
            (None, _) => String::new(),
            (Some(true), _) => "compacted".to_owned(),
            (Some(false), Some(ms)) => format!("{} h", ms / HOUR_MS),
            (Some(false), None) => "for ever".to_owned(),
        };
        let state = match self.state {
            "asItShouldBe" => "",
            "tooFewPartitions" => "too few partitions",
            "otherSettings" => "other settings",
            other => other,
        };
        [self.name.clone(), number(self.partitions), number(self.replication), kept, state.to_owned()]
    }
}

async fn list(settings: &KafkaSettings, printer: Printer) -> Result<(), Failure> {
    let there = admin::topics(settings).await?;
    let size = Size::at_least(None, admin::partitions_now(settings).await?, 1)
        .unwrap_or_else(|there| Size { partitions: there, replication: 1 });
    let listed: Vec<Listed> = admin::specs(size)
        .iter()
        .map(|spec| Listed::of(spec, there.iter().find(|topic| topic.name == spec.name)))
        .collect();
    if printer.is_json() {
        printer.json(&serde_json::json!({ "topics": listed }))?;
    } else {
        let mut rows = table(&["topic", "partitions", "copies", "kept", ""]);
        unbroken(&mut rows, 0);
        rows.add_rows(listed.iter().map(Listed::cells));
        printer.line(rows.to_string())?;
    }
    if listed.iter().all(|topic| topic.state == "asItShouldBe") {
        return Ok(());
    }
    printer.hint("Not all topics are as they should be: run `traveladvisor kafka topics apply`.");
    Err(Failure::damage_told())
}
