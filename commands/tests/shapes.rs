//! Events of older shapes, among them one that is two of today's: hydrated, followed and delivered like any other.

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::message_id;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{Append, Metadata, NewEvent};
use uuid::Uuid;

use crate::crowd::list_plenty;
use crate::support::{World, metadata};

/// Of each version: an approval and the traveller's wish to cancel, in one event.
const SETTLED: [(&str, &str); 3] = [
    ("1", r#"{"BookingSettled":{"nth":1}}"#),
    ("2", r#"{"BookingSettled":{"attempt":1}}"#),
    ("3", r#"{"BookingSettled":{"attempt":1,"reason":null}}"#),
];

/// Appends such an event to an approved booking, some of whose messages were handled by whoever wrote it. Returns its sequence.
async fn settle(world: &World, booking: BookingId, (version, payload): (&str, &str), fused: Option<&str>) -> u64 {
    let events = world.events().await;
    let last = events.iter().rfind(|event| event.stream == booking.stream()).expect("it is booked");
    let batch = Uuid::from_u128(u128::from(last.position.0));
    let told = Metadata { batch: batch.to_string(), fused: fused.map(str::to_owned), ..metadata(last) };
    let event = NewEvent {
        stream: booking.stream(),
        sequence: last.sequence + 1,
        event_type: "BookingSettled".into(),
        event_version: version.to_owned().into(),
        payload: payload.into(),
        metadata: serde_json::to_string(&told).expect("JSON").into(),
        told: None,
    };
    let reads = vec![(booking.stream(), last.sequence)];
    let append = Append { batch, reads, events: vec![event], ..Append::default() };
    world.log.append(&append).await.expect("appended");
    last.sequence + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_of_a_split_event_is_delivered_from_its_own_place_unless_it_was_fused() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let mut trips = Vec::new();
    for (number, settled) in SETTLED.into_iter().enumerate() {
        let trip = world.book(&format!("k{number}"), PaymentPlan::None).await.expect("booked");
        trips.push((trip, settled));
    }
    let left_alone = world.book("left alone", PaymentPlan::None).await.expect("booked");
    world.stop().await;
    settle(&world, left_alone, SETTLED[0], Some("0,1")).await;
    let mut wishes = Vec::new();
    for (trip, settled) in &trips {
        let sequence = settle(&world, *trip, *settled, Some("0")).await;
        wishes.push(message_id(world.log.name(), trip.stream(), sequence, 1).to_string());
    }
    world.restart(Delivery::Here).await;
    for (trip, _) in &trips {
        world.until(*trip, &["SagaCompensated"]).await;
    }
    let events = world.events().await;
    let noted = events.iter().filter(|event| event.event_type == "CancellationNoted");
    let causes: Vec<String> = noted.filter_map(|event| metadata(event).causation).collect();
    assert_eq!(causes, wishes, "the wish is the message at the second place, and each was told once");
    for (trip, _) in &trips {
        let of_booking: Vec<(u64, &str)> = events
            .iter()
            .filter(|event| event.stream == trip.stream())
            .map(|event| (event.sequence, event.event_type.as_ref()))
            .collect();
        let expected =
            [(1, "BookingRequested"), (2, "BookingApproved"), (3, "BookingSettled"), (4, "BookingCancelled")];
        assert_eq!(of_booking, expected, "the split event is one place of its stream");
    }
    assert_eq!(world.engine.gauges().conflicts(), 0, "what was decided on was as the log has it");
    assert_eq!(world.story(left_alone).await.last().map(String::as_str), Some("BookingSettled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_with_an_event_of_an_older_shape_is_as_that_event_says_after_a_restart() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 50).await;
    for (number, settled) in SETTLED.into_iter().enumerate() {
        let booking = world.book(&format!("k{number}"), PaymentPlan::None).await.expect("booked");
        settle(&world, booking, settled, Some("0,1")).await;
        world.restart(Delivery::Elsewhere).await;
        let before = world.events().await.len();
        let cancel = CallerCommand::CancelBooking { booking, reason: None };
        world.submit(cancel, None).await.expect("it is so already");
        assert_eq!(world.events().await.len(), before, "the wish stands in the event of version {}", settled.0);
    }
}
