//! What one member was granted for one cause: points, a gift, or a voucher that makes one trip cheaper.

mod command;
mod error;
mod event;
mod redeem;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use command::{CAUSE_CHARS_MAX, RewardCommand, TRIPS_MAX};
pub use error::RewardError;
pub use event::{Grant, RewardEvent};

use crate::aggregate::cqrs_aggregate;
use crate::discount::Voucher;
use crate::id::{MemberId, StreamKind};
use crate::money::Money;
use crate::reservation::Reservations;

/// A voucher is asked for by few trips: none of them is forgotten.
const NEVER: NaiveDate = NaiveDate::MAX;

/// The states of a reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reward {
    /// Not granted. Trips that asked for it all the same are remembered.
    Absent {
        /// By trip; nothing is held.
        trips: Reservations<Money>,
    },
    /// Granted.
    Granted(Box<Granted>),
}

/// A reward that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    member: MemberId,
    grant: Grant,
    /// The trips that asked for it; the one that is cheaper by it holds the discount.
    trips: Reservations<Money>,
}

impl Default for Reward {
    fn default() -> Self {
        Self::Absent { trips: Reservations::default() }
    }
}

impl Reward {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    ///
    /// # Errors
    ///
    /// See [`RewardError`].
    pub fn decide(&self, command: RewardCommand) -> Result<Vec<RewardEvent>, RewardError> {
        match command {
            RewardCommand::Grant { member, campaign, cause, grant } => match self {
                Self::Absent { .. } => Ok(vec![RewardEvent::RewardGranted { member, campaign, cause, grant }]),
                Self::Granted(granted) if granted.member != member => Err(RewardError::AnotherMember),
                Self::Granted(_) => Ok(Vec::new()),
            },
            RewardCommand::Redeem { booking, attempt, part, occasion } => {
                Ok(self.redeem(booking, attempt, part, occasion))
            }
            RewardCommand::Return { booking, attempt } => Ok(self.give_back(booking, attempt)),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &RewardEvent) {
        match event {
            RewardEvent::RewardGranted { member, grant, .. } => {
                let trips = std::mem::take(self.trips_mut());
                *self = Self::Granted(Box::new(Granted { member: *member, grant: grant.clone(), trips }));
            }
            RewardEvent::VoucherRedeemed { booking, attempt, discount } => {
                self.trips_mut().hold(*booking, *attempt, *discount, NEVER);
            }
            RewardEvent::VoucherRefused { booking, attempt, failure } => {
                self.trips_mut().refuse(*booking, *attempt, failure.clone(), NEVER);
            }
            RewardEvent::VoucherReturned { booking, attempt, .. } => {
                self.trips_mut().release(*booking, *attempt);
            }
            RewardEvent::RedemptionBarred { booking, attempt } => self.trips_mut().bar(*booking, *attempt, NEVER),
            RewardEvent::AnswerRepeated { booking, answer } => self.trips_mut().repeat(*booking, answer),
        }
    }

    /// Whose it is; absent when it was not granted.
    pub const fn member(&self) -> Option<MemberId> {
        match self {
            Self::Absent { .. } => None,
            Self::Granted(granted) => Some(granted.member),
        }
    }

    /// The voucher; absent when it is none.
    pub const fn voucher(&self) -> Option<&Voucher> {
        match self {
            Self::Absent { .. } => None,
            Self::Granted(granted) => granted.grant.voucher(),
        }
    }

    /// Whether it was granted.
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    /// Whether a trip is cheaper by it.
    pub fn is_used(&self) -> bool {
        self.trips().held().next().is_some()
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Granted>() + self.trips().footprint()
    }

    const fn trips(&self) -> &Reservations<Money> {
        match self {
            Self::Absent { trips } => trips,
            Self::Granted(granted) => &granted.trips,
        }
    }

    const fn trips_mut(&mut self) -> &mut Reservations<Money> {
        match self {
            Self::Absent { trips } => trips,
            Self::Granted(granted) => &mut granted.trips,
        }
    }
}

cqrs_aggregate!(Reward, StreamKind::Reward, RewardCommand, RewardEvent, RewardError, |state, command| state
    .decide(command));
