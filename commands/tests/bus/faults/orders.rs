//! Messages overtake each other, come twice, or come when nobody waits for them any more.

use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::bus::Outbox;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::testing::{broker, chaos};

use crate::bus::courier::Courier;
use crate::bus::{ALL_END, Cluster};
use crate::timers::SetForward;

/// Trips of each part of a test.
const TRIPS: usize = 20;
/// Trips whose request comes when it is too late.
const LATE: usize = 3;
/// Longer than any step is waited for.
const BEYOND_DEADLINES: TimeDelta = TimeDelta::minutes(30);
/// What is asked of hotels.
const REQUESTS: &str = "booking_request_flow.booking.hotel.request_booking";

/// A cluster whose messages a courier carries.
async fn carried(seed: u64) -> (Cluster, Courier, std::sync::Arc<SetForward>) {
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    let clock = SetForward::new();
    cluster.outbox = Outbox::Table;
    cluster.clock = clock.clone();
    let courier = Courier::begin(&cluster, seed, Box::new(|_| {}));
    (cluster.with_plenty().await, courier, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_overtake_each_other_and_come_twice_lead_to_the_same_end() {
    for seed in 1..=u64::from(chaos()) {
        let (mut cluster, courier, _) = carried(seed).await;
        cluster.book_some("shuffled", TRIPS).await;
        let mut cancelled = Vec::new();
        for number in 0..TRIPS / 4 {
            let booking = cluster.book(&format!("cancelled {number}"), PaymentPlan::None).await.expect("accepted");
            let command = CallerCommand::CancelBooking { booking, reason: None };
            cluster.submit(Context::Booking, command).await.expect("it can be cancelled");
            cancelled.push(booking);
        }
        let verdict = cluster.judged(TRIPS + cancelled.len()).await;
        assert_eq!(verdict.cancelled, TRIPS / 5 + cancelled.len());
        cluster.no_letters().await;
        courier.end().await;
        cluster.stop().await;
    }
}

/// The undo of a request overtakes it: the hotel remembers that, and refuses the request when it comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_after_its_undo_is_refused_and_holds_no_room() {
    let (mut cluster, courier, clock) = carried(7).await;
    courier.hold(Some(REQUESTS));
    let mut late = Vec::new();
    for number in 0..LATE {
        late.push(cluster.book(&number.to_string(), PaymentPlan::None).await.expect("accepted"));
    }
    clock.by(BEYOND_DEADLINES);
    for booking in &late {
        cluster.until(*booking, &["SagaCompensated"]).await;
        assert!(cluster.story(Context::Hotel, *booking).await.iter().any(|event| event == "ReservationBarred"));
    }
    courier.hold(None);
    for booking in &late {
        let refused = async {
            while cluster.story(Context::Hotel, *booking).await.len() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(ALL_END, refused).await.expect("the late request is answered");
    }
    let verdict = cluster.judged(LATE).await;
    assert_eq!(verdict.cancelled, LATE);
    cluster.no_letters().await;
    courier.end().await;
    cluster.stop().await;
}
