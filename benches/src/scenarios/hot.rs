//! Every client on one hotel, one event a command.

use crate::Outcome;
use crate::measure::measure;
use crate::options::Common;
use crate::report::{Row, progress};
use crate::server::BenchServer;
use crate::sides::ceiling::Ceiling;
use crate::sides::floor::Floor;
use crate::sides::{Kind, own, postgres_es};

/// Clients unless others are asked for.
const CLIENTS: [u32; 1] = [64];
/// Seconds for each side and number of clients.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 3.3;

/// Ours, ours on fresh aggregates, the floor, the ceiling, and postgres-es with retries, with and without its snapshots.
pub(crate) async fn run(server: &BenchServer, common: &Common) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for clients in common.clients(&CLIENTS) {
        progress(&format!("hot, {clients} clients, Postgres {}", server.version()));
        let mut sides = vec![own::hot(server, "hot", clients).await?];
        if !common.alone {
            sides.push(own::fresh(server, "hot:engine", Kind::Beside, clients).await?);
            sides.push(Floor::open(server, "hot", clients).await?);
            sides.push(Ceiling::open(server, "hot", clients).await?);
            sides.push(postgres_es::hot(server, clients, false).await?);
            sides.push(postgres_es::hot(server, clients, true).await?);
        }
        rows.extend(measure(server, clients, sides, common.slice(SECONDS, QUICK_SECONDS)).await?);
    }
    Ok(rows)
}
