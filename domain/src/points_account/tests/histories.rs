//! Random and long histories of an account: never overdrawn, the balance always the sum of what happened, everything once.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{PointsAccount, PointsAccountCommand, PointsAccountEvent, close, earn, gift};
use crate::id::BookingId;
use crate::message::Direction;
use crate::occasion::Occasion;
use crate::points::{Earning, PointsOrder, PointsToRedeem};
use crate::points_account::EarnedFor;
use crate::testing::samples::{NOW, booking, instant, member, pounds};
use crate::testing::{at, given, stored_and_read};

/// What an onlooker who adds up the history knows.
#[derive(Debug, Default)]
struct Ledger {
    sum: i128,
    owed: i128,
    by_trip: BTreeMap<BookingId, Trip>,
    is_closed: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Trip {
    redeemed: Option<u64>,
    is_restored: bool,
    earned: Option<u64>,
    taken_back: u64,
    is_reversed: bool,
    owed: u64,
}

impl Ledger {
    fn see(&mut self, event: &PointsAccountEvent) {
        match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                assert!(!self.is_closed, "nothing comes to who has left");
                self.sum += i128::from(*points);
                if let EarnedFor::Booking { booking, .. } = earned_for {
                    let trip = self.by_trip.entry(*booking).or_default();
                    assert!(!trip.is_reversed, "it was taken back before");
                    assert_eq!(trip.earned.replace(*points), None, "a trip brings its points once");
                }
            }
            PointsAccountEvent::PointsRedeemed { booking, points, .. } => {
                assert!(!self.is_closed, "nothing is spent by who has left");
                self.sum -= i128::from(points.points);
                let trip = self.by_trip.entry(*booking).or_default();
                assert_eq!(trip.redeemed.replace(points.points), None, "a trip is paid once");
            }
            PointsAccountEvent::PointsRestored { booking, points, .. } => {
                self.sum += i128::from(*points);
                let trip = self.by_trip.entry(*booking).or_default();
                assert!(!std::mem::replace(&mut trip.is_restored, true), "points come back once");
                assert_eq!(trip.redeemed, Some(*points), "as many as were taken");
            }
            PointsAccountEvent::PointsReversed { booking, points, owed, .. } => {
                self.sum -= i128::from(*points);
                let trip = self.by_trip.entry(*booking).or_default();
                let first = !std::mem::replace(&mut trip.is_reversed, true);
                trip.taken_back += points;
                if !self.is_closed {
                    assert_eq!(Some(trip.taken_back + owed), trip.earned, "no more than it had brought");
                }
                assert!(first || *points > 0, "it is taken back once, the rest as far as it comes");
                self.owed += i128::from(*owed) - i128::from(trip.owed);
                trip.owed = *owed;
            }
            PointsAccountEvent::EarningBarred { booking, .. } => {
                self.by_trip.entry(*booking).or_default().is_reversed = true;
            }
            PointsAccountEvent::AccountClosed { expired, .. } => {
                self.sum -= i128::from(*expired);
                self.is_closed = true;
            }
            PointsAccountEvent::RedemptionRefused { .. }
            | PointsAccountEvent::RedemptionBarred { .. }
            | PointsAccountEvent::AnswerRepeated { .. } => {}
        }
        assert!(self.sum >= 0, "never below zero: {event:?}");
    }
}

#[derive(Debug, Clone, Copy)]
struct Act {
    verb: u8,
    trip: u128,
    attempt: u32,
    points: u64,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..41u8, 0..6u128, 1..4u32, 1..200u64).prop_map(|(verb, trip, attempt, points)| Act {
        verb,
        trip,
        attempt,
        points,
    });
    prop::collection::vec(act, 1..120)
}

/// Every trip has its own price and its own earning, as its quote says.
fn command(Act { verb, trip, attempt, points }: Act, occasion: Occasion) -> PointsAccountCommand {
    let until = (occasion.at + TimeDelta::days(365)).date_naive();
    let quoted = 40 + 30 * u64::try_from(trip).expect("few");
    let to_redeem = PointsToRedeem { member: member(), points: quoted, until };
    let value = pounds(quoted.try_into().expect("few"));
    let order = |direction| PointsAccountCommand::Order {
        booking: booking(trip),
        order: PointsOrder { direction, attempt, points: to_redeem, value },
        occasion,
    };
    let earning = Earning { member: member(), points: quoted / 2, until };
    match verb {
        0..8 => earn(points),
        8..18 => order(Direction::Request),
        18..26 => order(Direction::Undo),
        26..34 => PointsAccountCommand::EarnForBooking { booking: booking(trip), earning, occasion },
        34..40 => PointsAccountCommand::Reverse { booking: booking(trip), earning, occasion },
        _ => close(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn whatever_comes_in_whatever_order_the_balance_is_the_sum_of_the_history(acts in acts(), crash_every in 1..20usize) {
        let (mut account, mut ledger, mut log) = (PointsAccount::default(), Ledger::default(), Vec::new());
        for (number, act) in acts.into_iter().enumerate() {
            let command = command(act, at(NOW));
            for event in account.decide(command.clone()).unwrap_or_default() {
                account.apply(&event);
                ledger.see(&event);
                log.push(event);
            }
            prop_assert_eq!(i128::from(account.balance()), ledger.sum);
            prop_assert!(ledger.owed == 0 || ledger.sum == 0, "what is owed is taken first");
            // The same message again writes nothing. An operator's gift is no message.
            if !matches!(command, PointsAccountCommand::Earn { .. }) {
                prop_assert_eq!(account.decide(command).unwrap_or_default(), vec![]);
            }
            if number % crash_every == 0 {
                prop_assert_eq!(&given::<PointsAccount>(&log).state, &account);
                account = stored_and_read(&account);
            }
        }
    }
}

/// The `number`th day's job: a trip in a week that is paid with points; every third is cancelled. Another that brings points.
fn daily_jobs(number: i64) -> Vec<PointsAccountCommand> {
    let occasion = Occasion { at: instant(NOW) + TimeDelta::days(number), entropy: 0 };
    let until = (occasion.at + TimeDelta::days(7)).date_naive();
    let points = PointsToRedeem { member: member(), points: 10, until };
    let trip = u128::try_from(2 * number).expect("positive");
    let order = |direction| PointsAccountCommand::Order {
        booking: booking(trip),
        order: PointsOrder { direction, attempt: 1, points, value: pounds(10) },
        occasion,
    };
    let earning = Earning { member: member(), points: 10, until };
    let brings = booking(trip + 1);
    let mut jobs = vec![
        PointsAccountCommand::Earn { points: 1, earned_for: gift(), occasion },
        order(Direction::Request),
        PointsAccountCommand::EarnForBooking { booking: brings, earning, occasion },
    ];
    if number % 3 == 0 {
        jobs.push(order(Direction::Undo));
        jobs.push(PointsAccountCommand::Reverse { booking: brings, earning, occasion });
    }
    jobs
}

#[test]
fn years_of_trips_leave_a_small_state_that_replay_repeats() {
    let mut log = Vec::new();
    let mut account = PointsAccount::default();
    let mut restarted = None;
    let mut ledger = Ledger::default();
    for job in (0..5 * 365).flat_map(daily_jobs) {
        for event in account.decide(job).expect("no error") {
            account.apply(&event);
            ledger.see(&event);
            log.push(event);
        }
        if log.len() == 1_000 {
            restarted = Some((stored_and_read(&account), log.len()));
        }
    }
    assert_eq!(i128::from(account.balance()), ledger.sum);
    let stored = serde_json::to_string(&account).expect("JSON").len();
    assert!(stored < 20_000, "{stored} bytes");
    // What it takes in memory is told about right, without walking through it.
    assert!((stored / 4..stored * 4).contains(&account.footprint()), "{} for {stored}", account.footprint());
    assert_eq!(given::<PointsAccount>(&log).state, account);
    let (mut from_snapshot, read) = restarted.expect("a thousand events");
    log[read..].iter().for_each(|event| from_snapshot.apply(event));
    assert_eq!(from_snapshot, account);
}
