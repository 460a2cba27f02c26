//! The cost of an append, and the start, on logs of growing length.

use crate::Outcome;
use crate::options::Growth;
use crate::report::Row;
use crate::server::BenchServer;

pub(crate) async fn run(_server: &BenchServer, growth: &Growth) -> Outcome<Vec<Row>> {
    let _ = growth.lengths();
    Ok(Vec::new())
}
