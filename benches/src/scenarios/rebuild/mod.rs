//! Read models made again from a long log, beside postgres-es and under load, and how soon they have what was committed.

mod apply;
mod checkpoint;
mod long_log;
mod passes;
mod peer;
mod travellers;
mod under_load;

use self::long_log::LongLog;
use self::peer::Peer;
use crate::Outcome;
use crate::options::Rebuild;
use crate::program::Program;
use crate::report::{Row, progress};
use crate::server::BenchServer;

/// Of a hundred events of the log the shorter log has so many.
const SHORTER_PERCENT: u64 = 30;
/// Events that postgres-es replays in a round.
const PEER_EVENTS: u32 = 20_000;
/// The same in a short run.
const PEER_EVENTS_QUICK: u32 = 4_000;
/// Seconds under load without rebuild.
const QUIET_SECONDS: f64 = 45.0;
/// The same in a short run.
const QUIET_SECONDS_QUICK: f64 = 9.0;

/// Fills a log, then measures on it, from what leaves nothing behind to what makes it longer.
pub(crate) async fn run(server: &BenchServer, options: &Rebuild) -> Outcome<Vec<Row>> {
    let quick = options.common.quick;
    let program = Program::find(options.program.as_deref()).await?;
    progress(&format!("rebuild, Postgres {}", server.version()));
    let mut log = LongLog::open(server, "rebuild").await?;
    let (events, shorter_events) = (options.events(), options.events() * SHORTER_PERCENT / 100);
    log.fill(shorter_events).await?;
    // A log that no engine could have written would be worth no figure.
    program.run(&log.url(), &["events", "verify"]).await?;

    let mut applied = Vec::new();
    let copy = log.copy("rebuild_apply").await?;
    applied.push(apply::booking(server, &copy).await?);
    copy.pool().close().await;
    let copy = log.copy("rebuild_apply_all").await?;
    applied.push(apply::all(server, &copy).await?);
    copy.pool().close().await;

    let shorter = passes::once(&program, &log).await?;
    log.fill(events).await?;
    let peer = if options.common.alone {
        None
    } else {
        Some(peer(server, &log, if quick { PEER_EVENTS_QUICK } else { PEER_EVENTS }).await?)
    };
    let passes = passes::rounds(&program, &log, peer.as_ref()).await?;
    if let Some(peer) = peer {
        peer.close().await;
    }
    let mut rows = passes.rows(&shorter, shorter_events);

    passes::everything(&program, &log).await?;
    let quiet = options.common.slice(QUIET_SECONDS, QUIET_SECONDS_QUICK);
    rows.extend(under_load::run(&program, &log, quiet).await?);
    rows.extend(applied);
    Ok(rows)
}

async fn peer(server: &BenchServer, log: &LongLog<'_>, events: u32) -> Outcome<Peer> {
    let log = log.connect();
    let peer = Peer::open(server, &log, events).await?;
    log.pool().close().await;
    Ok(peer)
}
