mod histories;

use super::{EarnedFor, PointsAccount, PointsAccountCommand, PointsAccountError, PointsAccountEvent};
use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::message::{Answer, Direction, Outcome};
use crate::occasion::Occasion;
use crate::points::{Earning, POINTS_MAX, PointsOrder, PointsToRedeem};
use crate::reservation::REMEMBERED_DAYS;
use crate::testing::samples::{NOW, booking, day, instant, member, pounds};
use crate::testing::{Story, at, given};
use crate::trip::Step;

const TODAY: &str = "2024-12-01";
/// The last day on which points of the sample trips may have to come back.
const UNTIL: &str = "2025-12-24";

fn gift() -> EarnedFor {
    EarnedFor::Operator { reason: "a gesture".into() }
}

fn earn(points: u64) -> PointsAccountCommand {
    PointsAccountCommand::Earn { points, earned_for: gift(), occasion: at(NOW) }
}

fn earned(points: u64) -> PointsAccountEvent {
    PointsAccountEvent::PointsEarned { points, earned_for: gift(), business_date: day(TODAY) }
}

fn to_redeem(points: u64) -> PointsToRedeem {
    PointsToRedeem { member: member(), points, until: day(UNTIL) }
}

/// What so many points pay: a penny each.
fn value(points: u64) -> crate::money::Money {
    pounds(points.try_into().expect("few"))
}

fn order(direction: Direction, trip: u128, attempt: u32, points: u64) -> PointsAccountCommand {
    order_at(NOW, direction, trip, attempt, points)
}

fn order_at(moment: &str, direction: Direction, trip: u128, attempt: u32, points: u64) -> PointsAccountCommand {
    let order = PointsOrder { direction, attempt, points: to_redeem(points), value: value(points) };
    PointsAccountCommand::Order { booking: booking(trip), order, occasion: at(moment) }
}

fn take(trip: u128, attempt: u32, points: u64) -> PointsAccountCommand {
    order(Direction::Request, trip, attempt, points)
}

fn give_back(trip: u128, attempt: u32, points: u64) -> PointsAccountCommand {
    order(Direction::Undo, trip, attempt, points)
}

fn redeemed(trip: u128, attempt: u32, points: u64) -> PointsAccountEvent {
    let (booking, value) = (booking(trip), value(points));
    let points = to_redeem(points);
    PointsAccountEvent::PointsRedeemed { booking, attempt, points, value, business_date: day(TODAY) }
}

fn restored(trip: u128, attempt: u32, points: u64) -> PointsAccountEvent {
    let (booking, value) = (booking(trip), value(points));
    PointsAccountEvent::PointsRestored { booking, attempt, points, value, business_date: day(TODAY) }
}

fn repeated(trip: u128, direction: Direction, attempt: u32, outcome: Outcome) -> PointsAccountEvent {
    let answer = Answer { step: Step::Payment, direction, attempt, outcome };
    PointsAccountEvent::AnswerRepeated { booking: booking(trip), answer, business_date: day(TODAY) }
}

fn reversed(trip: u128, points: u64, owed: u64) -> PointsAccountEvent {
    PointsAccountEvent::PointsReversed { booking: booking(trip), points, owed, business_date: day(TODAY) }
}

fn barred(trip: u128, attempt: u32, points: u64) -> PointsAccountEvent {
    let points = to_redeem(points);
    PointsAccountEvent::RedemptionBarred { booking: booking(trip), attempt, points, business_date: day(TODAY) }
}

fn earning(points: u64) -> Earning {
    Earning { member: member(), points, until: day(UNTIL) }
}

fn earn_for(trip: u128, points: u64) -> PointsAccountCommand {
    PointsAccountCommand::EarnForBooking { booking: booking(trip), earning: earning(points), occasion: at(NOW) }
}

fn earned_for(trip: u128, points: u64) -> PointsAccountEvent {
    let earned_for = EarnedFor::Booking { booking: booking(trip), until: day(UNTIL) };
    PointsAccountEvent::PointsEarned { points, earned_for, business_date: day(TODAY) }
}

fn reverse(trip: u128, points: u64) -> PointsAccountCommand {
    PointsAccountCommand::Reverse { booking: booking(trip), earning: earning(points), occasion: at(NOW) }
}

fn close() -> PointsAccountCommand {
    PointsAccountCommand::Close { occasion: at(NOW) }
}

fn holding(points: u64) -> Story<PointsAccount> {
    given(&[earned(points)])
}

/// The refusal that the last command led to.
fn refusal(story: &Story<PointsAccount>) -> (BookingId, u32, Failure) {
    match story.events() {
        [PointsAccountEvent::RedemptionRefused { booking, attempt, failure, .. }] => {
            (*booking, *attempt, failure.clone())
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn points_that_come_stand_in_the_account() {
    let story = given::<PointsAccount>(&[]).when(earn(300)).then(&[earned(300)]).when(earn(50)).then(&[earned(50)]);
    assert_eq!(story.state.balance(), 350);
}

#[test]
fn no_points_and_more_than_an_account_holds_are_refused_with_the_field_at_fault() {
    for (held, points) in [(0, 0), (0, POINTS_MAX + 1), (1, POINTS_MAX), (1, u64::MAX)] {
        let story = given::<PointsAccount>(&[earned(held)]).when(earn(points)).then_error(&PointsAccountError::Points);
        assert_eq!(story.state.balance(), held, "nothing comes");
    }
    let error = PointsAccountError::Points;
    assert_eq!((error.code(), error.field()), (Code::InvalidInput, "points"));
    given::<PointsAccount>(&[]).when(earn(POINTS_MAX)).then(&[earned(POINTS_MAX)]);
}

#[test]
fn a_trip_takes_points_once_for_all_deliveries_and_each_new_attempt_is_answered() {
    let story = holding(500)
        .when(take(1, 1, 200))
        .then(&[redeemed(1, 1, 200)])
        .when(take(1, 1, 200))
        .then(&[])
        .when(take(1, 2, 200))
        .then(&[repeated(1, Direction::Request, 2, Outcome::Done)])
        .when(take(1, 2, 200))
        .then(&[]);
    assert_eq!(story.state.balance(), 300);
}

#[test]
fn the_last_point_can_be_spent_and_not_one_more() {
    let story = holding(500).when(take(1, 1, 500)).then(&[redeemed(1, 1, 500)]);
    assert_eq!(story.state.balance(), 0);
    let story = story.when(take(2, 1, 1));
    let (trip, attempt, failure) = refusal(&story);
    assert_eq!((trip, attempt, failure.code), (booking(2), 1, Code::InsufficientFunds));
    assert_eq!(story.state.balance(), 0);
}

#[test]
fn points_that_come_too_late_do_not_change_a_refusal_and_serve_the_next_trip() {
    let story = holding(100).when(take(1, 1, 200));
    let (_, _, failure) = refusal(&story);
    assert_eq!(failure.code, Code::InsufficientFunds);
    story
        .when(earn(150))
        .then(&[earned(150)])
        .when(take(1, 1, 200))
        .then(&[])
        .when(take(1, 2, 200))
        .then(&[repeated(1, Direction::Request, 2, Outcome::Refused(failure))])
        .when(give_back(1, 1, 200))
        .then(&[barred(1, 1, 200)])
        .when(take(2, 1, 250))
        .then(&[redeemed(2, 1, 250)]);
}

#[test]
fn what_a_trip_was_paid_with_comes_back_once() {
    let story = holding(500)
        .when(take(1, 1, 200))
        .when(give_back(1, 1, 200))
        .then(&[restored(1, 1, 200)])
        .when(give_back(1, 1, 200))
        .then(&[])
        .when(give_back(1, 2, 200))
        .then(&[repeated(1, Direction::Undo, 2, Outcome::Done)]);
    assert_eq!(story.state.balance(), 500);
    let story = story.when(take(1, 2, 200));
    assert_eq!(refusal(&story).2.code, Code::Conflict, "what was cancelled is not paid any more");
    assert_eq!(story.state.balance(), 500);
}

#[test]
fn as_much_comes_back_as_was_taken_whatever_the_undo_says() {
    holding(500).when(take(1, 1, 200)).when(give_back(1, 1, 499)).then(&[restored(1, 1, 200)]);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    let story = given::<PointsAccount>(&[earned(500)])
        .when(give_back(1, 1, 200))
        .then(&[barred(1, 1, 200)])
        .when(give_back(1, 1, 200))
        .then(&[])
        .when(take(1, 1, 200));
    assert_eq!(refusal(&story).2.code, Code::Conflict);
    assert_eq!(story.state.balance(), 500);
}

#[test]
fn what_a_trip_brought_is_taken_back_once() {
    let story = holding(10)
        .when(earn_for(1, 40))
        .then(&[earned_for(1, 40)])
        .when(earn_for(1, 40))
        .then(&[])
        .when(reverse(1, 40))
        .then(&[reversed(1, 40, 0)])
        .when(reverse(1, 40))
        .then(&[])
        .when(earn_for(1, 40))
        .then(&[]);
    assert_eq!(story.state.balance(), 10);
}

#[test]
fn points_of_a_trip_that_was_cancelled_before_they_came_never_come() {
    let never = PointsAccountEvent::EarningBarred { booking: booking(1), until: day(UNTIL), business_date: day(TODAY) };
    let story =
        holding(10).when(reverse(1, 40)).then(&[never]).when(reverse(1, 40)).then(&[]).when(earn_for(1, 40)).then(&[]);
    assert_eq!(story.state.balance(), 10);
}

#[test]
fn what_was_earned_and_spent_is_owed_and_taken_from_whatever_comes_next() {
    let story = given::<PointsAccount>(&[])
        .when(earn_for(1, 40))
        .when(earn_for(2, 60))
        .when(take(3, 1, 90))
        // 10 are there: 30 of the first trip and all 60 of the second are owed.
        .when(reverse(1, 40))
        .then(&[reversed(1, 10, 30)])
        .when(reverse(2, 60))
        .then(&[reversed(2, 0, 60)])
        .when(reverse(2, 60))
        .then(&[])
        .when(earn(35))
        .then(&[earned(35), reversed(1, 30, 0), reversed(2, 5, 55)]);
    assert_eq!(story.state.balance(), 0);
    // What a trip was paid with is a credit like any other; what is more than owed stays.
    let story = story.when(give_back(3, 1, 90)).then(&[restored(3, 1, 90), reversed(2, 55, 0)]);
    assert_eq!(story.state.balance(), 35);
    story.when(earn(1)).then(&[earned(1)]);
}

#[test]
fn a_member_who_leaves_loses_the_points_and_gets_and_spends_none() {
    let expired = |points| PointsAccountEvent::AccountClosed { expired: points, business_date: day(TODAY) };
    let story = holding(500)
        .when(earn_for(1, 40))
        .when(take(2, 1, 200))
        .when(close())
        .then(&[expired(340)])
        .when(close())
        .then(&[])
        .when(earn_for(3, 40))
        .then(&[])
        .when(reverse(1, 40))
        .then(&[reversed(1, 0, 0)]);
    assert_eq!(story.state.balance(), 0);
    story.clone().when(earn(1)).then_error(&PointsAccountError::Closed);
    let error = PointsAccountError::Closed;
    assert_eq!((error.code(), error.field()), (Code::MemberClosed, "memberId"));
    let late = story.clone().when(take(4, 1, 1));
    assert_eq!(refusal(&late).2.code, Code::MemberClosed);
    // A trip under way is answered as ever: its payment waits for it. What comes back expires like the rest.
    let story = story.when(give_back(2, 1, 200)).then(&[restored(2, 1, 200), expired(200)]);
    assert_eq!(story.state.balance(), 0);
}

/// The day after the last on which the sample trips are remembered.
fn forgotten() -> Occasion {
    let days = chrono::TimeDelta::days(i64::try_from(REMEMBERED_DAYS).expect("few") + 1);
    Occasion { at: instant(&format!("{UNTIL}T12:00:00Z")) + days, entropy: 0 }
}

#[test]
fn what_is_forgotten_takes_and_brings_nothing_when_it_comes_again() {
    let occasion = forgotten();
    let today = occasion.at.date_naive();
    let moment = occasion.at.to_rfc3339();
    let story = holding(500)
        .when(take(1, 1, 200))
        .when(earn_for(2, 40))
        .when(PointsAccountCommand::Earn { points: 1, earned_for: gift(), occasion })
        .when(PointsAccountCommand::EarnForBooking { booking: booking(2), earning: earning(40), occasion })
        .then(&[])
        .when(PointsAccountCommand::Reverse { booking: booking(2), earning: earning(40), occasion })
        .then(&[]);
    assert!(story.state.redeemed.bookings.is_empty() && story.state.earned.is_empty(), "{:?}", story.state);
    let again = story.clone().when(order_at(&moment, Direction::Request, 1, 1, 200));
    assert_eq!(refusal(&again).2.code, Code::Past);
    assert_eq!(again.state.balance(), 341);
    let answer = Answer { step: Step::Payment, direction: Direction::Undo, attempt: 1, outcome: Outcome::Done };
    let answered = PointsAccountEvent::AnswerRepeated { booking: booking(1), answer, business_date: today };
    let again = story.when(order_at(&moment, Direction::Undo, 1, 1, 200)).then(&[answered]);
    assert_eq!(again.state.balance(), 341);
}
