//! The topics between services, as `doctor` sees them.

use std::collections::BTreeMap;

use traveladvisor_domain::bus::TOPICS;
use traveladvisor_infra::kafka::admin::Topic;

use super::Check;

/// Topics that are named in one sentence, at most.
const TOPICS_TOLD_MAX: usize = 3;

/// Whether all are there, with equally many partitions: one number of all of them is read by one process.
pub(super) fn check(there: &[Topic]) -> Check {
    let partitions: BTreeMap<&str, u32> = there.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect();
    let most = TOPICS.iter().filter_map(|row| partitions.get(row.name)).copied().max().unwrap_or_default();
    let missing = names(|name| !partitions.contains_key(name));
    let smaller = names(|name| partitions.get(name).is_some_and(|count| *count < most));
    let all = TOPICS.len();
    let mut wrong = Vec::new();
    if !missing.is_empty() {
        wrong.push(format!("{} of {all} are missing ({})", missing.len(), told(&missing)));
    }
    if !smaller.is_empty() {
        let (count, named) = (smaller.len(), told(&smaller));
        wrong.push(format!("{count} of {all} have fewer partitions than the others, which have {most} ({named})"));
    }
    let detail = if wrong.is_empty() {
        format!("{all}, with {most} partitions each")
    } else {
        format!("{}: run `traveladvisor kafka topics apply`", wrong.join("; "))
    };
    Check { name: "topics".to_owned(), ok: wrong.is_empty(), detail }
}

fn names(is_meant: impl Fn(&str) -> bool) -> Vec<&'static str> {
    TOPICS.iter().map(|row| row.name).filter(|name| is_meant(name)).collect()
}

fn told(names: &[&str]) -> String {
    let more = if names.len() > TOPICS_TOLD_MAX { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(TOPICS_TOLD_MAX)].join(", "))
}
