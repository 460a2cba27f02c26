//! What a slice cost: processor time of this process and of the server, bytes of write-ahead log.

use std::fs;

use crate::Outcome;
use crate::server::BenchServer;

/// Ticks of a second in `/proc`: the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// What was spent so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Milliseconds of processor time.
    cpu_ms: u64,
    /// Bytes of write-ahead log.
    wal_bytes: i64,
}

impl Spent {
    /// Reads the meters.
    pub(crate) async fn read(server: &BenchServer) -> Outcome<Self> {
        let wal_bytes: i64 = sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
            .fetch_one(&server.observer)
            .await?;
        let ticks = ticks_of("/proc/self/stat", false).unwrap_or(0) + server_ticks(server.postmaster)?;
        Ok(Self { cpu_ms: ticks * 1_000 / TICKS_PER_SECOND, wal_bytes })
    }

    /// Milliseconds of processor time and bytes of log since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> (f64, f64) {
        ((self.cpu_ms.saturating_sub(earlier.cpu_ms)) as f64, (self.wal_bytes - earlier.wal_bytes) as f64)
    }
}

/// Milliseconds of processor time that another process has spent so far, its ended children left out; none once it is gone.
pub(crate) fn cpu_ms_of(process: u32) -> Option<u64> {
    ticks_of(&format!("/proc/{process}/stat"), false).map(|ticks| ticks * 1_000 / TICKS_PER_SECOND)
}

/// The most memory that another process has had at a time so far, in bytes; none once it is gone.
pub(crate) fn peak_memory_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// The postmaster with the children it has and had.
fn server_ticks(postmaster: u32) -> Outcome<u64> {
    let mut ticks = ticks_of(&format!("/proc/{postmaster}/stat"), true).unwrap_or(0);
    for process in fs::read_dir("/proc")? {
        let name = process?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let path = format!("/proc/{number}/stat");
        if parent_of(&path) == Some(postmaster) {
            ticks += ticks_of(&path, false).unwrap_or(0);
        }
    }
    Ok(ticks)
}

/// Fields of a stat file after the name of the program, which may hold anything.
fn fields(path: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent_of(path: &str) -> Option<u32> {
    fields(path)?.get(1)?.parse().ok()
}

/// User and system time; with those of children that have ended, if wanted.
fn ticks_of(path: &str, with_children: bool) -> Option<u64> {
    let fields = fields(path)?;
    let wanted = if with_children { 11..=14 } else { 11..=12 };
    Some(fields.get(wanted)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum())
}
