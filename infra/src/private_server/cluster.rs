//! The cluster's files: made once, its access rules written at each start.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::Path;

use super::account::Accounts;
use super::local::Binaries;
use super::place::{Place, write_whole};
use super::{Durability, PORT, SUPERUSER, ServerError};

/// Size beyond which the server's log is put aside at the next start, in bytes.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// How many of the log's last lines an error quotes.
const LOG_LINES_QUOTED: usize = 8;
/// Connections the server takes: those of two processes for each role, with room for operators. A place costs it some kilobytes.
const CONNECTIONS_MAX: u32 = 900;
/// Connections a volatile server takes: many test databases at once.
const VOLATILE_CONNECTIONS_MAX: u32 = 500;

/// The major version of the cluster, if there is one.
pub(super) fn major(place: &Place) -> Result<Option<u32>, ServerError> {
    let file = place.data().join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ServerError::file("read", &file, source)),
    }
}

/// Makes the cluster unless it is there. Made beside its place and renamed, so that a kill leaves no half cluster.
pub(super) async fn ensure(
    place: &Place,
    binaries: &Binaries,
    accounts: &Accounts,
    durability: Durability,
) -> Result<(), ServerError> {
    let data = place.data();
    if data.is_dir() {
        return Ok(());
    }
    let unfinished = place.cluster.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|source| ServerError::file("remove", &unfinished, source))?;
    }
    tracing::info!(path = %data.display(), "creating the private Postgres cluster");
    let mut initdb = accounts.command(&binaries.initdb());
    initdb
        .arg("-D")
        .arg(&unfinished)
        .args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=peer"])
        .current_dir(&place.cluster);
    if durability == Durability::Volatile {
        initdb.arg("--no-sync");
    }
    let output = tokio::process::Command::from(initdb)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ServerError::file("run", &binaries.initdb(), source))?;
    if !output.status.success() {
        return Err(ServerError::Program {
            program: "initdb",
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            log: place.log(),
        });
    }
    fs::rename(&unfinished, &data)
        .and_then(|()| File::open(&place.cluster)?.sync_all())
        .map_err(|source| ServerError::file("create", &data, source))
}

/// Says who may connect: over the socket the program's user and the server's, known by the kernel, and nobody else.
pub(super) fn write_access_rules(place: &Place, accounts: &Accounts) -> Result<(), ServerError> {
    let mut admitted = vec![&accounts.program.name];
    if accounts.differ() {
        admitted.push(&accounts.server.name);
    }
    let map: Vec<String> = admitted.iter().map(|name| format!("program \"{name}\" {SUPERUSER}\n")).collect();
    let rules = format!("local all {SUPERUSER} peer map=program\n");
    for (name, text) in [("pg_ident.conf", map.concat()), ("pg_hba.conf", rules)] {
        let file = place.cluster.join(name);
        write_whole(&file, text.as_bytes())?;
        accounts.give(&file)?;
    }
    Ok(())
}

/// The server's command line, which overrides every file.
pub(super) fn arguments(place: &Place, durability: Durability) -> Vec<OsString> {
    let connections = match durability {
        Durability::Durable => CONNECTIONS_MAX,
        Durability::Volatile => VOLATILE_CONNECTIONS_MAX,
    };
    let mut settings = vec![
        // The list is split at commas and quotes keep a path whole.
        setting("unix_socket_directories", &quoted(&place.socket_dir())),
        setting("hba_file", place.cluster.join("pg_hba.conf").as_os_str()),
        setting("ident_file", place.cluster.join("pg_ident.conf").as_os_str()),
    ];
    let fixed = [
        "listen_addresses=".to_owned(),
        "unix_socket_permissions=0700".to_owned(),
        format!("port={PORT}"),
        format!("max_connections={connections}"),
        "shared_buffers=128MB".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "log_line_prefix=%m [%p] %d ".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    settings.extend(fixed.map(OsString::from));
    if durability == Durability::Volatile {
        let volatile = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
        settings.extend(volatile.map(OsString::from));
    }
    let mut arguments = vec![OsString::from("-D"), place.data().into_os_string()];
    for setting in settings {
        arguments.extend([OsString::from("-c"), setting]);
    }
    arguments
}

fn setting(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut text = OsString::from(format!("{name}="));
    text.push(value);
    text
}

fn quoted(path: &Path) -> OsString {
    OsString::from(format!("\"{}\"", path.to_string_lossy().replace('"', "\"\"")))
}

/// Opens the server's log for appending and puts a large one aside first.
pub(super) fn open_log(place: &Place) -> Result<File, ServerError> {
    let log = place.log();
    let large = fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX);
    if large {
        fs::rename(&log, log.with_extension("log.1")).map_err(|source| ServerError::file("rename", &log, source))?;
    }
    OpenOptions::new().create(true).append(true).open(&log).map_err(|source| ServerError::file("open", &log, source))
}

/// The log's last lines, for an error.
pub(super) fn log_tail(place: &Place) -> String {
    let text = fs::read(place.log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_QUOTED)..].join("\n")
}
