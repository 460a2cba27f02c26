//! The saga's sentences: what happened, why, what happens next and when; and apart from them, what an operator can do and has said.

use chrono::{DateTime, Utc};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::message::{Direction, Instruction, Order, Outcome};
use traveladvisor_domain::trip::{PaymentPlan, Step};
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::{Verb, Waiting};

use super::{capital, instant, thing, why};

/// A step and whether it is asked for or taken back.
type Work = (Step, Direction);

pub(super) fn of_saga(event: &TripSagaEvent) -> String {
    match event {
        TripSagaEvent::SagaStarted { sends, .. } => format!("Work on the trip began: {}.", next(sends)),
        TripSagaEvent::StepSucceeded { step, sends, .. } => {
            format!("{} is done: {}.", capital(thing(*step)), next(sends))
        }
        TripSagaEvent::StepRefused { step, failure, sends, .. } => {
            format!("{} failed: {} So {}.", capital(thing(*step)), why(failure), next(sends))
        }
        TripSagaEvent::StepFaulted { step, attempt, failure, retry_at, in_doubt } => {
            let doubt = if *in_doubt { DOUBT } else { "" };
            faulted((*step, Direction::Request), *attempt, failure) + doubt + &again_at(*retry_at)
        }
        TripSagaEvent::UndoFaulted { step, attempt, failure, retry_at } => {
            faulted((*step, Direction::Undo), *attempt, failure) + &again_at(*retry_at)
        }
        TripSagaEvent::StepRetried { sends, .. } | TripSagaEvent::UndoRetried { sends, .. } => retried(sends),
        TripSagaEvent::CancellationNoted { sends: Some(sends) } => {
            format!("The cancellation was taken up: {}.", next(sends))
        }
        TripSagaEvent::CancellationNoted { sends: None } => {
            "The cancellation was taken up; an outstanding answer is awaited first.".to_owned()
        }
        TripSagaEvent::UndoSucceeded { step, sends, .. } => {
            format!("{} is taken back: {}.", capital(thing(*step)), next(sends))
        }
        TripSagaEvent::StepTimedOut { step, sends, .. } => {
            format!("{} did not answer in time and may stand, so {}.", capital(thing(*step)), next(sends))
        }
        TripSagaEvent::LateAnswerNoted { step, outcome, .. } => late(*step, outcome),
        TripSagaEvent::AttentionNeeded { step, direction, attempt, failure, retry_at, in_doubt, .. } => {
            let doubt = if *in_doubt { DOUBT } else { "" };
            attention((*step, *direction), *attempt, failure) + doubt + &again_at(*retry_at)
        }
        TripSagaEvent::Resolved { verb, step, direction, sends, .. } => resolved(*verb, (*step, *direction), sends),
        TripSagaEvent::SagaSucceeded => "Everything stands.".to_owned(),
        TripSagaEvent::SagaCompensated { failure: None } => "Everything is taken back.".to_owned(),
        TripSagaEvent::SagaCompensated { failure: Some(failed) } => {
            format!("Everything is taken back, because {} failed ({}).", thing(failed.step), failed.failure.code)
        }
        TripSagaEvent::SagaFailed { given_up, .. } => failed(given_up),
    }
}

/// What only operators read of an event: what they can do; who decided, and why, in their own words.
pub(in crate::booking) fn signed(event: &TripSagaEvent) -> Option<String> {
    match event {
        TripSagaEvent::Resolved { actor, reason, .. } => {
            // Postgres cannot store U+0000.
            Some(format!("{actor} says: “{reason}”").replace('\0', ""))
        }
        TripSagaEvent::AttentionNeeded { step, direction, .. } => {
            Some(format!("Meanwhile an operator can {}.", verbs((*step, *direction))))
        }
        _ => None,
    }
}

const DOUBT: &str = " It may have happened all the same.";

fn again_at(retry_at: DateTime<Utc>) -> String {
    format!(" It is tried again at {}.", instant(retry_at))
}

fn faulted(work: Work, attempt: u32, failure: &Failure) -> String {
    format!("Try {attempt} of {} met a fault: {}", asked(work), why(failure))
}

fn retried(sends: &Instruction) -> String {
    let what = asked((sends.order.step(), sends.direction));
    let awaited =
        sends.answer_by.map_or_else(String::new, |by| format!("; its answer is awaited until {}", instant(by)));
    format!("Try {} of {what} began{awaited}.", sends.attempt)
}

fn late(step: Step, outcome: &Outcome) -> String {
    let what = match outcome {
        Outcome::Done => "it was done",
        Outcome::Refused(_) => "it was refused",
        Outcome::Faulted(_) => "nothing had happened",
        Outcome::Unknown(_) => "nobody can tell what came of it",
    };
    format!("{} answered late: {what}. Nothing is to be done: its undo settles that.", capital(thing(step)))
}

fn attention(work: Work, attempt: u32, failure: &Failure) -> String {
    let times = if attempt == 1 { "once".to_owned() } else { format!("{attempt} times") };
    format!("An operator is needed: {} has failed {times}, last because: {}", asked(work), why(failure))
}

/// What the process manager takes from an operator for a step that waits for its next try.
fn verbs((step, direction): Work) -> String {
    let named = |verb| match verb {
        Verb::Retry => "retry",
        Verb::MarkDone => "mark it as done with evidence",
        Verb::MarkUndone => "mark it as undone with evidence",
        Verb::GiveUp => "give it up",
    };
    let waiting = Waiting { step, direction, for_answer: false, is_called: true };
    let verbs: Vec<&str> = waiting.verbs().map(named).collect();
    verbs.join(" or ")
}

fn asked((step, direction): Work) -> String {
    match direction {
        Direction::Request => format!("asking for {}", thing(step)),
        Direction::Undo => format!("taking back {}", thing(step)),
    }
}

fn resolved(verb: Verb, work: Work, sends: &Instruction) -> String {
    let (what, thing, next) = (asked(work), thing(work.0), next(sends));
    match verb {
        Verb::Retry => format!("An operator had {what} tried again: {next}."),
        Verb::MarkDone => format!("An operator marked {thing} as done, with evidence: the trip goes on with it."),
        Verb::MarkUndone => format!("An operator marked {thing} as undone, with evidence: {next}."),
        Verb::GiveUp => format!("An operator gave up {what}, which is left as it is: {next}."),
    }
}

fn failed(given_up: &[Step]) -> String {
    let left: Vec<&str> = given_up.iter().map(|step| thing(*step)).collect();
    let (left, was) = (left.join(" and "), if given_up.len() == 1 { "was" } else { "were" });
    format!("The trip has failed: {left} {was} given up and left as it is; all else is taken back. It ends here.")
}

/// What the saga asks for next.
fn next(sends: &Instruction) -> &'static str {
    match (sends.direction, sends.order.step()) {
        (Direction::Request, Step::Voucher) => "the voucher is asked for",
        (Direction::Request, Step::Hotel) => "the rooms are asked for",
        (Direction::Request, Step::Flight) => "the seats are asked for",
        (Direction::Request, Step::Car) => "the car is asked for",
        (Direction::Request, Step::Payment) => "the payment is asked for",
        (Direction::Request, Step::Approve) => "the booking is to be approved",
        (Direction::Undo, Step::Voucher) => "the voucher is to be given back",
        (Direction::Undo, Step::Hotel) => "the rooms are to be given back",
        (Direction::Undo, Step::Flight) => "the seats are to be given back",
        (Direction::Undo, Step::Car) => "the car is to be given back",
        (Direction::Undo, Step::Payment) if is_with_points(&sends.order) => "the points are to be given back",
        (Direction::Undo, Step::Payment) => "the money is to be given back",
        (Direction::Undo, Step::Approve) => "the booking is to be cancelled",
    }
}

const fn is_with_points(order: &Order) -> bool {
    matches!(order, Order::Payment { plan: PaymentPlan::Redeem(_), .. })
}
