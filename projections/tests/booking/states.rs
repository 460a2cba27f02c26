//! The table of public states, row by row: what booking, saga and payment show after every event.

use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::{PaymentPlan, TripPlan};
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::Projectors;
use traveladvisor_projections::views::{BookingView, PartStatus, PaymentStatus};

use crate::support::{House, PLENTY, Supply, card};

/// A trip of three parts, asked for.
async fn asked(supply: Supply, payment: PaymentPlan) -> (House, BookingId, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(supply, payment).await;
    let (projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    (house, booking, projectors, reads)
}

async fn view(house: &House, reads: &Reads, booking: BookingId) -> BookingView {
    house.catch_up(reads).await;
    reads.booking(booking).await.expect("readable").expect("known")
}

/// Booking, saga and payment, as people read them.
async fn states(house: &House, reads: &Reads, booking: BookingId) -> [&'static str; 3] {
    let view = view(house, reads, booking).await;
    assert_eq!(reads.is_settled(booking).await, Ok(view.is_settled()), "asked without reading the trip");
    [view.status.as_str(), view.saga_status.as_str(), view.payment.status.as_str()]
}

/// What was shown after each event, changes only: (event, booking, saga).
fn course(view: &BookingView) -> Vec<(&str, &'static str, &'static str)> {
    let mut shown = Vec::new();
    for entry in &view.timeline {
        let (booking, saga) = (entry.status.as_str(), entry.saga_status.as_str());
        if shown.last().is_none_or(|(_, b, s)| (*b, *s) != (booking, saga)) {
            shown.push((entry.event_type.as_str(), booking, saga));
        }
    }
    shown
}

fn refusal() -> GatewayOutcome {
    GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "The card was declined: use another one."))
}

fn fault() -> GatewayOutcome {
    GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway did not answer."))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_trip_goes_through_its_parts() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.deliver_until("PaymentRequested").await;
    assert_eq!(states(&house, &reads, booking).await, ["CAR_BOOKED", "PROCESSING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["APPROVED", "SUCCEEDED", "COMPLETED"]);
    let view = view(&house, &reads, booking).await;
    assert!(view.is_settled());
    assert_eq!(
        course(&view),
        [
            ("BookingRequested", "PENDING", "STARTED"),
            ("RoomsReserved", "HOTEL_BOOKED", "PROCESSING"),
            ("SeatsReserved", "FLIGHT_BOOKED", "PROCESSING"),
            ("VehicleReserved", "CAR_BOOKED", "PROCESSING"),
            ("BookingApproved", "APPROVED", "PROCESSING"),
            ("SagaSucceeded", "APPROVED", "SUCCEEDED"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_car_gives_back_flight_and_hotel() {
    let (mut house, booking, _projectors, reads) = asked(Supply { vehicles: 0, ..PLENTY }, card()).await;
    house.deliver_until("StepRefused").await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
    let view = view(&house, &reads, booking).await;
    assert_eq!(
        course(&view)[3..],
        [
            ("StepRefused", "CANCELLING", "COMPENSATING"),
            ("SeatsReleased", "FLIGHT_CANCELLED", "COMPENSATING"),
            ("RoomsReleased", "HOTEL_CANCELLED", "COMPENSATING"),
            ("BookingCancelled", "CANCELLED", "COMPENSATING"),
            ("SagaCompensated", "CANCELLED", "COMPENSATED"),
        ]
    );
    let failure = view.failure.clone().expect("a failure");
    assert_eq!((failure.step.as_str(), failure.code), ("car", Code::SoldOut));
    let parts = [view.hotel.expect("hotel").status, view.flight.expect("flight").status];
    assert_eq!(parts, [PartStatus::Cancelled, PartStatus::Cancelled]);
    assert_eq!(view.car.expect("car").status, PartStatus::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_first_step_is_cancelled_too() {
    let (mut house, booking, _projectors, reads) = asked(Supply { rooms: 0, ..PLENTY }, PaymentPlan::None).await;
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
    let view = view(&house, &reads, booking).await;
    assert_eq!(
        course(&view),
        [
            ("BookingRequested", "PENDING", "STARTED"),
            ("StepRefused", "CANCELLING", "COMPENSATING"),
            ("BookingCancelled", "CANCELLED", "COMPENSATING"),
            ("SagaCompensated", "CANCELLED", "COMPENSATED"),
        ]
    );
    assert_eq!(view.flight.expect("flight").status, PartStatus::Cancelled, "what was never asked for is cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_fails_the_payment_at_once_and_for_good() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.gateway.push_back(refusal());
    house.deliver_until("StepRefused").await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "FAILED"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "FAILED"]);
    let view = view(&house, &reads, booking).await;
    assert_eq!(view.payment.failure_code, Some(Code::PaymentDeclined));
    let back: Vec<_> = course(&view).iter().map(|(_, booking, _)| *booking).skip(4).collect();
    assert_eq!(back, ["CANCELLING", "CAR_CANCELLED", "FLIGHT_CANCELLED", "HOTEL_CANCELLED", "CANCELLED", "CANCELLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_only_met_faults_is_pending_until_all_is_given_back() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    for _ in 0..3 {
        house.gateway.push_back(fault());
    }
    house.deliver_until("StepFaulted").await;
    let waiting = view(&house, &reads, booking).await;
    assert_eq!(waiting.payment.status, PaymentStatus::Pending);
    let saga = reads.saga(booking).await.expect("readable").expect("known");
    assert!(saga.next_wake_up.is_some(), "it says when it tries again");
    assert!(saga.reason.is_some(), "it says why it waits");
    house.wake(booking).await;
    house.deliver_until("StepFaulted").await;
    house.wake(booking).await;
    house.deliver_until("StepRefused").await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "FAILED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_cancelled_under_way_awaits_the_answer_then_goes_back() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.deliver_until("SagaStarted").await;
    house.cancel(booking).await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "PROCESSING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
    let view = view(&house, &reads, booking).await;
    assert_eq!(
        course(&view),
        [
            ("BookingRequested", "PENDING", "STARTED"),
            ("CancellationRequested", "CANCELLING", "PROCESSING"),
            ("StepSucceeded", "CANCELLING", "COMPENSATING"),
            ("RoomsReleased", "HOTEL_CANCELLED", "COMPENSATING"),
            ("BookingCancelled", "CANCELLED", "COMPENSATING"),
            ("SagaCompensated", "CANCELLED", "COMPENSATED"),
        ]
    );
    assert_eq!(view.failure, None, "nothing failed");
    assert!(view.timeline.iter().all(|entry| !entry.summary.contains("my words")), "free words stay in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_comes_while_the_money_is_taken_hides_the_approval() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.deliver_until("PaymentRequested").await;
    house.cancel(booking).await;
    house.deliver_until("BookingApproved").await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "PROCESSING", "COMPLETED"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
    let view = view(&house, &reads, booking).await;
    let shown: Vec<_> = course(&view).into_iter().skip_while(|(event, ..)| *event != "CancellationRequested").collect();
    assert_eq!(
        shown,
        [
            ("CancellationRequested", "CANCELLING", "PROCESSING"),
            ("StepSucceeded", "CANCELLING", "COMPENSATING"),
            ("VehicleReleased", "CAR_CANCELLED", "COMPENSATING"),
            ("SeatsReleased", "FLIGHT_CANCELLED", "COMPENSATING"),
            ("RoomsReleased", "HOTEL_CANCELLED", "COMPENSATING"),
            ("BookingCancelled", "CANCELLED", "COMPENSATING"),
            ("SagaCompensated", "CANCELLED", "COMPENSATED"),
        ]
    );
    assert!(view.timeline.iter().any(|entry| entry.event_type == "BookingApproved"), "the timeline tells of it");
    assert_eq!(view.payment.refunded, view.total);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_trip_that_is_cancelled_is_never_shown_as_done_before_it_is() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.deliver_all().await;
    house.cancel(booking).await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "COMPLETED"]);
    assert!(!view(&house, &reads, booking).await.is_settled());
    house.deliver_until("RoomsReleased").await;
    assert_eq!(states(&house, &reads, booking).await, ["HOTEL_CANCELLED", "COMPENSATING", "COMPLETED"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_meets_a_fault_leaves_everything_as_it_was() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, card()).await;
    house.deliver_all().await;
    house.cancel(booking).await;
    house.gateway.push_back(fault());
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["HOTEL_CANCELLED", "COMPENSATING", "COMPLETED"]);
    house.wake(booking).await;
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_of_one_part_shows_that_part() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    let (_projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", TripPlan { hotel: None, flight: None, ..plan }).await;
    house.deliver_until("VehicleReserved").await;
    assert_eq!(states(&house, &reads, booking).await, ["CAR_BOOKED", "PROCESSING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["APPROVED", "SUCCEEDED", "COMPLETED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn points_cannot_pay_and_that_fails_the_payment() {
    let (mut house, booking, _projectors, reads) = asked(PLENTY, PaymentPlan::Points).await;
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "FAILED"]);
}
