//! The books of a gateway in a process of its own.

use serde_json::Value;

use super::log::money::Entry;
use crate::support::simulator::Simulator;

/// What a gateway in a process of its own wrote down.
pub(crate) fn of_a_simulator(gateway: &Simulator) -> Vec<Entry> {
    let done = gateway.ledger().into_values().filter(|entry| entry["outcome"] == "done");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entry = |told: Value| {
        let is_refund = told["kind"] == "refund";
        let charge = text(&told[if is_refund { "charge" } else { "reference" }]);
        Entry { key: text(&told["key"]), minor: told["minor"].as_i64().expect("an amount"), charge, is_refund }
    };
    done.map(entry).collect()
}
