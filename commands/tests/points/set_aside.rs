//! Messages about points and vouchers that cannot be handled become dead letters and come again: nothing is lost, nothing moves twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::Action;
use traveladvisor_domain::id::RewardId;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::PaymentCommand;
use traveladvisor_domain::points_account::PointsAccountCommand;
use traveladvisor_domain::reward::RewardCommand;
use traveladvisor_domain::trip::PaymentPlan;

use super::{GIFT, balance, book_as, campaign, campaign_id, list, names, rich_member, ten_percent};
use crate::dead_lettered::{until_ended, until_nothing_waits, until_set_aside};
use crate::support::{World, card, trip};
use crate::timers::SetForward;

/// A trip with points or a voucher of which one kind of message cannot be handled at first.
struct Case {
    payment: PaymentPlan,
    voucher: bool,
    guilty: fn(&Command) -> bool,
    /// The traveller cancels once the trip stands, before the message is set aside.
    cancels: bool,
}

impl Case {
    async fn comes_to_its_end(self) {
        let healed = Arc::new(AtomicBool::new(false));
        let faults = {
            let (healed, guilty) = (healed.clone(), self.guilty);
            Faults::default().panic_when(move |_, command| !healed.load(Ordering::Relaxed) && guilty(command))
        };
        let mut world = World::begin(Delivery::Here).await;
        list(&world, campaign("TEN", Action::Signup, ten_percent())).await;
        let member = rich_member(&world, "pat").await;
        let clock = SetForward::new();
        let ports = Ports { clock: clock.clone(), ..world.next_ports() };
        world.restart_with(ports, Delivery::Here, faults).await;
        let voucher = RewardId::of(campaign_id("TEN"), &member.to_string());
        let wanted = TripRequest { voucher: self.voucher.then_some(voucher), ..trip(self.payment.clone()) };
        let booking = book_as(&world, "pat", wanted, "key").await;
        let cancel = CallerCommand::CancelBooking { booking, reason: None };
        if self.cancels {
            world.until(booking, &["SagaSucceeded"]).await;
            world.submit(cancel.clone(), None).await.expect("recorded");
        }
        until_set_aside(&world).await;
        healed.store(true, Ordering::Relaxed);
        if !self.cancels {
            until_ended(&world, &clock, (booking, "SagaSucceeded")).await;
            until_nothing_waits(&world, &clock).await;
            let total = if self.voucher { 30_600 } else { 34_000 };
            let (paid, brought) = if self.payment == PaymentPlan::Points { (total, 0) } else { (0, total / 100) };
            assert_eq!(balance(&world, member).await, GIFT - paid + brought, "{:?}", names(&world, member).await);
            world.submit(cancel, None).await.expect("recorded");
        }
        until_ended(&world, &clock, (booking, "SagaCompensated")).await;
        until_nothing_waits(&world, &clock).await;
        assert_eq!(balance(&world, member).await, GIFT, "{:?}", names(&world, member).await);
        let events = world.events().await;
        let of_voucher = |name: &str| {
            events.iter().filter(|event| event.stream == voucher.stream() && event.event_type == name).count()
        };
        assert_eq!(of_voucher("VoucherRedeemed"), usize::from(self.voucher));
        assert_eq!(of_voucher("VoucherReturned"), usize::from(self.voucher));
    }
}

fn is_order(command: &Command, direction: Direction) -> bool {
    matches!(command, Command::PointsAccount(PointsAccountCommand::Order { order, .. }) if order.direction == direction)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_payment_asks_of_an_account_and_could_not_be_handled_comes_again() {
    let asks = |guilty, cancels| Case { payment: PaymentPlan::Points, voucher: false, guilty, cancels };
    asks(|command| is_order(command, Direction::Request), false).comes_to_its_end().await;
    asks(|command| is_order(command, Direction::Undo), true).comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_answers_and_could_not_be_handled_comes_again() {
    let guilty = |command: &Command| matches!(command, Command::Payment(PaymentCommand::PointsAnswered { .. }));
    Case { payment: PaymentPlan::Points, voucher: false, guilty, cancels: false }.comes_to_its_end().await;
    let of_undo = |command: &Command| matches!(command, Command::Payment(PaymentCommand::PointsAnswered { answer, .. }) if answer.direction == Direction::Undo);
    Case { payment: PaymentPlan::Points, voucher: false, guilty: of_undo, cancels: true }.comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trip_brings_or_takes_back_and_could_not_be_handled_comes_again() {
    let brings =
        |command: &Command| matches!(command, Command::PointsAccount(PointsAccountCommand::EarnForBooking { .. }));
    Case { payment: card("approves"), voucher: false, guilty: brings, cancels: false }.comes_to_its_end().await;
    // The trip is cancelled before what it brings has come.
    Case { payment: card("approves"), voucher: false, guilty: brings, cancels: true }.comes_to_its_end().await;
    let takes = |command: &Command| matches!(command, Command::PointsAccount(PointsAccountCommand::Reverse { .. }));
    Case { payment: card("approves"), voucher: false, guilty: takes, cancels: true }.comes_to_its_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_that_could_not_be_asked_for_or_given_back_is_asked_again() {
    let uses = |command: &Command| matches!(command, Command::Reward(RewardCommand::Redeem { attempt: 1, .. }));
    Case { payment: PaymentPlan::Points, voucher: true, guilty: uses, cancels: false }.comes_to_its_end().await;
    let returns = |command: &Command| matches!(command, Command::Reward(RewardCommand::Return { attempt: 1, .. }));
    Case { payment: PaymentPlan::Points, voucher: true, guilty: returns, cancels: true }.comes_to_its_end().await;
}
