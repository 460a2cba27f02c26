//! What travellers ask of processes that may die before they answer: then the next one is asked, with the same key.

use std::collections::VecDeque;
use std::time::Duration;

use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::Action;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, MemberId, RewardId};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::fail_points;

use super::chain::Chain;
use crate::bus::Cluster;
use crate::points::{GIFT, address_of, asked_by, booked_by, campaign, campaign_id, grant, sign_up, ten_percent};
use crate::support::{card, request, trip};

/// Who books everything: a member.
const MEMBER: &str = "pat";
/// Vouchers of that member, in turn: every trip with one is cancelled, which brings it back long before its next turn.
const VOUCHERS: usize = 20;
/// What is booked in turn: how it is paid, and whether it is cancelled later.
const WISHES: [(&str, bool); 8] = [
    ("none", false),
    ("approves", false),
    ("declines", false),
    ("points", false),
    ("voucher", true),
    ("none", true),
    ("approves", true),
    ("points", true),
];
/// Trips after which everything has been asked for.
pub(super) const TRIPS: usize = 2 * WISHES.len();
/// How many trips are booked before one is cancelled, so that some stand by then and some are under way.
const LATER: usize = 3;

/// Pause before the same is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// The member with points and vouchers.
pub(super) async fn invite(cluster: &Cluster) {
    let member = MemberId::of(MEMBER);
    let given = Together::GivePoints { member, points: 100 * GIFT, reason: "for all trips".into() };
    let listed = Together::ListCampaign(campaign("TEN", Action::Review, ten_percent()));
    let mut asked = vec![
        sign_up(MEMBER, &address_of(MEMBER), "sign up"),
        asked_by("operator", given, Some("points")),
        asked_by("operator", listed, None),
    ];
    asked.extend((0..VOUCHERS).map(|number| {
        let cause = number.to_string();
        asked_by("operator", grant(member, "TEN", &cause), Some(&cause))
    }));
    for asked in asked {
        cluster.engine(Context::Member).submit(asked).await.expect("accepted");
    }
}

/// What travellers have asked for so far.
#[derive(Default)]
pub(super) struct Travellers {
    trips: usize,
    vouchers: usize,
    /// Asked for and not answered yet.
    open: Option<String>,
    /// Which trips are to be cancelled later.
    regretted: VecDeque<(usize, String)>,
}

impl Travellers {
    /// Trips that were accepted.
    pub(super) fn booked(&self) -> usize {
        self.trips
    }

    /// Books the next trip or cancels a former one; nothing when the process has died of it.
    pub(super) async fn go_on(&mut self, process: &mut Chain<'_>) -> Option<()> {
        if self.regretted.front().is_some_and(|(number, _)| number + LATER <= self.trips) {
            return self.cancel(process).await;
        }
        self.book(process).await
    }

    /// Books the next trip; nothing when the process has died of it.
    pub(super) async fn book(&mut self, process: &mut Chain<'_>) -> Option<()> {
        let order = self.open.take().unwrap_or_else(|| self.next());
        self.open = Some(order.clone());
        let answer = process.ask(&order).await?;
        let Some(booking) = taken(&order, &answer).await else { return Some(()) };
        self.open = None;
        if WISHES[self.trips % WISHES.len()].1 {
            self.regretted.push_back((self.trips, booking.to_owned()));
        }
        self.trips += 1;
        Some(())
    }

    fn next(&mut self) -> String {
        let (payment, _) = WISHES[self.trips % WISHES.len()];
        if payment != "voucher" {
            return format!("book {} {payment}", self.trips);
        }
        self.vouchers += 1;
        format!("book {} {}", self.trips, self.vouchers % VOUCHERS)
    }

    async fn cancel(&mut self, process: &mut Chain<'_>) -> Option<()> {
        let Some((_, booking)) = self.regretted.front() else { return Some(()) };
        let order = format!("cancel {booking}");
        let answer = process.ask(&order).await?;
        if taken(&order, &answer).await.is_some() {
            self.regretted.pop_front();
        }
        Some(())
    }

    pub(super) async fn cancel_what_is_left(&mut self, process: &mut Chain<'_>) {
        while !self.regretted.is_empty() {
            self.cancel(process).await.expect("it lives");
        }
    }
}

/// Which booking it is about; nothing when it is to be asked again, a little later.
async fn taken<'a>(order: &str, answer: &'a str) -> Option<&'a str> {
    match answer.split_once(' ') {
        Some(("taken", booking)) => Some(booking),
        Some(("again", _)) => {
            tokio::time::sleep(AGAIN).await;
            None
        }
        _ => panic!("{order}: {answer}"),
    }
}

/// Does what was asked: in the process that may die of it.
pub(in crate::bus) async fn obey(engine: &Engine, order: &str) -> String {
    let asked = match order.split(' ').collect::<Vec<_>>()[..] {
        ["book", key, payment] => booked_by(MEMBER, wanted(payment), key),
        ["cancel", booking] => {
            let booking = booking.parse().expect("a booking");
            request(CallerCommand::CancelBooking { booking, reason: None }, None)
        }
        ["passes"] => {
            let passes = fail_points::passes();
            let passes: Vec<_> = passes.iter().map(|(point, times)| format!("{}={times}", point.as_str())).collect();
            return passes.join(" ");
        }
        _ => panic!("what is {order}?"),
    };
    match engine.submit(asked).await {
        Ok(receipt) => format!("taken {}", BookingId(receipt.subject.uuid)),
        Err(refused) if passes(refused.code) => format!("again {:?}", refused.code),
        Err(refused) => format!("refused {refused:?}"),
    }
}

fn wanted(payment: &str) -> TripRequest {
    match payment {
        "none" => trip(PaymentPlan::None),
        "points" => trip(PaymentPlan::Points),
        "approves" | "declines" => trip(card(payment)),
        cause => TripRequest { voucher: Some(RewardId::of(campaign_id("TEN"), cause)), ..trip(PaymentPlan::None) },
    }
}

/// A process that has just begun does not know all supply and members yet.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Conflict
            | Code::Overloaded
            | Code::Unavailable
            | Code::PaymentMethodUnavailable
            | Code::VoucherNotApplicable
    )
}
