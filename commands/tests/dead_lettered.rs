//! Whatever message cannot be handled becomes a dead letter, and its trip comes to its end all the same: asked again, told of, or brought
//! once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::PaymentCommand;
use traveladvisor_domain::trip::{PaymentPlan, Step};
use traveladvisor_domain::trip_saga::TripSagaCommand;

use crate::crowd::AT_LAST;
use crate::support::{World, card, count};
use crate::timers::SetForward;

/// How long the program's clock is set forward at once: no deadline is jumped over by much.
const SET_FORWARD_BY: TimeDelta = TimeDelta::seconds(60);

/// What may come after the end of a trip: answers that are repeated, and points, on which no saga waits.
const BESIDE: [&str; 5] = ["AnswerRepeated", "MessageDeadLettered", "PointsEarned", "PointsReversed", "EarningBarred"];

/// A trip of which one kind of message cannot be handled.
struct Case {
    payment: PaymentPlan,
    /// The traveller cancels once everything stands.
    cancels: bool,
    guilty: fn(&Command) -> bool,
    /// A program that can handle it is started once the letter is written; else it is never handled before the trip has ended.
    heals: bool,
    ends: &'static str,
}

impl Case {
    const fn paid(payment: PaymentPlan, guilty: fn(&Command) -> bool, ends: &'static str) -> Self {
        Self { payment, cancels: false, guilty, heals: false, ends }
    }

    const fn cancelled(guilty: fn(&Command) -> bool) -> Self {
        Self { payment: PaymentPlan::None, cancels: true, guilty, heals: false, ends: "SagaCompensated" }
    }

    fn that_heals(self) -> Self {
        Self { heals: true, ..self }
    }

    async fn comes_to_its_end(self) {
        let healed = Arc::new(AtomicBool::new(false));
        let faults = {
            let (healed, guilty) = (healed.clone(), self.guilty);
            Faults::default().panic_when(move |_, command| !healed.load(Ordering::Relaxed) && guilty(command))
        };
        let mut world = World::begin(Delivery::Elsewhere).await;
        let clock = SetForward::new();
        let ports = Ports { clock: clock.clone(), ..world.next_ports() };
        world.restart_with(ports, Delivery::Here, faults).await;
        let booking = world.book("k1", self.payment.clone()).await.expect("accepted");
        if self.cancels {
            world.until(booking, &["SagaSucceeded"]).await;
            let cancel = CallerCommand::CancelBooking { booking, reason: None };
            world.submit(cancel, None).await.expect("recorded");
        }
        until_set_aside(&world).await;
        healed.store(self.heals, Ordering::Relaxed);
        until_ended(&world, &clock, (booking, self.ends)).await;
        // What nobody has asked for again comes by itself, as soon as it can be handled, and changes nothing more.
        healed.store(true, Ordering::Relaxed);
        until_nothing_waits(&world, &clock).await;
        let ended = |name: &&String| ["SagaSucceeded", "SagaCompensated"].contains(&name.as_str());
        let endings = world.story(booking).await.iter().filter(ended).count();
        assert_eq!(endings, 1 + usize::from(self.cancels));
        assert_eq!(kept(&world).await, i64::from(self.ends == "SagaSucceeded" && self.payment != PaymentPlan::None));
    }
}

pub(crate) async fn until_set_aside(world: &World) {
    let set_aside = async {
        while count(&world.events().await, StreamKind::DeadLetter, "MessageDeadLettered") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, set_aside).await.expect("it is set aside");
}

pub(crate) async fn until_ended(world: &World, clock: &SetForward, (booking, ends): (BookingId, &str)) {
    let ended = async {
        loop {
            let story = world.story(booking).await;
            let last = story.iter().rfind(|name| !BESIDE.contains(&name.as_str()));
            if last.is_some_and(|name| name == ends) {
                return;
            }
            clock.by(SET_FORWARD_BY);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let in_time = tokio::time::timeout(AT_LAST, ended).await.is_ok();
    assert!(in_time, "it never came to {ends}: {:?}", world.story(booking).await);
}

pub(crate) async fn until_nothing_waits(world: &World, clock: &SetForward) {
    let nothing = async {
        while world.log.next_wakeup().await.expect("read").is_some() {
            clock.by(SET_FORWARD_BY);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(AT_LAST, nothing).await.expect("no timer is left");
}

/// Charges that were not given back.
async fn kept(world: &World) -> i64 {
    let sql = "SELECT count(*) FILTER (WHERE kind = 'charge') - count(*) FILTER (WHERE kind = 'refund') \
                 FROM sandbox_gateway_calls WHERE outcome = 'done'";
    sqlx::query_scalar(sql).fetch_one(world.log.pool()).await.expect("the ledger is read")
}

fn is_answer(command: &Command, of: (Step, Direction)) -> bool {
    matches!(command, Command::TripSaga(TripSagaCommand::Answer { answer, .. })
        if (answer.step, answer.direction) == of && answer.attempt == 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_handled_is_asked_for_again() {
    let guilty = |command: &Command| matches!(command, Command::Hotel(HotelCommand::Reserve { attempt: 1, .. }));
    Case::paid(PaymentPlan::None, guilty, "SagaSucceeded").comes_to_its_end().await;
    let guilty = |command: &Command| matches!(command, Command::Payment(PaymentCommand::Request { attempt: 1, .. }));
    Case::paid(card("approves"), guilty, "SagaSucceeded").comes_to_its_end().await;
    let guilty = |command: &Command| matches!(command, Command::Booking(BookingCommand::Approve { attempt: 1 }));
    Case::paid(card("approves"), guilty, "SagaSucceeded").comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_handled_is_given_again_or_what_it_told_of_is_given_back() {
    let guilty = |command: &Command| is_answer(command, (Step::Hotel, Direction::Request));
    Case::paid(PaymentPlan::None, guilty, "SagaCompensated").comes_to_its_end().await;
    let guilty = |command: &Command| is_answer(command, (Step::Payment, Direction::Request));
    Case::paid(card("approves"), guilty, "SagaSucceeded").comes_to_its_end().await;
    let guilty = |command: &Command| is_answer(command, (Step::Approve, Direction::Request));
    Case::paid(card("approves"), guilty, "SagaSucceeded").comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_or_its_answer_that_cannot_be_handled_is_asked_for_again() {
    let guilty = |command: &Command| matches!(command, Command::Hotel(HotelCommand::Release { attempt: 1, .. }));
    Case::cancelled(guilty).comes_to_its_end().await;
    let guilty = |command: &Command| is_answer(command, (Step::Hotel, Direction::Undo));
    Case::cancelled(guilty).comes_to_its_end().await;
    let guilty = |command: &Command| is_answer(command, (Step::Payment, Direction::Undo));
    Case { payment: card("approves"), ..Case::cancelled(guilty) }.comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_said_and_could_not_be_handled_is_asked_for_again() {
    let guilty = |command: &Command| matches!(command, Command::Payment(PaymentCommand::Settle { .. }));
    Case::paid(card("approves"), guilty, "SagaSucceeded").that_heals().comes_to_its_end().await;
    // Not even that its outcome is unknown can be told to the payment.
    let guilty = |command: &Command| {
        matches!(command, Command::Payment(PaymentCommand::Settle { .. } | PaymentCommand::LeaveUnknown { .. }))
    };
    Case::paid(card("approves"), guilty, "SagaSucceeded").that_heals().comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_could_not_be_handled_fires_again() {
    let guilty = |command: &Command| matches!(command, Command::TripSaga(TripSagaCommand::Wake { .. }));
    Case::paid(card("processing_error"), guilty, "SagaCompensated").that_heals().comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_or_a_cancellation_that_could_not_be_handled_comes_again_by_itself() {
    let guilty = |command: &Command| matches!(command, Command::TripSaga(TripSagaCommand::Start { .. }));
    Case::paid(card("approves"), guilty, "SagaSucceeded").that_heals().comes_to_its_end().await;
    let guilty = |command: &Command| matches!(command, Command::TripSaga(TripSagaCommand::Cancel { .. }));
    Case::cancelled(guilty).that_heals().comes_to_its_end().await;
}
