//! Everything that is shown of one trip.

use traveladvisor_domain::trip::Step;
use traveladvisor_projections::views::{PartStatus, PaymentMethod, StepState};

use crate::support::{House, PLENTY, card, gbp, instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_shows_what_was_booked_for_whom_and_how_it_is_paid() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    let asked_at = house.now + chrono::TimeDelta::seconds(1);
    let booking = house.request(1, "ada", "Ada@Example.org", plan.clone()).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let view = reads.booking(booking).await.unwrap().unwrap();
    assert_eq!((view.owner.as_str(), view.version, view.total), ("ada", 2, gbp(64_000)));
    assert_eq!((view.created_at, view.updated_at, view.position), (asked_at, house.now, house.last));
    assert_eq!(view.traveller.email, "Ada@Example.org");
    assert_eq!((view.traveller.name.as_str(), view.traveller.phone.as_deref()), ("Ada Lovelace", Some("+44 20 1")));
    let hotel = view.hotel.unwrap();
    assert_eq!((Some(hotel.part), hotel.status), (plan.hotel, PartStatus::Booked));
    assert_eq!(view.payment.method, PaymentMethod::Card);
    assert_eq!((view.payment.brand.as_deref(), view.payment.last_four.as_deref()), (Some("visa"), Some("4242")));
    assert_eq!(view.payment.refunded, gbp(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_every_event_of_the_trip_in_order_and_nothing_personal() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    let before = house.last;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.cancel(booking).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let timeline = reads.booking(booking).await.unwrap().unwrap().timeline;
    let written = house.log.read_after(before, 100).await.unwrap();
    let told: Vec<_> = timeline.iter().map(|entry| (entry.position, entry.event_type.clone())).collect();
    let expected: Vec<_> = written.iter().map(|event| (event.position, event.event_type.to_string())).collect();
    assert_eq!(told, expected);
    for entry in &timeline {
        assert!(entry.summary.ends_with(['.', ')']), "a sentence: {}", entry.summary);
        for value in ["ada@example.org", "Ada", "Lovelace", "+44", "tok_secret", "my words"] {
            assert!(!entry.summary.contains(value), "{value} in: {}", entry.summary);
        }
    }
    let rooms = timeline.iter().find(|entry| entry.event_type == "RoomsReserved").unwrap();
    assert_eq!(rooms.summary, "1 room of type DBL from 2024-12-24 to 2024-12-27 was reserved for 300.00 GBP.");
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_and_tokens_stand_in_no_other_table_of_the_read_side() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    let (_projectors, _reads) = house.read().await;
    for table in ["booking_timeline", "hotels", "hotel_nights", "flight_sales", "car_rentals", "projection_checkpoints"]
    {
        let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
        let all: String = sqlx::query_scalar(&sql).fetch_one(&house.database.pool).await.unwrap();
        for value in ["ada@example.org", "Lovelace", "+44 20 1", "tok_secret"] {
            assert!(!all.contains(value), "{value} stands in {table}");
        }
    }
    let bookings: String =
        sqlx::query_scalar("SELECT t::text FROM bookings t").fetch_one(&house.database.pool).await.unwrap();
    assert!(bookings.contains("Lovelace"), "the trip itself knows its traveller");
    assert!(!bookings.contains("tok_secret"), "the card's token stays in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_shows_its_steps_tries_and_history() {
    let mut house = House::new().await;
    let plan = house.offer(crate::support::Supply { vehicles: 0, ..PLENTY }, card()).await;
    let (_projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let saga = reads.saga(booking).await.unwrap().unwrap();
    let steps: Vec<_> = saga.steps.iter().map(|step| (step.step, step.state, step.attempts)).collect();
    assert_eq!(
        steps,
        [
            (Step::Hotel, StepState::Undone, 1),
            (Step::Flight, StepState::Undone, 1),
            (Step::Car, StepState::Refused, 1),
            (Step::Payment, StepState::Pending, 0),
            (Step::Approve, StepState::Undone, 1),
        ]
    );
    assert_eq!(saga.definition, "trip 3");
    assert!(saga.steps[2].last_error.as_deref().is_some_and(|error| error.starts_with("SOLD_OUT: ")));
    assert!(saga.steps[0].started_at.unwrap() > instant("2024-12-01T12:00:00Z"));
    assert!(saga.steps[0].ended_at > saga.steps[0].started_at);
    assert_eq!(saga.steps[3].started_at, None);
    let history: Vec<_> = saga.history.iter().map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(
        history,
        [
            "SagaStarted",
            "StepSucceeded",
            "StepSucceeded",
            "StepRefused",
            "UndoSucceeded",
            "UndoSucceeded",
            "SagaCompensated"
        ]
    );
    assert!(!saga.needs_attention());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_found_under_an_unknown_id() {
    let house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let nobody = traveladvisor_domain::id::BookingId(uuid::Uuid::from_u128(9));
    assert_eq!(reads.booking(nobody).await, Ok(None));
    assert_eq!(reads.saga(nobody).await, Ok(None));
}
