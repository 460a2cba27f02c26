//! An operator ends what cannot end by itself: a payment of which the gateway cannot tell what came (L18).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_commands::{CallerCommand, Receipt, Rejection};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, TokeniseError, UnknownOutcome};

use crate::support::{World, card, metadata};

/// A gateway of which nothing is heard until it is back; then it has carried out what came once.
#[derive(Default)]
struct Silent {
    is_back: AtomicBool,
    asked: AtomicUsize,
}

impl PaymentGateway for Silent {
    fn tokenise<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        async { Err(TokeniseError::Unavailable) }.boxed()
    }

    fn call<'a>(&'a self, _: &'a GatewayCall, _: DateTime<Utc>) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        async { Err(CallError::Unknown("silence".into())) }.boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if !self.is_back.load(Ordering::SeqCst) {
                return Err(UnknownOutcome("silence".into()));
            }
            Ok(Some(GatewayOutcome::Done { reference: key.to_owned() }))
        }
        .boxed()
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// A trip whose payment waits for an operator.
async fn a_trip_that_waits() -> (World, Arc<Silent>, BookingId) {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let gateway = Arc::new(Silent::default());
    let ports = Ports { gateway: gateway.clone(), ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, Faults::default().look_ups_max(1)).await;
    let booking = world.book("k1", card("approves")).await.expect("accepted");
    world.until(booking, &["AttentionNeeded"]).await;
    (world, gateway, booking)
}

async fn resolve(
    world: &World,
    booking: BookingId,
    resolution: Resolution,
    key: Option<&str>,
) -> Result<Receipt, Rejection> {
    let command =
        CallerCommand::ResolveSaga { booking, resolution, fingerprint: None, reason: "as the bank says".to_owned() };
    world.submit(command, key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_marks_as_done_is_approved_at_once_and_the_same_again_changes_nothing() {
    let (world, gateway, booking) = a_trip_that_waits().await;
    let done = || Resolution::MarkDone { reference: "ch_by_hand".to_owned() };
    let asked = gateway.asked.load(Ordering::SeqCst);
    let first = resolve(&world, booking, done(), Some("v1")).await.expect("it waits for this");
    assert!(first.changed);
    assert_eq!(first.subject, booking.saga());
    let story = world.until(booking, &["SagaSucceeded"]).await;
    assert!(
        story.ends_with(&["PaymentCompleted", "StepSucceeded", "BookingApproved", "SagaSucceeded"].map(Into::into))
    );
    let events = world.events().await;
    let resolved = events.iter().find(|event| event.event_type == "Resolved").expect("it is in the log");
    assert_eq!(metadata(resolved).actor, "tests");
    assert!(resolved.payload.contains("as the bank says") && resolved.position <= first.position);
    // By the same key, by another, and by none.
    for key in [Some("v1"), Some("v2"), None] {
        let again = resolve(&world, booking, done(), key).await.expect("it is so already");
        assert!(!again.changed, "{key:?}");
    }
    let other = resolve(&world, booking, Resolution::GiveUp, Some("v1")).await.expect_err("another input");
    assert_eq!(other.code, Code::IdempotencyKeyReused);
    let late = resolve(&world, booking, Resolution::GiveUp, None).await.expect_err("it has ended");
    assert_eq!(late.code, Code::NotResolvable);
    assert_eq!(world.events().await.len(), events.len());
    assert_eq!(gateway.asked.load(Ordering::SeqCst), asked, "the operator's word takes the gateway's place");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_has_tried_again_goes_on_once_the_gateway_is_back() {
    let (world, gateway, booking) = a_trip_that_waits().await;
    gateway.is_back.store(true, Ordering::SeqCst);
    // Two operators at once.
    let (one, other) = tokio::join!(
        resolve(&world, booking, Resolution::Retry, Some("v1")),
        resolve(&world, booking, Resolution::Retry, Some("v2"))
    );
    let changed = [one, other].map(|answer| answer.expect("it waits for this").changed);
    assert_eq!(changed.iter().filter(|changed| **changed).count(), 1, "{changed:?}");
    let story = world.until(booking, &["SagaSucceeded"]).await;
    assert_eq!(story.iter().filter(|name| *name == "Resolved").count(), 1, "{story:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_gives_up_is_left_and_all_else_given_back() {
    let (world, _gateway, booking) = a_trip_that_waits().await;
    resolve(&world, booking, Resolution::GiveUp, Some("v1")).await.expect("it waits for this");
    let story = world.until(booking, &["SagaFailed"]).await;
    for event in ["VehicleReleased", "SeatsReleased", "RoomsReleased", "BookingCancelled"] {
        assert!(story.contains(&event.to_owned()), "{event}: {story:?}");
    }
    assert_eq!(world.log.next_wakeup().await.expect("read"), None);
}
