//! Where processes are to die, from where they were seen to pass.

use std::collections::BTreeMap;

use traveladvisor_domain::context::Context;

/// At which passes of a point a process dies, as far as one was seen to pass it so often: the first ones of a short run.
pub(super) const PASSES: &[u64] = &[1, 2, 3, 5, 8];

/// How often each point was passed, by context.
pub(super) type Record = BTreeMap<Context, BTreeMap<String, u64>>;

/// What a process has told of its passes.
pub(super) fn recorded(told: &str) -> BTreeMap<String, u64> {
    let pairs = told.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(point, times)| (point.to_owned(), times.parse().expect("a number"))).collect()
}

/// Before and after each of these passes of each point that processes of a context come to.
pub(super) fn deaths(record: &Record, passes: &[u64]) -> BTreeMap<Context, Vec<String>> {
    let of_context = |points: &BTreeMap<String, u64>| {
        let mut deaths = Vec::new();
        for pass in passes {
            for (point, _) in points.iter().filter(|(_, times)| *times >= pass) {
                deaths.extend(["before", "after"].map(|side| format!("{point}:{side}:{pass}")));
            }
        }
        deaths
    };
    record.iter().map(|(context, points)| (*context, of_context(points))).collect()
}
