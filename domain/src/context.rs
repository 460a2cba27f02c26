//! Bounded contexts: who owns which kinds of streams. They share one log, or each has its own (L7).

use std::fmt;
use std::str::FromStr;

use crate::id::StreamKind;
use crate::trip::Step;

/// A bounded context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Bookings and their sagas.
    Booking,
    /// Properties.
    Hotel,
    /// Departures.
    Flight,
    /// Fleets.
    Car,
    /// Payments.
    Payment,
    /// Members, their points, campaigns and rewards.
    Member,
}

/// A text that names no context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no context of that name: use booking, hotel, flight, car, payment or member")]
pub struct NoContext;

impl Context {
    /// All contexts.
    pub const ALL: [Self; 6] = [Self::Booking, Self::Hotel, Self::Flight, Self::Car, Self::Payment, Self::Member];

    /// Its name, for example `booking`: in topics, settings and the names of logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Hotel => "hotel",
            Self::Flight => "flight",
            Self::Car => "car",
            Self::Payment => "payment",
            Self::Member => "member",
        }
    }

    /// The participant that takes a step.
    pub const fn of_step(step: Step) -> Self {
        match step {
            Step::Voucher => Self::Member,
            Step::Hotel => Self::Hotel,
            Step::Flight => Self::Flight,
            Step::Car => Self::Car,
            Step::Payment => Self::Payment,
            Step::Approve => Self::Booking,
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Context {
    type Err = NoContext;
    fn from_str(text: &str) -> Result<Self, NoContext> {
        Self::ALL.into_iter().find(|context| context.as_str() == text).ok_or(NoContext)
    }
}

impl StreamKind {
    /// Who owns the streams of this kind; none of dead letters, of which every log has its own.
    pub const fn context(self) -> Option<Context> {
        Some(match self {
            Self::Booking | Self::TripSaga => Context::Booking,
            Self::Hotel => Context::Hotel,
            Self::Flight => Context::Flight,
            Self::Car => Context::Car,
            Self::Payment => Context::Payment,
            Self::Member | Self::EmailClaim | Self::PointsAccount | Self::Campaign | Self::Reward | Self::Programme => {
                Context::Member
            }
            Self::DeadLetter => return None,
        })
    }
}

/// The contexts that share one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contexts(u8);

impl Contexts {
    /// All of them: one log for everything.
    pub const ALL: Self = Self((1 << Context::ALL.len()) - 1);
    /// None yet.
    pub const NONE: Self = Self(0);

    /// One more.
    #[must_use]
    pub const fn and(self, context: Context) -> Self {
        Self(self.0 | 1 << context as u8)
    }

    /// Whether it is one of them.
    pub const fn has(self, context: Context) -> bool {
        self.0 & 1 << context as u8 != 0
    }

    /// Whether streams of this kind stand in their log.
    pub const fn holds(self, kind: StreamKind) -> bool {
        match kind.context() {
            Some(context) => self.has(context),
            None => true,
        }
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Context> {
        Context::ALL.into_iter().filter(move |context| self.has(*context))
    }
}

impl FromIterator<Context> for Contexts {
    fn from_iter<I: IntoIterator<Item = Context>>(contexts: I) -> Self {
        contexts.into_iter().fold(Self::NONE, Self::and)
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Contexts};
    use crate::id::StreamKind;

    #[test]
    fn a_log_holds_the_streams_of_its_contexts_and_its_own_dead_letters() {
        let hotel = Contexts::NONE.and(Context::Hotel);
        let held: Vec<StreamKind> = StreamKind::ALL.into_iter().filter(|kind| hotel.holds(*kind)).collect();
        assert_eq!(held, [StreamKind::Hotel, StreamKind::DeadLetter]);
        assert!(StreamKind::ALL.into_iter().all(|kind| Contexts::ALL.holds(kind)));
        assert_eq!(Contexts::from_iter(Context::ALL), Contexts::ALL);
        assert_eq!(Contexts::ALL.iter().count(), Context::ALL.len());
    }
}
