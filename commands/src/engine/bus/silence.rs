//! Whether the broker is heard, for those who judge by the clock.
//!
//! A deadline that passes while its request has not even left says nothing of the participant, and an answer may stand in a topic that nobody
//! could read. So timers wait while the broker is silent, and afterwards until what stood there is read.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::super::limits::{BROKER_SILENT_AFTER, LAG_SMALL, TIMERS_AFTER_SILENCE, TIMERS_AFTER_SILENCE_MAX};

/// What the relay knows of the broker.
#[derive(Debug)]
pub(crate) struct Silence(Mutex<Heard>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it acknowledged something last, or had nothing to acknowledge.
    at: Instant,
    /// Since when what was late comes in; absent once it is there.
    catching_up_since: Option<Instant>,
}

impl Silence {
    /// A turn begins: what others have answered meanwhile is read first.
    pub(crate) fn begins(now: Instant) -> Self {
        Self(Mutex::new(Heard { at: now, catching_up_since: Some(now) }))
    }

    /// What is on its way is acknowledged, or nothing is.
    pub(crate) fn heard(&self, now: Instant) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(heard.at) > BROKER_SILENT_AFTER {
            heard.catching_up_since = Some(now);
        }
        heard.at = now;
    }

    /// Whether timers wait; `lag` is how many records of others are not read, and of our own not acknowledged.
    pub(crate) fn holds_timers(&self, now: Instant, lag: u64) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(heard.at) > BROKER_SILENT_AFTER {
            return true;
        }
        let Some(since) = heard.catching_up_since else { return false };
        let waited = now.duration_since(since);
        let waits = waited < TIMERS_AFTER_SILENCE || (lag > LAG_SMALL && waited < TIMERS_AFTER_SILENCE_MAX);
        if !waits {
            heard.catching_up_since = None;
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::super::limits::{BROKER_SILENT_AFTER, LAG_SMALL, TIMERS_AFTER_SILENCE, TIMERS_AFTER_SILENCE_MAX};
    use super::Silence;

    /// Heard all the time from one moment to the other.
    fn heard(silence: &Silence, from: Instant, until: Instant) {
        let mut at = from;
        while at < until {
            silence.heard(at);
            at += BROKER_SILENT_AFTER / 2;
        }
        silence.heard(until);
    }

    #[test]
    fn timers_wait_while_the_broker_is_silent_and_for_a_while_afterwards() {
        let begun = Instant::now();
        let silence = Silence::begins(begun);
        assert!(silence.holds_timers(begun, 0), "answers that stand in topics are read first");
        let settled = begun + TIMERS_AFTER_SILENCE;
        heard(&silence, begun, settled);
        assert!(!silence.holds_timers(settled, 0));
        let silent = settled + BROKER_SILENT_AFTER * 2;
        assert!(silence.holds_timers(silent, 0));
        silence.heard(silent);
        assert!(silence.holds_timers(silent + TIMERS_AFTER_SILENCE / 4, 0), "what was late is let in first");
    }

    #[test]
    fn timers_wait_for_what_an_outage_has_left_but_not_for_ever() {
        let begun = Instant::now();
        let silence = Silence::begins(begun);
        let later = begun + TIMERS_AFTER_SILENCE * 2;
        heard(&silence, begun, later);
        assert!(silence.holds_timers(later, LAG_SMALL + 1), "as many answers are not read yet");
        assert!(!silence.holds_timers(later, LAG_SMALL));
        let next = later + Duration::from_millis(1);
        assert!(!silence.holds_timers(next, LAG_SMALL + 1), "lag that comes later is none of an outage");
        let other = Silence::begins(begun);
        let much_later = begun + TIMERS_AFTER_SILENCE_MAX;
        heard(&other, begun, much_later);
        assert!(!other.holds_timers(much_later, u64::MAX));
    }
}
