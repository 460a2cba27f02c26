//! `projections list` and `projections status`.

use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::gather::gather_reports;
use traveladvisor_projections::runtime::{ParkedKey, ProjectionName, ProjectionReport, parked_keys, reports};

use super::record::{Record, SourceRecord, behind};
use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table, unbroken};

/// Keys of which events wait that are told of one read model at most.
const KEYS_TOLD_MAX: usize = 20;

/// Of logs that are gathered.
const SOURCE_COLUMNS: [&str; 5] = ["gathered log", "state", "position", "behind", "because"];

const COLUMNS: [&str; 6] = ["read model", "state", "version", "position", "behind", "set aside"];

/// Tells of each in a line.
pub(super) async fn list(log: &EventLog, printer: Printer) -> Result<(), Failure> {
    let reports = reports(log.pool()).await?;
    if printer.is_json() {
        return reports.iter().try_for_each(|report| Ok(printer.json(&Record::from(report))?));
    }
    let mut rows = table(&COLUMNS);
    for report in &reports {
        let set_aside = match report.dead_letters + report.waiting {
            0 => "nothing".to_owned(),
            all => format!("{all} events"),
        };
        let state = match &report.rebuild {
            Some(rebuild) if rebuild.is_cut_off => format!("{}, a rebuild was cut off", report.state),
            Some(rebuild) => format!("{}, rebuilding {:.0} %", report.state, rebuild.progress * 100.0),
            None => report.state.to_owned(),
        };
        let version = report.version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        let (name, position) = (report.name.as_str().to_owned(), report.position.to_string());
        rows.add_row([name, state, version, position, behind(report), set_aside]);
    }
    (0..COLUMNS.len()).for_each(|column| unbroken(&mut rows, column));
    printer.line(rows.trim_fmt())?;
    Ok(())
}

/// Tells all of one, or of all.
pub(super) async fn status(log: &EventLog, name: Option<ProjectionName>, printer: Printer) -> Result<(), Failure> {
    let wanted = reports(log.pool()).await?.into_iter().filter(|report| name.is_none_or(|name| name == report.name));
    for (place, report) in wanted.enumerate() {
        let keys = parked_keys(log.pool(), report.name, KEYS_TOLD_MAX).await?;
        if printer.is_json() {
            let mut record = Record::from(&report);
            record.keys = Some(keys.into_iter().map(Into::into).collect());
            printer.json(&record)?;
            continue;
        }
        if place > 0 {
            printer.line("")?;
        }
        print(&report, &keys, printer)?;
    }
    if name.is_none() { sources(log, printer).await } else { Ok(()) }
}

/// Tells of the logs that are gathered into this one, where there are any.
async fn sources(log: &EventLog, printer: Printer) -> Result<(), Failure> {
    let sources = gather_reports(log).await?;
    if printer.is_json() {
        return sources.into_iter().try_for_each(|source| Ok(printer.json(&SourceRecord::from(source))?));
    }
    if sources.is_empty() {
        return Ok(());
    }
    let mut rows = table(&SOURCE_COLUMNS);
    for source in &sources {
        let behind = match (source.lag_events, source.lag_is_exact()) {
            (0, _) => "nothing".to_owned(),
            (counted, true) => format!("{counted} events"),
            (counted, false) => format!("at least {counted} events"),
        };
        let position = format!("{} of {}", source.position, source.head);
        let reason = source.reason.clone().unwrap_or_default();
        rows.add_row([source.log.clone(), source.state.clone(), position, behind, reason]);
    }
    (0..SOURCE_COLUMNS.len() - 1).for_each(|column| unbroken(&mut rows, column));
    printer.line("")?;
    printer.line(rows.trim_fmt())?;
    Ok(())
}

fn print(report: &ProjectionReport, keys: &[ParkedKey], printer: Printer) -> Result<(), Failure> {
    let mut rows = table(&[report.name.as_str(), report.state]);
    let mut tell = |what: &str, value: String| _ = rows.add_row([what.to_owned(), value]);
    if let Some(reason) = &report.reason {
        tell("because", reason.clone());
    }
    if let Some(version) = report.version {
        tell("version", format!("{version}, generation {}", report.generation));
    }
    tell("position", format!("{} of {}", report.position, report.head));
    tell("behind", behind(report));
    tell("rate", format!("{} events/s", report.events_per_second));
    tell("could not be taken in", format!("{} events; {} wait behind them", report.dead_letters, report.waiting));
    if let Some((error, at)) = &report.last_error {
        tell("last error", format!("{}: {error}", at.format("%Y-%m-%d %H:%M:%SZ")));
    }
    if let Some(former) = report.former {
        let (version, generation, position) = (former.version, former.generation, former.position);
        tell(
            "former rows",
            format!("version {version}, generation {generation}, at {position}: `projections rollback`"),
        );
    }
    if let Some(rebuild) = &report.rebuild {
        let (phase, share, rate) = (&rebuild.phase, rebuild.progress * 100.0, rebuild.events_per_second);
        let told = rebuild.told_at.format("%H:%M:%SZ");
        let text = if rebuild.is_cut_off {
            format!(
                "cut off while {phase}, at {share:.0} %, after {told}: the live rows are as they were, start it again"
            )
        } else {
            format!("{phase}, {share:.0} %, {rate:.0} events/s, told at {told}")
        };
        tell("rebuild", text);
    }
    unbroken(&mut rows, 0);
    printer.line(rows.trim_fmt())?;
    print_keys(report, keys, printer)
}

fn print_keys(report: &ProjectionReport, keys: &[ParkedKey], printer: Printer) -> Result<(), Failure> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["key", "events", "first at", "event", "because"]);
    for parked in keys {
        let (events, position) = (parked.events.to_string(), parked.position.to_string());
        rows.add_row([parked.key.to_string(), events, position, parked.event_type.clone(), parked.reason.clone()]);
    }
    unbroken(&mut rows, 0);
    printer.line("")?;
    printer.line(rows.trim_fmt())?;
    if keys.len() == KEYS_TOLD_MAX {
        printer.hint("There may be more keys.");
    }
    printer.hint(format!("Once mended: traveladvisor projections retry {}", report.name.as_str()));
    Ok(())
}
