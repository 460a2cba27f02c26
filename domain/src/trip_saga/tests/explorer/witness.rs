//! What an onlooker who sees every event remembers, and the promises that it holds them against.

use super::interned::Id;
use super::model::ALL;
use crate::aggregate::{Command, Event};
use crate::booking::BookingEvent;
use crate::car::CarEvent;
use crate::flight::FlightEvent;
use crate::hotel::HotelEvent;
use crate::message::{Answer, Direction, Outcome};
use crate::payment::PaymentEvent;
use crate::points_account::PointsAccountEvent;
use crate::reward::RewardEvent;
use crate::trip::Step;
use crate::trip_saga::attention::Verb;
use crate::trip_saga::steps::PIVOT;
use crate::trip_saga::{TripSagaCommand, TripSagaEvent};

/// What is promised of every state that can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// At the end everything stands or nothing does: booking, saga, participants, money. FAILED only after something was given up, and
    /// then only that is left.
    AllOrNothing,
    /// Undo is the exact reverse of what was done, one at a time; a refund comes after the parts.
    ExactReverse,
    /// Nothing is undone that surely never happened.
    OnlyWhatMayHaveHappened,
    /// Everything that may have happened is undone once, and only once.
    UndoneOnce,
    /// Once the money is taken nothing is undone by itself.
    NothingAfterThePivot,
    /// One charge at most for a payment, in money or points, and what comes back is what was charged, once.
    OneCharge,
    /// What a trip brings comes once and is taken back once.
    EarnedOnce,
    /// There is always an enabled wake-up, a message under way, or a visible owner.
    NoDeadEnd,
    /// An end can be reached from everywhere, without any further trouble.
    EndInReach,
    /// Whatever was stored reads back, and replaying it leads to the same state.
    SameWhenReplayed,
    /// A message delivered twice writes nothing the second time.
    NothingTwice,
    /// Nothing goes round in circles.
    NoCircles,
}

/// A set of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Steps(u8);

impl Steps {
    pub(super) const fn has(self, step: Step) -> bool {
        self.0 & (1 << step as u8) != 0
    }

    pub(super) const fn add(&mut self, step: Step) {
        self.0 |= 1 << step as u8;
    }

    pub(super) const fn drop(&mut self, step: Step) {
        self.0 &= !(1 << step as u8);
    }

    pub(super) const fn less(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn without_approval(self) -> Self {
        Self(self.0 & !(1 << Step::Approve as u8))
    }

    /// Those that must be taken back before `step` is: later parts before earlier ones, all parts before the money.
    const fn before(self, step: Step) -> Self {
        let parts = self.0 & ((1 << PIVOT as u8) - 1);
        match step {
            Step::Payment => Self(parts),
            Step::Approve => self,
            _ => Self(parts & !((2 << step as u8) - 1)),
        }
    }
}

/// What has been seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Witness {
    /// The saga has asked for it.
    asked: Steps,
    /// The saga has heard that it surely never happened.
    denied: Steps,
    /// The saga holds it for taken back.
    undone: Steps,
    /// The participant has given it back.
    released: Steps,
    pub(super) given_up: Steps,
    /// An operator has given it back by other means.
    pub(super) by_hand: Steps,
    pub(super) is_cancelled: bool,
    is_paid: bool,
    account: Moved,
}

/// What has happened to the member's account because of the trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Moved(u8);

impl Moved {
    const REDEEMED: u8 = 1;
    const RESTORED: u8 = 2;
    const EARNED: u8 = 4;
    const REVERSED: u8 = 8;

    /// Notes what may happen once, and only after something else.
    const fn once(&mut self, what: u8, after: u8, promise: Promise) -> Seen {
        if self.0 & what != 0 || self.0 & after != after {
            return Err(promise);
        }
        self.0 |= what;
        Ok(())
    }
}

type Seen = Result<(), Promise>;

impl Witness {
    /// Sees what a command has made happen. `held` is what the participants held before.
    pub(super) fn see(&mut self, held: Steps, command: &Command, events: &[Event]) -> Seen {
        for event in events {
            match event {
                Event::TripSaga(event) => self.see_saga(command, event)?,
                Event::Hotel(HotelEvent::RoomsReleased { .. }) => self.see_released(held, Step::Hotel)?,
                Event::Flight(FlightEvent::SeatsReleased { .. }) => self.see_released(held, Step::Flight)?,
                Event::Car(CarEvent::VehicleReleased { .. }) => self.see_released(held, Step::Car)?,
                Event::Payment(PaymentEvent::PaymentCompleted { .. }) => self.is_paid = true,
                Event::Payment(PaymentEvent::RefundRequested { .. } | PaymentEvent::PaymentCancelled { .. }) => {
                    self.in_reverse(held, PIVOT)?;
                }
                Event::Payment(PaymentEvent::PointsAsked { order, .. }) if order.direction == Direction::Undo => {
                    self.in_reverse(held, PIVOT)?;
                }
                Event::PointsAccount(event) => self.see_account(event)?,
                Event::Reward(RewardEvent::VoucherReturned { .. }) => self.see_released(held, Step::Voucher)?,
                Event::Booking(BookingEvent::CancellationRequested { .. }) => self.is_cancelled = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// The saga says that nothing is left to take back.
    pub(super) const fn owes_nothing(self) -> bool {
        self.asked.without_approval().less(self.denied).less(self.undone).less(self.given_up).is_empty()
    }

    /// The pivot is passed, whoever knows.
    pub(super) const fn is_paid(self) -> bool {
        self.is_paid
    }

    const fn see_account(&mut self, event: &PointsAccountEvent) -> Seen {
        let account = &mut self.account;
        match event {
            PointsAccountEvent::PointsRedeemed { .. } => account.once(Moved::REDEEMED, 0, Promise::OneCharge),
            PointsAccountEvent::PointsRestored { .. } => {
                account.once(Moved::RESTORED, Moved::REDEEMED, Promise::OneCharge)
            }
            PointsAccountEvent::PointsEarned { .. } => account.once(Moved::EARNED, 0, Promise::EarnedOnce),
            PointsAccountEvent::PointsReversed { .. } => {
                account.once(Moved::REVERSED, Moved::EARNED, Promise::EarnedOnce)
            }
            _ => Ok(()),
        }
    }

    fn see_released(&mut self, held: Steps, step: Step) -> Seen {
        self.in_reverse(held, step)?;
        if self.released.has(step) {
            return Err(Promise::UndoneOnce);
        }
        self.released.add(step);
        Ok(())
    }

    /// Nothing later is held any more, but what an operator has taken on himself.
    fn in_reverse(self, held: Steps, step: Step) -> Seen {
        let left = held.before(step).less(self.given_up).less(self.by_hand);
        if left.is_empty() { Ok(()) } else { Err(Promise::ExactReverse) }
    }

    fn see_saga(&mut self, command: &Command, event: &TripSagaEvent) -> Seen {
        match event {
            TripSagaEvent::StepRefused { step, .. } | TripSagaEvent::StepFaulted { step, in_doubt: false, .. }
                if is_sure_no(command) =>
            {
                self.denied.add(*step);
            }
            TripSagaEvent::UndoSucceeded { step, .. } => {
                if self.undone.has(*step) {
                    return Err(Promise::UndoneOnce);
                }
                self.undone.add(*step);
            }
            TripSagaEvent::Resolved { verb: Verb::GiveUp, step, .. } => self.given_up.add(*step),
            TripSagaEvent::Resolved { verb: Verb::MarkUndone, step, direction: Direction::Undo, .. }
                if *step < PIVOT =>
            {
                self.undone.add(*step);
                self.by_hand.add(*step);
            }
            _ => {}
        }
        let Some(sends) = event.sends() else { return Ok(()) };
        let step = sends.order.step();
        match sends.direction {
            Direction::Request => {
                self.asked.add(step);
                self.denied.drop(step);
                Ok(())
            }
            Direction::Undo => self.see_undo(step),
        }
    }

    /// The saga asks for something to be taken back.
    fn see_undo(self, step: Step) -> Seen {
        if self.is_paid && !self.is_cancelled && !self.given_up.has(PIVOT) {
            return Err(Promise::NothingAfterThePivot);
        }
        let owed = self.asked.less(self.denied).less(self.undone).less(self.given_up).without_approval();
        if step != Step::Approve && !owed.has(step) {
            let is_again = self.undone.has(step);
            return Err(if is_again { Promise::UndoneOnce } else { Promise::OnlyWhatMayHaveHappened });
        }
        let is_last = step == Step::Approve;
        let broken = if is_last { Promise::UndoneOnce } else { Promise::ExactReverse };
        if owed.before(step).is_empty() { Ok(()) } else { Err(broken) }
    }
}

/// An answer that leaves no doubt: it did not happen.
const fn is_sure_no(command: &Command) -> bool {
    matches!(
        command,
        Command::TripSaga(TripSagaCommand::Answer {
            answer: Answer { outcome: Outcome::Refused(_) | Outcome::Faulted(_), .. },
            ..
        })
    )
}

/// Something technical that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Trouble {
    pub(super) step: Step,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
}

/// The ways in which something can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The message becomes a dead letter.
    DeadLetter,
    /// The deadline passes while something is under way.
    Late,
    /// The gateway says no for technical reasons.
    GatewayFault,
    /// The gateway has done it, but nobody hears of it.
    Unheard,
    /// The gateway never gets it, and nobody hears of that.
    Lost,
}

/// A state of the whole: numbers of aggregates, of the gateway's records, and of sets of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// In the order of [`super::model::ROLES`].
    pub(super) aggregates: [Id; ALL],
    pub(super) ledger: Id,
    /// Sent and not handled.
    pub(super) under_way: Id,
    /// Handled at least once. They come again whenever the process dies, or whenever the transport pleases.
    pub(super) handled: Id,
    /// Instructions that were dead letters at one of their deliveries.
    pub(super) set_aside: Id,
    pub(super) witness: Witness,
    /// What the latest trouble was with: it goes on for some tries, as one trouble.
    pub(super) outage: Option<Trouble>,
    /// Troubles, dead letters delivered again, and verbs so far: see [`super::model::Bounds`].
    pub(super) troubles: u8,
    pub(super) letters: u8,
    pub(super) verbs: u8,
}
