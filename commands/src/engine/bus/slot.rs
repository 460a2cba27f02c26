//! Whether the broker is heard where a connector carries what is for others: its replication slot tells how far it has come.

use tokio::sync::watch;
use tokio::time::Instant;
use traveladvisor_infra::event_log::Carried;

use super::super::limits::{SLOT_CONFIRMS_WITHIN, SLOT_LOOKED_EVERY};
use super::super::source::Source;
use super::Silence;

/// Looks at the slot until told to stop, in a turn of whoever owns the timers. Without a slot nothing can be told, and timers go on.
pub(crate) async fn watch(
    source: &Source,
    (slot, silence): (Option<&str>, Option<&Silence>),
    mut stop: watch::Receiver<bool>,
) {
    let (Some(slot), Some(silence)) = (slot, silence) else { return };
    let mut progress = Progress::default();
    let mut is_told = false;
    while !*stop.borrow() && stop.has_changed().is_ok() {
        match source.log.carried(slot).await {
            Ok(carried @ Carried::Known { written, confirmed }) => {
                source.gauges.carry(carried.unconfirmed_bytes());
                if progress.is_heard((written, confirmed), now()) && source.gauges.hears_the_broker() {
                    silence.heard(now());
                }
            }
            Ok(carried) => {
                if !std::mem::replace(&mut is_told, true) {
                    tell(slot, carried);
                }
                if source.gauges.hears_the_broker() {
                    silence.heard(now());
                }
            }
            // Timers cannot be read either.
            Err(error) => tracing::debug!(%error, slot, "a replication slot cannot be looked at; tried again"),
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(SLOT_LOOKED_EVERY) => {}
        }
    }
    source.gauges.carry(0);
}

fn tell(slot: &str, carried: Carried) {
    if carried == Carried::Lost {
        tracing::error!(
            slot,
            "the server has thrown away what the connector had not read: those messages are lost, see max_slot_wal_keep_size"
        );
    } else {
        tracing::warn!(
            slot,
            "there is no such replication slot: deadlines do not wait while connector or broker are away"
        );
    }
}

/// How a connector comes on. Where more and more is written it never has all, so a place is remembered until the connector has come there.
#[derive(Debug, Default)]
struct Progress {
    awaited: Option<(u64, Instant)>,
}

impl Progress {
    /// Whether it has what was written, or had no time yet to say so.
    fn is_heard(&mut self, (written, confirmed): (u64, u64), now: Instant) -> bool {
        self.awaited = self.awaited.filter(|(place, _)| confirmed < *place);
        if self.awaited.is_none() && confirmed < written {
            self.awaited = Some((written, now));
        }
        self.awaited.is_none_or(|(_, since)| now.duration_since(since) <= SLOT_CONFIRMS_WITHIN)
    }
}

/// Measures silence only.
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_that_comes_on_is_heard_however_much_is_written_and_one_that_stands_is_not() {
        let begun = Instant::now();
        let at = |looks: u32| begun + SLOT_LOOKED_EVERY * looks;
        let mut progress = Progress::default();
        assert!(progress.is_heard((0, 0), begun), "nothing was written");
        for look in 1..60 {
            // Always three looks behind.
            let place = |look: u32| u64::from(look) * 100;
            assert!(progress.is_heard((place(look), place(look.saturating_sub(3))), at(look)));
        }
        let patience = u32::try_from(SLOT_CONFIRMS_WITHIN.as_secs() / SLOT_LOOKED_EVERY.as_secs()).expect("few");
        let heard: Vec<bool> = (60..80).map(|look| progress.is_heard((6_000, 5_700), at(look))).collect();
        assert!(heard[0], "it has time to say so");
        assert!(heard[patience as usize + 1..].iter().all(|heard| !heard), "it stands: {heard:?}");
        assert!(progress.is_heard((6_000, 6_000), at(80)), "and comes on");
    }
}
