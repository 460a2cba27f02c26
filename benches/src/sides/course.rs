//! How the trips of a side are paid, and how they end.

use traveladvisor_domain::trip::{CardToken, PaymentPlan};

/// What a failing trip may cost at most, in terms of one that succeeds.
const HAPPY_TIMES_MAX: f64 = 3.0;
/// What a trip that is paid with points may cost at most, in terms of one with payment NONE.
const POINTS_TIMES_MAX: f64 = 1.3;

/// Which trips a side books. All go the same way up to the step that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Payment NONE: all of a trip is in its first commit.
    Unpaid,
    /// Payment NONE, and of the last part, the car, none is left. All is in the first commit here as well.
    SoldOut,
    /// With points of many members: all of a trip is in its first commit here as well.
    Points,
    /// By card, so that the gateway's answer makes a second commit. So many of a hundred cards are declined, which is the last step that can
    /// fail: all that is reserved by then is taken back.
    Card {
        /// 0 to 100.
        fail_percent: u32,
    },
}

/// How a trip ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All of it stands.
    Succeeded,
    /// None of it does.
    Compensated,
}

/// One test card that pays and one that is declined, as the edge hands them on.
#[derive(Debug, Clone)]
pub(crate) struct Cards {
    pub(crate) pays: CardToken,
    pub(crate) declined: CardToken,
}

impl Course {
    /// Name in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unpaid => "trips",
            Self::SoldOut => "trips:sold-out",
            Self::Points => "trips:points",
            Self::Card { .. } => "trips:card",
        }
    }

    /// Name of a database for it.
    pub(crate) fn database(self, clients: u32) -> String {
        let share = self.fail_percent().map(|percent| format!("_{percent}")).unwrap_or_default();
        format!("{}{share}_{clients}", self.name().replace([':', '-'], "_"))
    }

    /// How many of a hundred are declined, where trips differ in nothing else.
    pub(crate) const fn fail_percent(self) -> Option<u32> {
        match self {
            Self::Card { fail_percent } => Some(fail_percent),
            Self::Unpaid | Self::SoldOut | Self::Points => None,
        }
    }

    /// What it is compared with: the course in which the same trips succeed, or are not paid; none of those.
    pub(crate) const fn beside(self) -> Option<Self> {
        match self {
            Self::SoldOut | Self::Points => Some(Self::Unpaid),
            Self::Card { fail_percent: 1.. } => Some(Self::Card { fail_percent: 0 }),
            Self::Unpaid | Self::Card { fail_percent: 0 } => None,
        }
    }

    /// What a trip of it may cost at most, in terms of one that it is compared with, and what that is called.
    pub(crate) const fn bound(self) -> (f64, &'static str) {
        match self {
            Self::Points => (POINTS_TIMES_MAX, "payment NONE"),
            Self::Unpaid | Self::SoldOut | Self::Card { .. } => (HAPPY_TIMES_MAX, "the happy path"),
        }
    }

    /// How the trip with this number ends. The failing ones lie evenly among the others.
    pub(crate) fn ending(self, number: u64) -> Ending {
        let fails = match self {
            Self::Unpaid | Self::Points => false,
            Self::SoldOut => true,
            Self::Card { fail_percent } => (number * u64::from(fail_percent)) % 100 < u64::from(fail_percent),
        };
        if fails { Ending::Compensated } else { Ending::Succeeded }
    }

    /// How the trip with this number is paid.
    pub(crate) fn payment(self, number: u64, cards: &Cards) -> PaymentPlan {
        match (self, self.ending(number)) {
            (Self::Unpaid | Self::SoldOut, _) => PaymentPlan::None,
            (Self::Points, _) => PaymentPlan::Points,
            (Self::Card { .. }, Ending::Succeeded) => PaymentPlan::Card(cards.pays.clone()),
            (Self::Card { .. }, Ending::Compensated) => PaymentPlan::Card(cards.declined.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Ending};

    #[test]
    fn so_many_of_any_hundred_trips_fail_as_the_row_says() {
        for fail_percent in [0, 1, 10, 33, 99, 100] {
            let course = Course::Card { fail_percent };
            for first in [0, 7, 1_000] {
                let failing = (first..first + 100).filter(|number| course.ending(*number) == Ending::Compensated);
                assert_eq!(failing.count(), fail_percent as usize, "{fail_percent} % from {first}");
            }
        }
    }

    #[test]
    fn failing_trips_are_compared_with_the_same_trips_that_succeed() {
        assert_eq!(Course::Card { fail_percent: 10 }.beside(), Some(Course::Card { fail_percent: 0 }));
        assert_eq!(Course::SoldOut.beside(), Some(Course::Unpaid));
        assert_eq!(Course::Card { fail_percent: 0 }.beside(), None);
        assert_eq!(Course::Points.beside(), Some(Course::Unpaid));
    }
}
