//! Whole trips: hotel, flight, car, payment NONE; read models live.

use crate::Outcome;
use crate::measure::measure;
use crate::options::Common;
use crate::report::{Row, progress};
use crate::server::BenchServer;
use crate::sides::bare::Bare;
use crate::sides::ceiling::Ceiling;
use crate::sides::floor::Floor;
use crate::sides::own;

/// Clients unless others are asked for.
const CLIENTS: [u32; 3] = [1, 16, 64];
/// Seconds for each side and number of clients.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 1.8;

/// Ours, the four bare writes of a trip, the floor and the ceiling.
pub(crate) async fn run(server: &BenchServer, common: &Common) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for clients in common.clients(&CLIENTS) {
        progress(&format!("trips, {clients} clients, Postgres {}", server.version()));
        let mut sides = vec![own::trips(server, "trips", clients, common.log_only).await?];
        if !common.alone {
            sides.push(Bare::open(server, clients).await?);
            sides.push(Floor::open(server, "trips", clients).await?);
            sides.push(Ceiling::open(server, "trips", clients).await?);
        }
        rows.extend(measure(server, clients, sides, common.slice(SECONDS, QUICK_SECONDS)).await?);
    }
    Ok(rows)
}
