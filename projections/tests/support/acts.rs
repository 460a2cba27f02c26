//! Random histories: what travellers, participants, the gateway and time may do to a few trips.

use proptest::prelude::*;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::{Step, TripPlan};
use uuid::Uuid;

use super::House;

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
}

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
    ]
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
    }
}

/// One of the trips.
pub(crate) fn trip(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(number))
}

async fn is_asked(house: &House, number: u128) -> bool {
    !house.log.read_stream(trip(number).stream(), 0).await.expect("readable").is_empty()
}
