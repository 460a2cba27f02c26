//! A call on its way through the simulator.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Simulator;
use super::faults::Fate;
use super::ledger::{Asked, Entered};
use super::limits::CALLS_UNDER_WAY_MAX;
use crate::gateway::statement::{REQUEST_EXPIRED, Statement};

/// A charge or refund as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) key: String,
    pub(super) asked: Asked,
    pub(super) expires_at: DateTime<Utc>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    Stated(Statement),
    KeyReused,
    /// The first request with this key is still under way.
    InProgress,
    /// Not carried out, and nothing written down: it may come again.
    NotTaken(String),
}

impl Simulator {
    /// Carries a call out as its fate has it. What has arrived is carried out even when its caller has gone.
    pub(super) async fn carry_out(&self, arrived: Arrived, fate: Fate) -> Answered {
        let simulator = self.clone();
        let carried_out = tokio::spawn(async move {
            let answered = simulator.once(arrived.clone(), fate.latency).await;
            if let Some(later) = fate.again {
                tokio::spawn(async move { simulator.once(arrived, later).await });
            }
            answered
        });
        carried_out.await.unwrap_or_else(|error| Answered::NotTaken(error.to_string()))
    }

    async fn once(&self, arrived: Arrived, latency: Duration) -> Answered {
        let _place = match self.begin(&arrived.key) {
            Ok(place) => place,
            Err(answered) => return answered,
        };
        tokio::time::sleep(latency).await;
        let simulator = self.clone();
        let entered = tokio::task::spawn_blocking(move || simulator.enter(arrived)).await;
        match entered {
            Ok(Entered::Stated(statement)) => Answered::Stated(statement),
            Ok(Entered::KeyReused) => Answered::KeyReused,
            Ok(Entered::NoRoom(reason)) => Answered::NotTaken(reason),
            Err(error) => Answered::NotTaken(error.to_string()),
        }
    }

    /// The expiry is judged under the ledger's lock, right before the effect: who looks up later sees one or the other.
    fn enter(&self, arrived: Arrived) -> Entered {
        let Arrived { key, asked, expires_at } = arrived;
        self.with_ledger(|ledger| {
            let too_late = (self.clock.now() >= expires_at).then(|| Statement::faulted(REQUEST_EXPIRED));
            ledger.enter(&key, asked, too_late)
        })
    }

    fn begin(&self, key: &str) -> Result<UnderWay, Answered> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.contains(key) {
            drop(under_way);
            return Err(Answered::InProgress);
        }
        if under_way.len() >= CALLS_UNDER_WAY_MAX {
            return Err(Answered::NotTaken("too many calls at once".to_owned()));
        }
        under_way.insert(key.to_owned());
        Ok(UnderWay { simulator: self.clone(), key: key.to_owned() })
    }

    pub(super) fn is_under_way(&self, key: &str) -> bool {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

/// A call's place among those under way.
struct UnderWay {
    simulator: Simulator,
    key: String,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.simulator.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
