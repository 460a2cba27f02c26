//! What no batch has handled the relay delivers, and it happens once: follow-ups beyond the bound, follow-ups of streams that were not in
//! memory, and those that died with their process.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use secrecy::SecretString;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::limits::RELAY_CHECKPOINT_EVERY;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::id::StreamKind::{Booking, Car, Flight, Hotel, Payment, TripSaga};
use traveladvisor_domain::message::{Destination, GatewayCall, messages};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::{CardToken, PaymentPlan};
use traveladvisor_domain::trip_saga::steps::ANSWER_WITHIN;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, SandboxGateway, TokeniseError, UnknownOutcome};

use crate::child::{Inside, OtherProcess};
use crate::crowd::{AT_LAST, THIRTEEN, assert_in_order, list_plenty, stories};
use crate::support::{World, book, card, decoded, metadata, request, trip};
use crate::timers::SetForward;

/// Messages of a trip that is paid at the counter: each event causes one but the last, and the payment's two are answered by one.
const MESSAGES: usize = THIRTEEN.len() - 2;
/// The message that asks for the payment.
const PAYMENT: usize = 8;

/// The appends that a trip's events came with.
async fn batches(world: &World, booking: BookingId) -> usize {
    let events = world.events().await;
    let own = events.iter().map(metadata).filter(|metadata| metadata.correlation == booking.to_string());
    own.map(|metadata| metadata.batch).collect::<BTreeSet<_>>().len()
}

/// Engines with other faults, one after the other, on the same log.
async fn restart_with(world: &mut World, delivery: Delivery, faults: Faults) {
    let ports = world.next_ports();
    world.restart_with(ports, delivery, faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_ups_beyond_the_bound_are_delivered_by_the_relay_whatever_the_bound() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    for follow_ups in 0..=MESSAGES {
        restart_with(&mut world, Delivery::Here, Faults::default().follow_ups_max(follow_ups)).await;
        let booking = world.book(&format!("k{follow_ups}"), PaymentPlan::None).await.expect("accepted");
        assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
        // The command handles so many messages beside itself; each delivery handles its own and so many more.
        let deliveries = (MESSAGES - follow_ups).div_ceil(follow_ups + 1);
        assert_eq!(batches(&world, booking).await, 1 + deliveries, "with {follow_ups} follow-ups");
    }
    assert_in_order(&world.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_ups_of_streams_that_are_not_in_memory_are_delivered_by_the_relay() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    for kind in [TripSaga, Hotel, Flight, Car, Payment, Booking] {
        restart_with(&mut world, Delivery::Here, Faults::default().cold_when(move |stream| stream.kind == kind)).await;
        let booking = world.book(kind.as_str(), PaymentPlan::None).await.expect("accepted");
        assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
        let mut left = 0;
        for event in world.events().await.iter().filter(|event| metadata(event).correlation == booking.to_string()) {
            for message in messages(event.stream, &decoded(event)) {
                let is_cold = matches!(message.to, Destination::Stream(stream) if stream.kind == kind);
                assert_eq!(metadata(event).is_fused(0), !is_cold, "{}", event.event_type);
                left += usize::from(is_cold);
            }
        }
        assert!(left > 0);
        assert_eq!(batches(&world, booking).await, 1 + left, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_stopped_after_any_of_its_events_goes_on_in_a_process_that_has_nothing_in_memory() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 50).await;
    let mut trips = Vec::new();
    for follow_ups in 0..=MESSAGES {
        restart_with(&mut world, Delivery::Elsewhere, Faults::default().follow_ups_max(follow_ups)).await;
        trips.push(world.book(&format!("k{follow_ups}"), PaymentPlan::None).await.expect("accepted"));
        let begun = world.story(trips[follow_ups]).await;
        assert_eq!(begun, THIRTEEN[..=follow_ups + usize::from(follow_ups >= PAYMENT)]);
    }
    world.restart(Delivery::Here).await;
    for booking in trips {
        assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    assert_in_order(&world.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_in_the_log_goes_before_the_deadlines_that_passed_while_nobody_delivered() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 700).await;
    // What the relay has to read before it comes to them.
    let keys: Vec<String> = (0..600).map(|number| number.to_string()).collect();
    join_all(keys.iter().map(|key| world.book(key, PaymentPlan::None))).await;
    let mut trips = Vec::new();
    for follow_ups in 1..PAYMENT {
        restart_with(&mut world, Delivery::Elsewhere, Faults::default().follow_ups_max(follow_ups)).await;
        trips.push(world.book(&format!("k{follow_ups}"), PaymentPlan::None).await.expect("accepted"));
    }
    let clock = SetForward::new();
    clock.by(ANSWER_WITHIN * 10);
    let ports = Ports { clock, ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    for booking in trips {
        assert_eq!(world.until(booking, &["SagaSucceeded", "SagaCompensated"]).await, THIRTEEN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_did_not_handle_the_relay_delivers_after_a_restart() {
    // Without relay nothing follows a charge: the first commit ends with the request.
    let mut world = World::begin(Delivery::Elsewhere).await;
    let booking = world.book("k1", card("approves")).await.expect("accepted");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.story(booking).await.len(), 9);
    world.restart(Delivery::Here).await;
    assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_whose_follow_ups_were_lost_is_taken_up_by_the_relay() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    world.book("k1", PaymentPlan::None).await.expect("booked");
    // Only the first event of another trip is in the log, as if the process had died right after it.
    let booking = world.request_only().await;
    assert_eq!(world.story(booking).await, ["BookingRequested"]);
    world.submit(CallerCommand::UpsertCar(crate::support::car(2)), None).await.expect("one more vehicle");
    world.restart(Delivery::Here).await;
    assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
}

/// A gateway that never answers. Every other charge it makes all the same.
pub(crate) struct Mute(pub(crate) SandboxGateway);

impl PaymentGateway for Mute {
    fn tokenise<'a>(&'a self, number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        self.0.tokenise(number)
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        async move {
            if call.key.bytes().map(u32::from).sum::<u32>().is_multiple_of(2) {
                self.0.call(call, expires_at).await?;
            }
            std::future::pending().await
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        std::future::pending().boxed()
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// The other process: books trips with cards; their follow-ups end where the money is asked for.
pub(crate) async fn book_until_killed(mut inside: Inside) {
    while let Some(order) = inside.order().await {
        let count: usize = order.parse().expect("a number");
        let asked =
            (0..count).map(|n| inside.engine.submit(request(book(trip(card("approves"))), Some(&format!("k{n}")))));
        for answer in join_all(asked.collect::<Vec<_>>()).await {
            inside.answer(&BookingId(answer.expect("accepted").subject.uuid).to_string());
        }
    }
    inside.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_with_its_process_is_delivered_by_the_next_one_and_no_card_is_charged_twice() {
    // As many as the gateway is asked at once, so that all are asked before the process dies.
    const TRIPS: usize = 30;
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 50).await;
    world.stop().await;
    let mut dying = OtherProcess::start("dies", &world);
    dying.tell(&TRIPS.to_string()).await;
    let mut trips: Vec<BookingId> = Vec::new();
    for _ in 0..TRIPS {
        trips.push(dying.answer().await.parse().expect("a booking"));
    }
    let charged = async || -> usize {
        let calls = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sandbox_gateway_calls");
        usize::try_from(calls.fetch_one(world.log.pool()).await.expect("counted")).expect("few")
    };
    let some = async {
        while charged().await == 0 || world.log.consumed_offset("relay").await.expect("read") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, some).await.expect("some are charged and nobody is told");
    // Time enough to write a checkpoint that runs ahead of what is handled.
    tokio::time::sleep(3 * RELAY_CHECKPOINT_EVERY).await;
    dying.kill().await;
    assert!(charged().await < TRIPS, "others are not charged yet");
    assert!(stories(&world.events().await).values().all(|story| *story == THIRTEEN[..9]));

    world.restart(Delivery::Here).await;
    for booking in &trips {
        assert_eq!(world.until(*booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    let calls = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sandbox_gateway_calls WHERE outcome = 'done'");
    assert_eq!(calls.fetch_one(world.log.pool()).await.expect("counted"), TRIPS as i64, "each is charged once");
    assert_in_order(&world.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_again_from_the_very_beginning_happens_once() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let counter = world.book("counter", PaymentPlan::None).await.expect("booked");
    let paid = world.book("paid", card("approves")).await.expect("booked");
    let declined = world.book("declined", card("declines")).await.expect("accepted");
    world.until(paid, &["SagaSucceeded"]).await;
    world.until(declined, &["SagaCompensated"]).await;
    world.submit(CallerCommand::CancelBooking { booking: paid, reason: None }, None).await.expect("cancelled");
    world.until(paid, &["SagaCompensated"]).await;
    let once = world.events().await.len();
    assert_eq!(world.story(counter).await, THIRTEEN);
    world.stop().await;
    for sql in [
        "UPDATE consumed_offsets SET \"offset\" = 0",
        "ALTER TABLE events DISABLE TRIGGER events_are_final",
        "UPDATE events SET metadata = (metadata::jsonb - 'fused')::json",
    ] {
        sqlx::query(sql).execute(world.log.pool()).await.expect("done");
    }
    world.restart(Delivery::Here).await;
    let head = world.log.head().await.expect("read");
    let delivered = async {
        while world.log.consumed_offset("relay").await.expect("read") < head.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), delivered).await.expect("the relay comes to the end");
    assert_eq!(world.events().await.len(), once, "nothing was written again");
}
