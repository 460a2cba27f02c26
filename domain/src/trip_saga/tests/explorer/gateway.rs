//! The payment gateway of the model: what came of each key, remembered for ever. The same key never has two outcomes.

use std::collections::BTreeMap;

use crate::failure::{Code, Failure};
use crate::message::{GatewayCall, GatewayCallKind};
use crate::money::Money;
use crate::payment::GatewayOutcome;

/// What the gateway makes of a call that it has not had before, and whether the program hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// It is done, or was what it was before, and the program is told.
    Done,
    /// A business no.
    Refused,
    /// A technical no.
    Faulted,
    /// Done, or as it was before, but nobody can tell.
    DoneUnheard,
    /// It never arrived, and nobody can tell.
    Lost,
}

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Charged(Money),
    /// Charged, and given back by an operator's hand.
    Returned(Money),
    Refunded(Money),
    Refused,
    Faulted,
}

/// The gateway's own records, by idempotency key.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(BTreeMap<String, Entry>);

impl Ledger {
    /// The records after the call, for a turn that is possible: a key that is known has no other outcome than the one it had.
    pub(super) fn after(&self, call: &GatewayCall, turn: Turn) -> Option<Self> {
        let is_known = self.0.contains_key(&call.key);
        let entry = match (turn, &call.kind) {
            (Turn::Done | Turn::DoneUnheard, _) if is_known => return Some(self.clone()),
            _ if is_known => return None,
            (Turn::Done | Turn::DoneUnheard, GatewayCallKind::Charge) => Entry::Charged(call.amount),
            (Turn::Done | Turn::DoneUnheard, GatewayCallKind::Refund { .. }) => Entry::Refunded(call.amount),
            (Turn::Refused, _) => Entry::Refused,
            (Turn::Faulted, _) => Entry::Faulted,
            (Turn::Lost, _) => return Some(self.clone()),
        };
        let mut after = self.clone();
        after.0.insert(call.key.clone(), entry);
        Some(after)
    }

    /// What the program is told of a key that is known.
    pub(super) fn told(&self, call: &GatewayCall) -> Option<GatewayOutcome> {
        Some(match self.0.get(&call.key)? {
            Entry::Charged(_) | Entry::Refunded(_) => GatewayOutcome::Done { reference: format!("of {}", call.key) },
            // What an operator has voided is not told as done any more.
            Entry::Refused | Entry::Returned(_) => {
                GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "The card was declined."))
            }
            Entry::Faulted => GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away.")),
        })
    }

    /// An operator charges the card where no call of ours ever was, or confirms the charge that was made.
    pub(super) fn charged_by_hand(&self, amount: Money) -> Self {
        let mut after = self.clone();
        if after.kept().is_empty() {
            after.0.insert("by hand".to_owned(), Entry::Charged(amount));
        }
        after
    }

    /// An operator makes sure that nothing of the payment stands, and that no call on its way will be carried out.
    pub(super) fn settled_by_hand<'a>(&self, on_their_way: impl Iterator<Item = &'a GatewayCall>) -> Self {
        let mut after = self.clone();
        for call in on_their_way {
            after.0.entry(call.key.clone()).or_insert(Entry::Refused);
        }
        if after.refunded().next().is_none() {
            for entry in after.0.values_mut() {
                if let Entry::Charged(amount) = *entry {
                    *entry = Entry::Returned(amount);
                }
            }
        }
        after
    }

    pub(super) fn charges(&self) -> impl Iterator<Item = Money> {
        self.0.values().filter_map(|entry| match entry {
            Entry::Charged(amount) | Entry::Returned(amount) => Some(*amount),
            _ => None,
        })
    }

    pub(super) fn refunded(&self) -> impl Iterator<Item = Money> {
        self.0.values().filter_map(|entry| match entry {
            Entry::Refunded(amount) => Some(*amount),
            _ => None,
        })
    }

    /// What is taken and not given back.
    pub(super) fn kept(&self) -> Vec<Money> {
        if self.refunded().next().is_some() {
            return Vec::new();
        }
        let kept = |entry: &Entry| if let Entry::Charged(amount) = entry { Some(*amount) } else { None };
        self.0.values().filter_map(kept).collect()
    }

    /// One charge at most, and what comes back is what was taken.
    pub(super) fn is_sound(&self) -> bool {
        let charges: Vec<Money> = self.charges().collect();
        let returned = self.0.values().filter(|entry| matches!(entry, Entry::Returned(_))).count();
        let refunds: Vec<Money> = self.refunded().collect();
        charges.len() <= 1
            && refunds.len() + returned <= charges.len()
            && refunds.iter().all(|refund| charges.contains(refund))
    }
}
