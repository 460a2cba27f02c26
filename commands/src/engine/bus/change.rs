//! Who carries what a log has for others stands in the log: another setting is taken over only once nothing is left of the former way, so that
//! nothing is lost and nothing overtakes.

use traveladvisor_domain::bus::announcement;
use traveladvisor_domain::message::messages_of;
use traveladvisor_infra::event_log::{Carried, EventLog, LogError, Position, RELAY, StoredEvent};

use super::super::limits::{OUTBOX_AGAIN, OUTBOX_PATIENCE, RELAY_PAGE};
use super::{Bus, Outbox};

/// Why the setting cannot be taken over now.
#[derive(Debug, thiserror::Error)]
pub enum OutboxRefused {
    /// Somebody works by the former one.
    #[error(
        "kafka.outbox of the log {log} was `{former}` so far, and a process works by it: stop all processes of the log, then start them with `{wanted}`"
    )]
    AtWork {
        /// Which log.
        log: String,
        /// The setting so far.
        former: &'static str,
        /// The setting asked for.
        wanted: &'static str,
    },
    /// The relay has not sent everything, and a connector would never hear of it.
    #[error(
        "kafka.outbox of the log {log} was `relay` so far, and not all of its messages are sent: start it with `relay` until \
         traveladvisor_relay_unacknowledged_records is 0, stop all its processes, then start them with `debezium`"
    )]
    NotSent {
        /// Which log.
        log: String,
    },
    /// The connector has not carried everything, and the relay would overtake it.
    #[error(
        "kafka.outbox of the log {log} was `debezium` so far, and its connector has not carried all of it: let the connector run until the \
         replication slot {slot} is confirmed, then start it with `relay`"
    )]
    NotCarried {
        /// Which log.
        log: String,
        /// Which slot.
        slot: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Bus {
    /// Takes the setting over for a log. Called by every process before it starts an engine there. The lease of a process that was killed is
    /// waited for.
    ///
    /// Errors: something is left of the former one, or the log cannot be read.
    pub async fn take_over_outbox(&self, log: &EventLog) -> Result<(), OutboxRefused> {
        let tries = OUTBOX_PATIENCE.as_millis() / OUTBOX_AGAIN.as_millis();
        for _ in 0..tries {
            match self.try_to_take_over(log).await {
                Err(OutboxRefused::AtWork { .. }) => tokio::time::sleep(OUTBOX_AGAIN).await,
                outcome => return outcome,
            }
        }
        self.try_to_take_over(log).await
    }

    async fn try_to_take_over(&self, log: &EventLog) -> Result<(), OutboxRefused> {
        let name = log.name().to_owned();
        let (former, wanted) = match (log.leaves_it_to_a_connector().await?, self.outbox) {
            (true, Outbox::Table) | (false, Outbox::Relay) => return Ok(()),
            (false, Outbox::Table) => ("relay", "debezium"),
            (true, Outbox::Relay) => ("debezium", "relay"),
        };
        if is_at_work(log).await? {
            return Err(OutboxRefused::AtWork { log: name, former, wanted });
        }
        match self.outbox {
            Outbox::Table if self.has_unsent(log).await? => Err(OutboxRefused::NotSent { log: name }),
            Outbox::Table => Ok(log.leave_it_to_a_connector().await?),
            Outbox::Relay if !self.is_carried(log).await? => {
                Err(OutboxRefused::NotCarried { log: name, slot: self.slot.clone() })
            }
            Outbox::Relay => Ok(log.leave_it_to_the_relay().await?),
        }
    }

    /// Whether the connector has all that was written for it. Once its slot is gone nobody can tell, and the operator's word counts.
    async fn is_carried(&self, log: &EventLog) -> Result<bool, LogError> {
        Ok(match log.carried(&self.slot).await? {
            Carried::Known { written, confirmed } => written <= confirmed,
            Carried::NoSlot | Carried::Lost => {
                let (log, slot) = (log.name(), &self.slot);
                tracing::warn!(log, slot, "nobody can tell whether the connector has carried all: its slot is gone");
                true
            }
        })
    }

    /// Whether something for others stands behind the relay's checkpoint. What cannot be read may be such.
    async fn has_unsent(&self, log: &EventLog) -> Result<bool, LogError> {
        let mut read = Position(log.consumed_offset(RELAY).await?);
        loop {
            let page = log.read_after(read, RELAY_PAGE).await?;
            if page.iter().any(|stored| self.may_be_for_others(stored)) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == RELAY_PAGE => read = last.position,
                _ => return Ok(false),
            }
        }
    }

    fn may_be_for_others(&self, stored: &StoredEvent) -> bool {
        let Ok(events) = stored.decode() else { return true };
        let mut messages = messages_of(stored.stream, &events).into_iter();
        messages.any(|message| self.is_for_others(&message)) || events.iter().any(|event| announcement(event).is_some())
    }
}

/// Whether a process has the turn to deliver: every one that works for long asks for it.
async fn is_at_work(log: &EventLog) -> Result<bool, LogError> {
    Ok(log.owners().await?.iter().any(|owner| owner.name == RELAY && owner.held.is_some()))
}
