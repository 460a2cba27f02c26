//! Streams of many trips are read together; what is longer than most, or cannot be read, is found out one by one.

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::engine::limits::LOAD_STREAM_EVENTS;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{Append, Metadata, NewEvent};
use uuid::Uuid;

use crate::crowd::list_plenty;
use crate::support::{World, metadata};

/// Appends so many repeated answers to a booking, which change nothing of it.
async fn lengthen(world: &World, booking: BookingId, count: u64) {
    let events = world.events().await;
    let last = events.iter().rfind(|event| event.stream == booking.stream()).expect("it is booked");
    let batch = Uuid::from_u128(u128::from(last.sequence));
    let told = Metadata { batch: batch.to_string(), fused: Some("0".to_owned()), ..metadata(last) };
    let told: std::sync::Arc<str> = serde_json::to_string(&told).expect("JSON").into();
    let payload = include_str!("../../domain/events/booking/AnswerRepeated.v1.json");
    let repeated = |place| NewEvent {
        stream: booking.stream(),
        sequence: last.sequence + 1 + place,
        event_type: "AnswerRepeated".into(),
        event_version: "1".into(),
        payload: payload.into(),
        metadata: told.clone(),
        told: None,
    };
    let append = Append {
        batch,
        reads: vec![(booking.stream(), last.sequence)],
        events: (0..count).map(repeated).collect(),
        ..Append::default()
    };
    world.log.append(&append).await.expect("appended");
}

async fn cancel(world: &World, booking: BookingId) -> Result<(), Code> {
    let cancel = CallerCommand::CancelBooking { booking, reason: None };
    world.submit(cancel, None).await.map(|_| ()).map_err(|rejection| rejection.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_with_more_events_than_are_read_together_is_read_to_its_end() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let mut trips = Vec::new();
    let page = LOAD_STREAM_EVENTS as u64;
    // Two events stand there already; some end with the page, some right before or after it.
    for (number, more) in [0, page - 3, page - 2, page - 1, 3 * page].into_iter().enumerate() {
        let booking = world.book(&format!("k{number}"), PaymentPlan::None).await.expect("booked");
        if more > 0 {
            lengthen(&world, booking, more).await;
        }
        trips.push(booking);
    }
    world.restart(Delivery::Here).await;
    let asked = trips.iter().map(|booking| cancel(&world, *booking));
    for answer in futures::future::join_all(asked.collect::<Vec<_>>()).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(world.engine.gauges().conflicts(), 0, "all that was decided on was as the log has it");
    for booking in trips {
        world.until(booking, &["SagaCompensated"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_cannot_be_read_fails_alone_among_those_that_are_read_with_it() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let sick = world.book("sick", PaymentPlan::None).await.expect("booked");
    world.spoil("trip_saga").await;
    let mut trips = vec![sick];
    for number in 0..20 {
        trips.push(world.book(&format!("k{number}"), PaymentPlan::None).await.expect("booked"));
    }
    world.restart(Delivery::Here).await;
    let asked = trips.iter().map(|booking| cancel(&world, *booking));
    let answers = futures::future::join_all(asked.collect::<Vec<_>>()).await;
    assert_eq!(answers[0], Err(Code::Internal));
    assert!(answers[1..].iter().all(Result::is_ok), "{answers:?}");
}
