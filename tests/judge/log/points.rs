//! Points, vouchers and rewards: what came and went, and what each trip has to do with it.

use std::collections::{BTreeMap, BTreeSet};

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{BookingId, MemberId, RewardId, StreamId};
use traveladvisor_domain::points_account::{EarnedFor, PointsAccountEvent};
use traveladvisor_domain::reward::{Grant, RewardEvent};
use traveladvisor_domain::trip::{PaymentPlan, TripPlan};

/// All accounts and rewards.
#[derive(Default)]
pub(super) struct Points {
    balances: BTreeMap<MemberId, i128>,
    trips: BTreeMap<BookingId, OfTrip>,
    granted: BTreeSet<RewardId>,
    /// Those of them that are points.
    promised: BTreeSet<RewardId>,
    /// Rewards whose points have come.
    credited: BTreeSet<RewardId>,
    /// Which trip uses a voucher, and what that takes off, in minor units.
    used_by: BTreeMap<RewardId, (BookingId, i64)>,
    faults: Vec<String>,
}

/// What moved for one trip.
#[derive(Debug, Default)]
struct OfTrip {
    redeemed: i128,
    /// Minor units that the redeemed points pay.
    value: i128,
    times_redeemed: usize,
    times_restored: usize,
    earned: i128,
    times_earned: usize,
    /// Taken back, and what of it is owed.
    reversed: i128,
    owed: i128,
}

impl Points {
    pub(super) fn tell(&mut self, stream: StreamId, event: &Event) {
        match event {
            Event::PointsAccount(event) => self.tell_account(MemberId(stream.uuid), event),
            Event::Reward(event) => self.tell_reward(RewardId(stream.uuid), event),
            _ => {}
        }
    }

    fn tell_account(&mut self, member: MemberId, event: &PointsAccountEvent) {
        let moved = match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                self.tell_earned(*points, earned_for);
                i128::from(*points)
            }
            PointsAccountEvent::PointsRedeemed { booking, points, value, .. } => {
                let trip = self.trips.entry(*booking).or_default();
                trip.redeemed += i128::from(points.points);
                trip.value += i128::from(value.minor);
                trip.times_redeemed += 1;
                -i128::from(points.points)
            }
            PointsAccountEvent::PointsRestored { booking, points, value, .. } => {
                let trip = self.trips.entry(*booking).or_default();
                trip.redeemed -= i128::from(*points);
                trip.value -= i128::from(value.minor);
                trip.times_restored += 1;
                i128::from(*points)
            }
            PointsAccountEvent::PointsReversed { booking, points, owed, .. } => {
                let trip = self.trips.entry(*booking).or_default();
                trip.reversed += i128::from(*points);
                trip.owed = i128::from(*owed);
                -i128::from(*points)
            }
            PointsAccountEvent::AccountClosed { expired, .. } => -i128::from(*expired),
            PointsAccountEvent::RedemptionRefused { .. }
            | PointsAccountEvent::RedemptionBarred { .. }
            | PointsAccountEvent::AnswerRepeated { .. }
            | PointsAccountEvent::EarningBarred { .. } => 0,
        };
        let balance = self.balances.entry(member).or_default();
        *balance += moved;
        if *balance < 0 {
            self.faults.push(format!("{member} has {balance} points"));
        }
    }

    fn tell_earned(&mut self, points: u64, earned_for: &EarnedFor) {
        match earned_for {
            EarnedFor::Campaign { reward, .. } => {
                if !self.credited.insert(*reward) {
                    self.faults.push(format!("the points of {reward} came twice"));
                }
            }
            EarnedFor::Booking { booking, .. } => {
                let trip = self.trips.entry(*booking).or_default();
                trip.earned += i128::from(points);
                trip.times_earned += 1;
            }
            EarnedFor::Operator { .. } => {}
        }
    }

    fn tell_reward(&mut self, reward: RewardId, event: &RewardEvent) {
        match event {
            RewardEvent::RewardGranted { grant, .. } => {
                if matches!(grant, Grant::Point(_)) {
                    self.promised.insert(reward);
                }
                if !self.granted.insert(reward) {
                    self.faults.push(format!("{reward} was granted twice"));
                }
            }
            RewardEvent::VoucherRedeemed { booking, discount, .. } => {
                if let Some((other, _)) = self.used_by.insert(reward, (*booking, discount.minor)) {
                    self.faults.push(format!("{reward} makes {other} cheaper and {booking}"));
                }
            }
            RewardEvent::VoucherReturned { booking, .. } => match self.used_by.remove(&reward) {
                Some((user, _)) if user == *booking => {}
                user => self.faults.push(format!("{booking} gives back {reward}, which {user:?} uses")),
            },
            RewardEvent::VoucherRefused { .. }
            | RewardEvent::RedemptionBarred { .. }
            | RewardEvent::AnswerRepeated { .. } => {}
        }
    }

    /// What a trip that has ended still waits for: points come beside its saga.
    pub(super) fn waits_for(&self, id: BookingId, plan: &TripPlan, stands: bool) -> Option<String> {
        let earns = plan.earns.map_or(0, |earning| i128::from(earning.points));
        let nothing = OfTrip::default();
        let moved = self.trips.get(&id).unwrap_or(&nothing);
        if stands && moved.earned < earns {
            return Some(format!("{earns} points are to come: {moved:?}"));
        }
        (!stands && moved.earned > moved.reversed + moved.owed).then(|| format!("its points are to go: {moved:?}"))
    }

    /// What is wrong with a trip that has ended.
    pub(super) fn fault(&self, id: BookingId, plan: &TripPlan, stands: bool) -> Option<String> {
        let nothing = OfTrip::default();
        let moved = self.trips.get(&id).unwrap_or(&nothing);
        let (points, value) = match &plan.payment {
            PaymentPlan::Redeem(asked) if stands => (i128::from(asked.points), i128::from(plan.total.minor)),
            _ => (0, 0),
        };
        if (moved.redeemed, moved.value) != (points, value) || moved.times_redeemed > 1 || moved.times_restored > 1 {
            return Some(format!("{points} points are to pay {value}: {moved:?}"));
        }
        let earns = plan.earns.filter(|_| stands).map_or(0, |earning| i128::from(earning.points));
        if moved.earned - moved.reversed - moved.owed != earns || moved.times_earned > 1 {
            return Some(format!("it is to bring {earns} points: {moved:?}"));
        }
        let parts = [
            plan.hotel.as_ref().map(|part| part.price),
            plan.flight.as_ref().map(|part| part.price),
            plan.car.as_ref().map(|part| part.price),
        ];
        let quoted: i64 = parts.iter().flatten().map(|price| price.minor).sum();
        let off = plan.discount.map_or(0, |discount| discount.amount.minor);
        if plan.total.minor + off != quoted {
            return Some(format!("parts of {quoted} come to {} without {off}", plan.total.minor));
        }
        let uses: Vec<_> = self.used_by.iter().filter(|(_, (user, _))| *user == id).collect();
        let wanted = plan.discount.filter(|_| stands);
        let is_right = match (&uses[..], &wanted) {
            ([], None) => true,
            ([(voucher, (_, minor))], Some(discount)) => {
                **voucher == discount.voucher && *minor == discount.amount.minor
            }
            _ => false,
        };
        (!is_right).then(|| format!("it uses {uses:?} and is to use {wanted:?}"))
    }

    /// What is wrong whatever trips there are, and how many rewards were granted.
    pub(super) fn end(mut self) -> (Vec<String>, usize) {
        if self.promised != self.credited {
            self.faults.push(format!("points of {:?} were granted, those of {:?} came", self.promised, self.credited));
        }
        (self.faults, self.granted.len())
    }
}
