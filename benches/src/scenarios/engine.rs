//! One-event commands on fresh aggregates.

use crate::Outcome;
use crate::measure::measure;
use crate::options::Common;
use crate::report::{Row, progress};
use crate::server::BenchServer;
use crate::sides::ceiling::Ceiling;
use crate::sides::floor::Floor;
use crate::sides::{Kind, own, postgres_es};

/// Clients unless others are asked for.
const CLIENTS: [u32; 3] = [1, 64, 256];
/// Seconds for each side and number of clients.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 1.8;

/// Ours, the floor, the ceiling and postgres-es.
pub(crate) async fn run(server: &BenchServer, common: &Common) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for clients in common.clients(&CLIENTS) {
        progress(&format!("engine, {clients} clients, Postgres {}", server.version()));
        let mut sides = vec![own::fresh(server, "engine", Kind::Own, clients).await?];
        if !common.alone {
            sides.push(Floor::open(server, "engine", clients).await?);
            sides.push(Ceiling::open(server, "engine", clients).await?);
            sides.push(postgres_es::fresh(server, clients).await?);
        }
        rows.extend(measure(server, clients, sides, common.slice(SECONDS, QUICK_SECONDS)).await?);
    }
    Ok(rows)
}
