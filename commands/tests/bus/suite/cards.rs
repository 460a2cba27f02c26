//! Trips that are paid by card.

use traveladvisor_domain::context::Context;

use super::stage::Scene;
use crate::support::card;

pub(super) async fn a_good_card_is_charged_and_refunded_once(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    let kept = scene.book(card("approves"), "kept").await;
    let cancelled = scene.book(card("approves"), "cancelled").await;
    scene.until(kept, "SagaSucceeded").await;
    scene.until(cancelled, "SagaSucceeded").await;
    scene.cancel(cancelled).await;
    scene.until(cancelled, "SagaCompensated").await;
    assert_eq!(scene.story(Context::Payment, kept).await, ["PaymentRequested", "PaymentCompleted"]);
    let story = scene.story(Context::Payment, cancelled).await;
    assert_eq!(story.first().map(String::as_str), Some("PaymentRequested"));
    assert_eq!(story.last().map(String::as_str), Some("PaymentCancelled"), "{story:?}");
}

pub(super) async fn a_declined_card_gives_everything_back(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    for token in ["declines", "insufficient_funds"] {
        let booking = scene.book(card(token), token).await;
        scene.until(booking, "SagaCompensated").await;
        assert_eq!(scene.story(Context::Payment, booking).await, ["PaymentRequested", "PaymentFailed"]);
        assert_eq!(scene.story(Context::Hotel, booking).await, ["RoomsReserved", "RoomsReleased"]);
        assert_eq!(scene.story(Context::Flight, booking).await, ["SeatsReserved", "SeatsReleased"]);
        assert_eq!(scene.story(Context::Car, booking).await, ["VehicleReserved", "VehicleReleased"]);
    }
}

pub(super) async fn a_fault_is_tried_again_and_gives_everything_back_at_last(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    let booking = scene.book(card("processing_error"), "faults").await;
    scene.until(booking, "SagaCompensated").await;
    let story = scene.story(Context::Booking, booking).await;
    assert!(story.iter().any(|event| event == "StepRetried"), "{story:?}");
    assert_eq!(scene.story(Context::Car, booking).await, ["VehicleReserved", "VehicleReleased"]);
}
