mod points;

use super::{GatewayOutcome, Payment, PaymentCommand, PaymentEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Finding, GatewayCall, GatewayCallKind, Outcome};
use crate::money::Money;
use crate::testing::samples::{booking, card, pounds};
use crate::testing::{Story, given};
use crate::trip::{PaymentPlan, Step};

fn amount() -> Money {
    pounds(35_000)
}

fn request(attempt: u32, plan: PaymentPlan) -> PaymentCommand {
    PaymentCommand::Request { booking: booking(1), attempt, plan, amount: amount(), found: None }
}

fn cancel(attempt: u32) -> PaymentCommand {
    PaymentCommand::Cancel { booking: booking(1), attempt, amount: amount(), found: None }
}

fn charge(attempt: u32) -> GatewayCall {
    let key = format!("{}/charge/{attempt}", booking(1).payment());
    GatewayCall { key, attempt, token: "tok_1".into(), amount: amount(), kind: GatewayCallKind::Charge }
}

fn refund(attempt: u32) -> GatewayCall {
    let key = format!("{}/refund/{attempt}", booking(1).payment());
    let kind = GatewayCallKind::Refund { charge: "ch_1".into() };
    GatewayCall { key, attempt, token: "tok_1".into(), amount: amount(), kind }
}

fn settle(call: GatewayCall, outcome: GatewayOutcome) -> PaymentCommand {
    PaymentCommand::Settle { booking: booking(1), key: call.key, kind: call.kind, outcome }
}

fn done() -> GatewayOutcome {
    GatewayOutcome::Done { reference: "ch_1".into() }
}

fn declined() -> Failure {
    Failure::new(Code::PaymentDeclined, "The card was declined: use another one.")
}

fn away() -> Failure {
    Failure::new(Code::Unavailable, "The gateway is away.")
}

fn requested(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentRequested { attempt, plan: card(), amount: amount(), call: Some(charge(attempt)) }
}

fn completed(attempt: u32) -> PaymentEvent {
    PaymentEvent::PaymentCompleted { attempt, amount: amount(), charge: Some("ch_1".into()) }
}

fn repeated(direction: Direction, attempt: u32, outcome: Outcome) -> PaymentEvent {
    PaymentEvent::AnswerRepeated { answer: Answer { step: Step::Payment, direction, attempt, outcome } }
}

fn paid() -> Story<Payment> {
    given(&[requested(1), completed(1)])
}

#[test]
fn a_card_is_charged_once_for_all_deliveries() {
    given::<Payment>(&[])
        .when(request(1, card()))
        .then(&[requested(1)])
        .when(request(1, card()))
        .then(&[])
        .when(settle(charge(1), done()))
        .then(&[completed(1)])
        .when(settle(charge(1), done()))
        .then(&[])
        .when(request(1, card()))
        .then(&[])
        .when(request(2, card()))
        .then(&[repeated(Direction::Request, 2, Outcome::Done)]);
}

#[test]
fn payment_at_the_counter_completes_at_once_and_gives_nothing_back() {
    let (plan, amount) = (PaymentPlan::None, amount());
    given::<Payment>(&[])
        .when(request(1, PaymentPlan::None))
        .then(&[
            PaymentEvent::PaymentRequested { attempt: 1, plan, amount, call: None },
            PaymentEvent::PaymentCompleted { attempt: 1, amount, charge: None },
        ])
        .when(cancel(1))
        .then(&[PaymentEvent::PaymentCancelled { attempt: 1, refunded: pounds(0) }]);
}

#[test]
fn points_are_refused() {
    let story = given::<Payment>(&[]).when(request(1, PaymentPlan::Points));
    let codes: Vec<Code> = story
        .events()
        .iter()
        .filter_map(|event| match event {
            PaymentEvent::PaymentFailed { failure, .. } => Some(failure.code),
            _ => None,
        })
        .collect();
    assert_eq!(codes, [Code::PaymentMethodUnavailable]);
}

#[test]
fn a_declined_card_fails_for_good() {
    given::<Payment>(&[requested(1)])
        .when(settle(charge(1), GatewayOutcome::Refused(declined())))
        .then(&[PaymentEvent::PaymentFailed { attempt: 1, failure: declined() }])
        .when(request(2, card()))
        .then(&[repeated(Direction::Request, 2, Outcome::Refused(declined()))])
        .when(cancel(1))
        .then(&[PaymentEvent::PaymentBarred { attempt: 1 }]);
}

#[test]
fn after_a_fault_the_gateway_is_asked_again_with_a_new_key() {
    given::<Payment>(&[requested(1)])
        .when(settle(charge(1), GatewayOutcome::Faulted(away())))
        .then(&[PaymentEvent::PaymentFaulted { attempt: 1, failure: away() }])
        .when(request(2, card()))
        .then(&[requested(2)])
        // What is said late of the first call is not taken for the second.
        .when(settle(charge(1), done()))
        .then(&[])
        .when(settle(charge(2), done()))
        .then(&[completed(2)]);
}

fn asked_again(direction: Direction, attempt: u32, call: GatewayCall) -> PaymentEvent {
    PaymentEvent::OutcomeAsked { direction, attempt, call }
}

fn leave_unknown(call: GatewayCall) -> PaymentCommand {
    PaymentCommand::LeaveUnknown { key: call.key, failure: away() }
}

fn unknown(direction: Direction, attempt: u32) -> PaymentEvent {
    PaymentEvent::OutcomeUnknown { direction, attempt, failure: away() }
}

#[test]
fn one_call_is_in_flight_at_most_and_a_new_attempt_asks_for_its_outcome() {
    given::<Payment>(&[requested(1)])
        .when(request(2, card()))
        .then(&[asked_again(Direction::Request, 2, charge(1))])
        .when(request(2, card()))
        .then(&[])
        .when(settle(charge(1), done()))
        .then(&[completed(2)])
        .when(settle(charge(1), done()))
        .then(&[]);
}

#[test]
fn a_charge_that_stays_unknown_is_answered_so_once_and_looked_up_by_its_key() {
    let story = given::<Payment>(&[requested(1)])
        .when(leave_unknown(charge(1)))
        .then(&[unknown(Direction::Request, 1)])
        .when(leave_unknown(charge(1)))
        .then(&[])
        .when(request(2, card()))
        .then(&[asked_again(Direction::Request, 2, charge(1))])
        .when(leave_unknown(charge(1)))
        .then(&[unknown(Direction::Request, 2)]);
    // What is heard late counts all the same.
    story.clone().when(settle(charge(1), done())).then(&[completed(2)]);
    story
        .when(settle(charge(1), GatewayOutcome::Faulted(away())))
        .then(&[PaymentEvent::PaymentFaulted { attempt: 2, failure: away() }])
        .when(request(3, card()))
        .then(&[requested(3)]);
}

#[test]
fn a_refund_that_stays_unknown_is_looked_up_by_its_key_and_never_made_twice() {
    paid()
        .when(cancel(1))
        .when(leave_unknown(refund(1)))
        .then(&[unknown(Direction::Undo, 1)])
        .when(cancel(2))
        .then(&[asked_again(Direction::Undo, 2, refund(1))])
        .when(settle(refund(1), done()))
        .then(&[PaymentEvent::PaymentCancelled { attempt: 2, refunded: amount() }]);
}

#[test]
fn money_that_was_given_back_by_hand_is_not_given_back_again_though_no_undo_ever_came() {
    let found = Some(Finding::GivenBack);
    paid()
        .when(PaymentCommand::Cancel { booking: booking(1), attempt: 6, amount: amount(), found })
        .then(&[PaymentEvent::PaymentCancelled { attempt: 6, refunded: amount() }])
        .when(cancel(7))
        .then(&[repeated(Direction::Undo, 7, Outcome::Done)]);
}

#[test]
fn an_undo_that_waits_for_an_unknown_charge_has_it_asked_for() {
    given::<Payment>(&[requested(1)])
        .when(leave_unknown(charge(1)))
        .when(cancel(1))
        .then(&[PaymentEvent::UndoAwaited { attempt: 1 }, asked_again(Direction::Undo, 1, charge(1))])
        .when(leave_unknown(charge(1)))
        .then(&[unknown(Direction::Undo, 1)])
        .when(cancel(2))
        .then(&[asked_again(Direction::Undo, 2, charge(1))])
        .when(settle(charge(1), done()))
        .then(&[completed(1), PaymentEvent::RefundRequested { call: refund(2) }]);
}

#[test]
fn a_refund_carries_the_amount() {
    paid()
        .when(cancel(1))
        .then(&[PaymentEvent::RefundRequested { call: refund(1) }])
        .when(cancel(1))
        .then(&[])
        .when(settle(refund(1), done()))
        .then(&[PaymentEvent::PaymentCancelled { attempt: 1, refunded: amount() }])
        .when(settle(refund(1), done()))
        .then(&[])
        .when(cancel(2))
        .then(&[repeated(Direction::Undo, 2, Outcome::Done)]);
}

#[test]
fn a_refund_that_fails_in_whatever_way_is_tried_again_with_a_new_key() {
    for outcome in [GatewayOutcome::Faulted(away()), GatewayOutcome::Refused(away())] {
        paid()
            .when(cancel(1))
            .when(settle(refund(1), outcome))
            .then(&[PaymentEvent::RefundFaulted { attempt: 1, failure: away() }])
            .when(cancel(2))
            .then(&[PaymentEvent::RefundRequested { call: refund(2) }])
            .when(settle(refund(2), done()))
            .then(&[PaymentEvent::PaymentCancelled { attempt: 2, refunded: amount() }]);
    }
}

#[test]
fn an_undo_while_charging_waits_for_the_outcome() {
    let waiting = || {
        given::<Payment>(&[requested(1)])
            .when(cancel(1))
            .then(&[PaymentEvent::UndoAwaited { attempt: 1 }])
            .when(cancel(1))
            .then(&[])
    };
    waiting()
        .when(settle(charge(1), done()))
        .then(&[completed(1), PaymentEvent::RefundRequested { call: refund(1) }])
        .when(settle(refund(1), done()))
        .then(&[PaymentEvent::PaymentCancelled { attempt: 1, refunded: amount() }]);
    let barred = PaymentEvent::PaymentBarred { attempt: 1 };
    waiting()
        .when(settle(charge(1), GatewayOutcome::Refused(declined())))
        .then(&[PaymentEvent::PaymentFailed { attempt: 1, failure: declined() }, barred.clone()]);
    let story = waiting()
        .when(settle(charge(1), GatewayOutcome::Faulted(away())))
        .then(&[PaymentEvent::PaymentFaulted { attempt: 1, failure: away() }, barred])
        .when(request(2, card()));
    assert!(matches!(story.events(), [PaymentEvent::PaymentFailed { attempt: 2, .. }]), "never charged again");
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    let story = given::<Payment>(&[])
        .when(cancel(1))
        .then(&[PaymentEvent::PaymentBarred { attempt: 1 }])
        .when(cancel(1))
        .then(&[])
        .when(request(1, card()));
    let [PaymentEvent::PaymentFailed { attempt: 1, failure }] = story.events() else { panic!("{:?}", story.events()) };
    assert_eq!(failure.code, Code::Conflict);
    story.when(request(1, card())).then(&[]).when(cancel(2)).then(&[repeated(Direction::Undo, 2, Outcome::Done)]);
}

fn found(attempt: u32, found: Finding) -> PaymentCommand {
    let PaymentCommand::Request { booking, plan, amount, .. } = request(attempt, card()) else { panic!("a request") };
    PaymentCommand::Request { booking, attempt, plan, amount, found: Some(found) }
}

#[test]
fn evidence_is_taken_once() {
    let taken = || found(2, Finding::Taken { reference: "ch_by_hand".into() });
    let story = given::<Payment>(&[requested(1)]).when(leave_unknown(charge(1))).when(taken());
    assert!(matches!(story.events(), [PaymentEvent::PaymentCompleted { attempt: 2, .. }]));
    story.when(taken()).then(&[]);
}

#[test]
fn no_evidence_counts_against_a_call_that_is_in_flight() {
    // It may have left after the operator had looked: what came of it is asked for.
    given::<Payment>(&[requested(1)])
        .when(found(2, Finding::NotTaken))
        .then(&[asked_again(Direction::Request, 2, charge(1))])
        .when(settle(charge(1), done()))
        .then(&[completed(2)]);
    let given_back =
        PaymentCommand::Cancel { booking: booking(1), attempt: 2, amount: amount(), found: Some(Finding::GivenBack) };
    paid().when(cancel(1)).when(given_back).then(&[asked_again(Direction::Undo, 2, refund(1))]);
}
