//! A payment with points: every phase, and what it makes of every command.

use super::{Payment, PaymentCommand, PaymentEvent, amount, cancel, repeated, request};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::points::{PointsOrder, PointsToRedeem};
use crate::testing::samples::{booking, card, day, member, pounds};
use crate::testing::{Story, given};
use crate::trip::{PaymentPlan, Step};

fn points() -> PointsToRedeem {
    PointsToRedeem { member: member(), points: 35_000, until: day("2025-12-24") }
}

fn plan() -> PaymentPlan {
    PaymentPlan::Redeem(points())
}

fn requested(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentRequested { attempt, plan: plan(), amount: amount(), call: None }
}

fn order(direction: Direction, attempt: u32) -> PointsOrder {
    PointsOrder { direction, attempt, points: points(), value: amount() }
}

/// The account is asked, for the request or the undo, whatever it is asked for.
fn asked(serves: Direction, attempt: u32, order: PointsOrder) -> PaymentEvent {
    PaymentEvent::PointsAsked { direction: serves, attempt, order }
}

fn said(direction: Direction, attempt: u32, outcome: Outcome) -> PaymentCommand {
    let answer = Answer { step: Step::Payment, direction, attempt, outcome };
    PaymentCommand::PointsAnswered { booking: booking(1), answer }
}

fn yes(attempt: u32) -> PaymentCommand {
    said(Direction::Request, attempt, Outcome::Done)
}

fn too_few() -> Failure {
    Failure::new(Code::InsufficientFunds, "The trip costs more points than there are.")
}

fn no(attempt: u32) -> PaymentCommand {
    said(Direction::Request, attempt, Outcome::Refused(too_few()))
}

fn given_back(attempt: u32) -> PaymentCommand {
    said(Direction::Undo, attempt, Outcome::Done)
}

fn completed(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentCompleted { attempt, amount: amount(), charge: None }
}

fn failed(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentFailed { attempt, failure: too_few() }
}

fn cancelled(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentCancelled { attempt, refunded: amount() }
}

fn paid() -> Story<Payment> {
    given(&[requested(1), completed(1)])
}

const REQUEST: Direction = Direction::Request;
const UNDO: Direction = Direction::Undo;

#[test]
fn points_are_asked_for_once_and_their_answer_completes_the_payment() {
    given::<Payment>(&[])
        .when(request(1, plan()))
        .then(&[requested(1)])
        .when(request(1, plan()))
        .then(&[])
        .when(yes(1))
        .then(&[completed(1)])
        .when(yes(1))
        .then(&[])
        .when(request(2, plan()))
        .then(&[repeated(REQUEST, 2, Outcome::Done)]);
}

#[test]
fn too_few_points_fail_the_payment_for_good() {
    given::<Payment>(&[requested(1)])
        .when(no(1))
        .then(&[failed(1)])
        .when(no(1))
        .then(&[])
        .when(request(2, plan()))
        .then(&[repeated(REQUEST, 2, Outcome::Refused(too_few()))])
        .when(cancel(1))
        .then(&[PaymentEvent::PaymentBarred { attempt: 1 }]);
}

#[test]
fn a_new_attempt_asks_the_account_anew_and_the_first_answer_serves_it() {
    let story = given::<Payment>(&[requested(1)])
        .when(request(2, plan()))
        .then(&[asked(REQUEST, 2, order(REQUEST, 2))])
        .when(request(2, plan()))
        .then(&[]);
    // What the account said to the first question comes late: it is the answer all the same.
    story.clone().when(yes(1)).then(&[completed(2)]).when(yes(2)).then(&[]);
    story.clone().when(no(1)).then(&[failed(2)]).when(no(2)).then(&[]);
    story.when(request(3, plan())).then(&[asked(REQUEST, 3, order(REQUEST, 3))]);
}

#[test]
fn cancelling_gives_the_points_back_and_says_how_much_they_had_paid() {
    paid()
        .when(cancel(1))
        .then(&[asked(UNDO, 1, order(UNDO, 1))])
        .when(cancel(1))
        .then(&[])
        .when(given_back(1))
        .then(&[cancelled(1)])
        .when(given_back(1))
        .then(&[])
        .when(cancel(2))
        .then(&[repeated(UNDO, 2, Outcome::Done)]);
}

#[test]
fn a_new_attempt_of_the_undo_asks_the_account_anew() {
    let story = paid().when(cancel(1)).when(cancel(4)).then(&[asked(UNDO, 4, order(UNDO, 2))]);
    story.clone().when(given_back(1)).then(&[cancelled(4)]).when(given_back(2)).then(&[]);
    story.when(cancel(5)).then(&[asked(UNDO, 5, order(UNDO, 3))]).when(given_back(3)).then(&[cancelled(5)]);
}

#[test]
fn an_undo_while_the_account_is_asked_waits_for_its_answer() {
    let waiting = || {
        given::<Payment>(&[requested(1)])
            .when(cancel(1))
            .then(&[PaymentEvent::UndoAwaited { attempt: 1 }])
            .when(cancel(1))
            .then(&[])
    };
    waiting()
        .when(yes(1))
        .then(&[completed(1), asked(UNDO, 1, order(UNDO, 1))])
        .when(given_back(1))
        .then(&[cancelled(1)]);
    let story = waiting()
        .when(no(1))
        .then(&[failed(1), PaymentEvent::PaymentBarred { attempt: 1 }])
        .when(cancel(2))
        .then(&[repeated(UNDO, 2, Outcome::Done)])
        .when(request(2, plan()));
    assert!(matches!(story.events(), [PaymentEvent::PaymentFailed { attempt: 2, .. }]), "never asked for again");
}

#[test]
fn an_undo_that_waits_too_long_has_the_account_asked_once_more() {
    let story = given::<Payment>(&[requested(1)])
        .when(cancel(1))
        .when(cancel(2))
        .then(&[asked(UNDO, 2, order(REQUEST, 2))])
        .when(cancel(2))
        .then(&[]);
    story.clone().when(yes(2)).then(&[completed(1), asked(UNDO, 2, order(UNDO, 1))]);
    story.clone().when(no(2)).then(&[failed(1), PaymentEvent::PaymentBarred { attempt: 2 }]);
    // A late retry of the request does not lose the undo that waits.
    story
        .when(request(2, plan()))
        .then(&[asked(REQUEST, 2, order(REQUEST, 3))])
        .when(yes(3))
        .then(&[completed(2), asked(UNDO, 2, order(UNDO, 1))]);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    let story = given::<Payment>(&[])
        .when(cancel(1))
        .then(&[PaymentEvent::PaymentBarred { attempt: 1 }])
        .when(request(1, plan()));
    let [PaymentEvent::PaymentFailed { attempt: 1, failure }] = story.events() else { panic!("{:?}", story.events()) };
    assert_eq!(failure.code, Code::Conflict);
}

#[test]
fn a_trip_that_costs_nothing_asks_nobody_however_it_is_paid() {
    for plan in [plan(), card(), PaymentPlan::None] {
        let command = |attempt| PaymentCommand::Request {
            booking: booking(1),
            attempt,
            plan: plan.clone(),
            amount: pounds(0),
            found: None,
        };
        let undo = PaymentCommand::Cancel { booking: booking(1), attempt: 1, amount: pounds(0), found: None };
        given::<Payment>(&[])
            .when(command(1))
            .then(&[
                PaymentEvent::PaymentRequested { attempt: 1, plan: PaymentPlan::None, amount: pounds(0), call: None },
                PaymentEvent::PaymentCompleted { attempt: 1, amount: pounds(0), charge: None },
            ])
            .when(command(1))
            .then(&[])
            .when(undo)
            .then(&[PaymentEvent::PaymentCancelled { attempt: 1, refunded: pounds(0) }]);
    }
}

/// What each phase makes of: the request again, a new attempt of it, a new attempt of the undo, a yes, a no, a word that points are back.
type Row = (&'static str, Vec<PaymentEvent>, [&'static [&'static str]; 6]);

fn table() -> Vec<Row> {
    let awaited = PaymentEvent::UndoAwaited { attempt: 1 };
    let giving_back = asked(UNDO, 1, order(UNDO, 1));
    let barred = PaymentEvent::PaymentBarred { attempt: 1 };
    vec![
        (
            "redeeming",
            vec![requested(1)],
            [&[], &["PointsAsked"], &["UndoAwaited"], &["PaymentCompleted"], &["PaymentFailed"], &[]],
        ),
        (
            "redeeming, an undo waits",
            vec![requested(1), awaited],
            [
                &[],
                &["PointsAsked"],
                &["PointsAsked"],
                &["PaymentCompleted", "PointsAsked"],
                &["PaymentFailed", "PaymentBarred"],
                &[],
            ],
        ),
        ("redeemed", vec![requested(1), completed(1)], [&[], &["AnswerRepeated"], &["PointsAsked"], &[], &[], &[]]),
        (
            "restoring",
            vec![requested(1), completed(1), giving_back.clone()],
            [&[], &["PaymentFailed"], &["PointsAsked"], &[], &[], &["PaymentCancelled"]],
        ),
        (
            "cancelled",
            vec![requested(1), completed(1), giving_back, cancelled(1)],
            [&[], &["PaymentFailed"], &["AnswerRepeated"], &[], &[], &[]],
        ),
        ("failed", vec![requested(1), failed(1)], [&[], &["AnswerRepeated"], &["PaymentBarred"], &[], &[], &[]]),
        (
            "barred",
            vec![requested(1), failed(1), barred],
            [&[], &["PaymentFailed"], &["AnswerRepeated"], &[], &[], &[]],
        ),
    ]
}

#[test]
fn every_phase_knows_what_to_make_of_every_command_and_writes_nothing_when_it_comes_again() {
    for (phase, happened, expected) in table() {
        let commands = [request(1, plan()), request(2, plan()), cancel(2), yes(1), no(1), given_back(1)];
        for (command, expected) in commands.into_iter().zip(expected) {
            let story = given::<Payment>(&happened).when(command.clone());
            let names: Vec<&str> = story.events().iter().map(PaymentEvent::name).collect();
            assert_eq!(names, expected, "{phase}: {command:?}");
            let again = story.when(command.clone());
            assert_eq!(again.events(), [], "{phase}: {command:?} again");
        }
    }
}
