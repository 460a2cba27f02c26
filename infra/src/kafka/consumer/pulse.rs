//! Whether the broker is heard.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::statistics::{Broker, Statistics};

use crate::kafka::bounds::ANSWERS_WITHIN;

/// What the state of a connection is called over which requests go.
const UP: &str = "UP";

/// What was noted last. Nobody is heard before the first note.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicBool);

impl Pulse {
    /// What the client noted of its connections.
    pub(super) fn note(&self, statistics: &Statistics) {
        self.0.store(is_heard(statistics.brokers.values()), Ordering::Relaxed);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Somebody is connected, and nobody who is owes an answer for long. A fetch always waits for one, and a group that changes is one that nobody
/// reads.
fn is_heard<'a>(brokers: impl Iterator<Item = &'a Broker>) -> bool {
    let mut connected = brokers.filter(|broker| broker.state == UP).peekable();
    connected.peek().is_some() && connected.all(|broker| broker.waitresp_cnt == 0 || !is_silent(broker))
}

fn is_silent(broker: &Broker) -> bool {
    u128::try_from(broker.rxidle).is_ok_and(|idle_us| idle_us > ANSWERS_WITHIN.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(state: &str, waitresp_cnt: i64, rxidle: i64) -> Broker {
        Broker { state: state.to_owned(), waitresp_cnt, rxidle, ..Broker::default() }
    }

    #[test]
    fn a_broker_is_heard_that_is_connected_and_owes_no_answer_for_long() {
        let long = i64::try_from(ANSWERS_WITHIN.as_micros()).expect("small") + 1;
        let (at_work, rests) = (broker("UP", 1, 200_000), broker("UP", 0, long));
        let (frozen, gone, begins) =
            (broker("UP", 1, long), broker("DOWN", 0, long), broker("APIVERSION_QUERY", 1, -1));
        for heard in
            [vec![&at_work], vec![&rests], vec![&at_work, &rests], vec![&at_work, &gone], vec![&begins, &rests]]
        {
            assert!(is_heard(heard.iter().copied()), "{heard:?}");
        }
        for silent in
            [vec![], vec![&gone], vec![&begins], vec![&frozen], vec![&frozen, &at_work], vec![&frozen, &rests]]
        {
            assert!(!is_heard(silent.iter().copied()), "{silent:?}");
        }
    }
}
