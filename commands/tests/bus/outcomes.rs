//! What a trip comes to over a broker: as in one process, with a commit for every arrow.

use std::time::Duration;

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::audit::audit_of;
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::trip::PaymentPlan;

use super::Cluster;
use super::cluster::PARTITIONS;
use crate::support::{AT_LAST, card};

#[tokio::test]
async fn a_trip_stands_over_a_broker_or_all_of_it_is_taken_back() {
    let mut cluster = Cluster::begin().await;
    let stands = cluster.book("stands", PaymentPlan::None).await.expect("it is taken");
    let story = cluster.until(stands, &["SagaSucceeded"]).await;
    assert_eq!(
        story,
        [
            "BookingRequested",
            "SagaStarted",
            "StepSucceeded",
            "StepSucceeded",
            "StepSucceeded",
            "StepSucceeded",
            "BookingApproved",
            "SagaSucceeded"
        ]
    );
    assert_eq!(cluster.story(Context::Hotel, stands).await, ["RoomsReserved"]);
    let told = async {
        while cluster.engine(Context::Hotel).gauges().partitions().len() < 2 * PARTITIONS as usize {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(AT_LAST, told).await.expect("it tells of each partition of requests and undos");
    assert_eq!(cluster.story(Context::Payment, stands).await, ["PaymentRequested", "PaymentCompleted"]);
    // The only vehicle is taken.
    let fails = cluster.book("fails", PaymentPlan::None).await.expect("it is taken");
    cluster.until(fails, &["SagaCompensated"]).await;
    assert_eq!(cluster.story(Context::Hotel, fails).await, ["RoomsReserved", "RoomsReleased"]);
    assert_eq!(cluster.story(Context::Flight, fails).await, ["SeatsReserved", "SeatsReleased"]);
    assert_eq!(cluster.story(Context::Car, fails).await, ["VehicleRefused"]);
    let cancel = CallerCommand::CancelBooking { booking: stands, reason: None };
    cluster.submit(Context::Booking, cancel).await.expect("it can be cancelled");
    cluster.until(stands, &["SagaCompensated"]).await;
    assert_eq!(cluster.story(Context::Car, stands).await, ["VehicleReserved", "VehicleReleased"]);
    // What was given back can be booked again, this time by card.
    let paid = cluster.book("paid", card("approves")).await.expect("it is taken");
    cluster.until(paid, &["SagaSucceeded"]).await;
    cluster.stop().await;
    for (context, log) in &cluster.logs {
        let audit = audit_of(log, Contexts::NONE.and(*context), |_, _| {}).await.expect("the log is read");
        let nobody_asked = *context == Context::Member;
        assert!(audit.is_clean() && (nobody_asked || audit.abroad > 0), "{context}: {audit:#?}");
    }
}
