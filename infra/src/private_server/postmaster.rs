//! The running server: begun, found, waited for, ended.
//!
//! The server holds a lock on a file of its own (its standard input), and its children with it. So "does it run" is
//! a question to the kernel, and neither a stale `postmaster.pid` nor a process number used again can mislead.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::account::Accounts;
use super::local::Binaries;
use super::place::Place;
use super::{DATABASE, Durability, PORT, SUPERUSER, ServerError, cluster, locks};
use crate::fail_points::{Point, outgoing};

/// Longest time until a server answers; recovery after a crash counts.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// Pause between two tries to connect.
const READY_POLL: Duration = Duration::from_millis(20);
/// Longest time for one try to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest time for an orderly stop, with its checkpoint.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Longest time for a stop without a checkpoint, when the orderly one took too long.
const STOP_NOW_LIMIT: Duration = Duration::from_secs(10);
/// Pause before the same signal is sent again.
const SIGNAL_AGAIN: Duration = Duration::from_secs(1);
/// SQLSTATE of a server that starts, stops or recovers.
const CANNOT_CONNECT_NOW: &str = "57P03";
/// SQLSTATE of a full server.
const TOO_MANY_CONNECTIONS: &str = "53300";
/// First two characters of the SQLSTATEs that refuse a user.
const INVALID_AUTHORIZATION: &str = "28";

/// What came of waiting for a server.
pub(super) enum Waited {
    /// It answers.
    Ready(PgConnection),
    /// It ended meanwhile.
    Ended,
}

/// Where and as whom to connect.
pub(super) fn connect_options(place: &Place, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(place.socket_dir())
        .port(PORT)
        .username(SUPERUSER)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
}

/// Starts the server. `lock` is the server's lock, which passes to it.
pub(super) fn start(
    place: &Place,
    binaries: &Binaries,
    accounts: &Accounts,
    durability: Durability,
    lock: File,
) -> Result<(), ServerError> {
    cluster::write_access_rules(place, accounts)?;
    // Nobody holds the server's lock, so what these name is gone. Postgres itself would be misled if its former
    // process number belonged to another process of the same user by now.
    for stale in [place.data().join("postmaster.pid"), socket_lock(place)] {
        match fs::remove_file(&stale) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(ServerError::file("remove", &stale, source));
            }
            _ => {}
        }
    }
    let log = cluster::open_log(place)?;
    let errors = log.try_clone().map_err(|source| ServerError::file("open", &place.log(), source))?;
    let mut postgres = accounts.command(&binaries.postgres());
    postgres
        .args(cluster::arguments(place, durability))
        .current_dir(&place.cluster)
        .stdin(Stdio::from(lock))
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(errors))
        // Ctrl-C in the terminal goes to the program's group; the program then stops the server in order.
        .process_group(0);
    let mut child = postgres.spawn().map_err(|source| ServerError::file("run", &binaries.postgres(), source))?;
    tracing::debug!(pid = child.id(), "started the private Postgres");
    // Collects the exit status, whenever that comes, so that no zombie stays behind.
    std::thread::spawn(move || child.wait());
    Ok(())
}

fn socket_lock(place: &Place) -> std::path::PathBuf {
    place.socket_dir().join(format!(".s.PGSQL.{PORT}.lock"))
}

/// Waits until the server answers or has ended.
pub(super) async fn wait_ready(place: &Place, accounts: &Accounts) -> Result<Waited, ServerError> {
    let begun = Instant::now();
    let options = connect_options(place, SUPERUSER).disable_statement_logging();
    loop {
        let connecting = outgoing(Point::ServerReady, PgConnection::connect_with(&options));
        let attempt = tokio::time::timeout(CONNECT_LIMIT, connecting);
        match attempt.await {
            Ok(Ok(connection)) => return Ok(Waited::Ready(connection)),
            Ok(Err(error)) if refuses_user(&error) => {
                return Err(ServerError::NotAdmitted {
                    path: place.cluster.clone(),
                    user: accounts.program.name.clone(),
                });
            }
            Ok(Err(error)) if !is_temporary(&error) => return Err(error.into()),
            Ok(Err(_)) | Err(_) => {}
        }
        if locks::try_exclusive(&place.server_lock())?.is_some() {
            return Ok(Waited::Ended);
        }
        if begun.elapsed() >= READY_LIMIT {
            return Err(timed_out(place, "answer", READY_LIMIT));
        }
        tokio::time::sleep(READY_POLL).await;
    }
}

fn refuses_user(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code.starts_with(INVALID_AUTHORIZATION))
}

fn is_temporary(error: &sqlx::Error) -> bool {
    match sqlstate(error) {
        Some(code) => code == CANNOT_CONNECT_NOW || code == TOO_MANY_CONNECTIONS,
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)),
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}

/// Makes the program's database unless it is there. Called under the gate.
pub(super) async fn ensure_database(connection: &mut PgConnection) -> Result<(), ServerError> {
    let known = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(DATABASE);
    if !outgoing(Point::ServerDatabase, known.fetch_one(&mut *connection)).await? {
        let made = format!("CREATE DATABASE {DATABASE}");
        outgoing(Point::ServerDatabase, sqlx::query(&made).execute(connection)).await?;
    }
    Ok(())
}

/// Stops the server and waits until it and all its children are gone. Called under the gate; blocks the thread.
pub(super) fn stop(place: &Place, accounts: &Accounts) -> Result<(), ServerError> {
    for (signal, limit) in [("INT", STOP_LIMIT), ("QUIT", STOP_NOW_LIMIT)] {
        let begun = Instant::now();
        // Sent again because a server that has only just begun has no process number yet.
        while begun.elapsed() < limit {
            if locks::try_exclusive(&place.server_lock())?.is_some() {
                return Ok(());
            }
            send(place, accounts, signal);
            match locks::exclusive(&place.server_lock(), SIGNAL_AGAIN) {
                Ok(_) => return Ok(()),
                Err(ServerError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Err(timed_out(place, "stop", STOP_LIMIT + STOP_NOW_LIMIT))
}

/// Sends a signal with the rights of the server's user, so that it can reach no other user's process. A failure
/// shows in the server's going on.
fn send(place: &Place, accounts: &Accounts, signal: &str) {
    let Some(pid) = process_number(&place.data()) else {
        return;
    };
    let sent = accounts
        .command(Path::new("/bin/sh"))
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal, &pid.to_string()])
        .current_dir("/")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tracing::debug!(pid, signal, ?sent, "signalled the private Postgres");
}

/// The running server's process number. Only means something while the server's lock is held.
fn process_number(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)
}

fn timed_out(place: &Place, action: &'static str, limit: Duration) -> ServerError {
    ServerError::TimedOut { path: place.cluster.clone(), action, limit_s: limit.as_secs(), log: place.log() }
}
