//! Random histories: what travellers, members, participants, the gateway and time may do to a few trips.

use proptest::prelude::*;
use traveladvisor_domain::campaign::{Action, RewardTerms};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId};
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::{PaymentPlan, Step, TripPlan};
use uuid::Uuid;

use super::members::{TENTH, campaign, profile, reward_for};
use super::{House, card};

/// Trips of a random history.
pub(crate) const TRIPS: u128 = 3;

/// What happens next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Request(u128),
    Deliver(usize),
    Cancel(u128),
    Wake(u128),
    GatewaySays(fn() -> GatewayOutcome),
    GatewayIsSilent,
    NobodyHandles(Step, Direction),
    /// A member books one of the trips, paid in this way, with a voucher if there is one.
    RequestAs(u128, usize, fn() -> PaymentPlan),
    Member(usize, Turn),
}

/// What a member does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turn {
    SignUp,
    Move,
    GetPoints(u64),
    Leave,
}

/// Members of a random history, by their number.
const MEMBERS: [&str; 2] = ["ada", "bob"];
/// Points at sign-up: enough for one trip.
const WELCOME: u64 = 100_000;

/// Anything that can happen, in the proportions of a bad day.
pub(crate) fn act() -> impl Strategy<Value = Act> {
    let step = prop_oneof![Just(Step::Hotel), Just(Step::Flight), Just(Step::Car), Just(Step::Payment)];
    let direction = prop_oneof![Just(Direction::Request), Just(Direction::Undo)];
    prop_oneof![
        3 => (1..=TRIPS).prop_map(Act::Request),
        8 => (1_usize..9).prop_map(Act::Deliver),
        2 => (1..=TRIPS).prop_map(Act::Cancel),
        3 => (1..=TRIPS).prop_map(Act::Wake),
        1 => prop_oneof![Just(refused as fn() -> GatewayOutcome), Just(faulted as fn() -> GatewayOutcome)]
            .prop_map(Act::GatewaySays),
        1 => Just(Act::GatewayIsSilent),
        1 => (step, direction).prop_map(|(step, direction)| Act::NobodyHandles(step, direction)),
        5 => (1..=TRIPS, 0..MEMBERS.len(), prop_oneof![2 => Just(points as fn() -> PaymentPlan), 1 => Just(card as _)])
            .prop_map(|(number, member, payment)| Act::RequestAs(number, member, payment)),
        4 => (0..MEMBERS.len(), turn()).prop_map(|(member, turn)| Act::Member(member, turn)),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => Just(Turn::SignUp),
        1 => Just(Turn::Move),
        2 => (1_u64..200_000).prop_map(Turn::GetPoints),
        1 => Just(Turn::Leave),
    ]
}

const fn points() -> PaymentPlan {
    PaymentPlan::Points
}

fn refused() -> GatewayOutcome {
    GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "The card was declined: use another one."))
}

fn faulted() -> GatewayOutcome {
    GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway did not answer."))
}

/// Lets it happen; what cannot happen yet does not.
pub(crate) async fn carry_out(house: &mut House, plan: &TripPlan, act: Act) {
    match act {
        Act::Request(number) => drop(house.request(number, "ada", "ada@example.org", plan.clone()).await),
        Act::Deliver(count) => {
            for _ in 0..count {
                house.deliver_one().await;
            }
        }
        Act::Cancel(number) if is_asked(house, number).await => house.cancel(trip(number)).await,
        Act::Wake(number) if is_asked(house, number).await => house.wake(trip(number)).await,
        Act::Cancel(_) | Act::Wake(_) => {}
        Act::GatewaySays(outcome) => house.gateway.push_back(outcome()),
        Act::GatewayIsSilent => house.silent += 1,
        Act::NobodyHandles(step, direction) => *house.faults.entry((step, direction)).or_default() += 1,
        Act::RequestAs(number, member, payment) => {
            let identity = MEMBERS[member];
            let voucher = reward_for(referral(), MemberId::of(MEMBERS[1 - member]));
            let plan = TripPlan { payment: payment(), ..plan.clone() };
            let plan = house.booked_by(&plan, MemberId::of(identity), Some(voucher));
            house.request(number, identity, "ada@example.org", plan).await;
        }
        Act::Member(member, turn) => take_turn(house, MEMBERS[member], MEMBERS[1 - member], turn).await,
    }
}

/// What is not allowed is refused, and leaves nothing.
async fn take_turn(house: &mut House, identity: &str, other: &str, turn: Turn) {
    let member = MemberId::of(identity);
    match turn {
        Turn::SignUp => {
            house.list_campaign(campaign("WELCOME", Action::Signup, RewardTerms::Point(WELCOME))).await;
            house.list_campaign(campaign("REFERRAL", Action::Referral, RewardTerms::Voucher(TENTH))).await;
            let profile = profile(&format!("{identity}@example.org"));
            for referrer in [Some(MemberId::of(other)), None] {
                let (identity, profile) = (identity.to_owned(), profile.clone());
                house.ask(&Together::SignUp { identity, profile, referrer }).await;
            }
        }
        Turn::Move => _ = house.change_email(member, &format!("{identity}@elsewhere.example")).await,
        Turn::GetPoints(points) => _ = house.give_points(member, points).await,
        Turn::Leave => _ = house.close(member).await,
    }
}

fn referral() -> CampaignId {
    CampaignId::of("own", "REFERRAL")
}

/// One of the trips.
pub(crate) fn trip(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(number))
}

async fn is_asked(house: &House, number: u128) -> bool {
    !house.log.read_stream(trip(number).stream(), 0).await.expect("readable").is_empty()
}
