//! The list of a traveller's trips.

use traveladvisor_domain::trip::{PaymentPlan, Step};
use traveladvisor_projections::reads::{BookingFilter, CursorEnd, Page, ReadError, Reads, TravellerTrips};
use traveladvisor_projections::views::TravellerBookingView;

use crate::support::{House, PLENTY, Supply, card, gbp, instant, stay};

async fn trips(reads: &Reads, email: &str) -> Vec<TravellerBookingView> {
    let slice = reads.traveller_bookings(&TravellerTrips::of(email), &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, trip)| trip).collect()
}

/// Their numbers, in order.
async fn numbers(reads: &Reads, email: &str) -> Vec<u128> {
    trips(reads, email).await.iter().map(|trip| trip.booking.0.as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_traveller_finds_the_own_trips_by_address_the_newest_first_and_nobody_elses() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    let (_projectors, reads) = house.read().await;
    for (number, email) in [(7, "ada@example.org"), (3, "bob@example.org"), (5, "Ada@Example.ORG")] {
        house.request(number, "ada", email, plan.clone()).await;
    }
    house.catch_up(&reads).await;
    assert_eq!(numbers(&reads, "ADA@example.org").await, [5, 7], "by the time at which they were asked for");
    assert_eq!(numbers(&reads, "bob@example.org").await, [3]);
    for nobody in ["", "a%", "carol@example.org", "ada@example.org\0", "' OR true --"] {
        assert_eq!(numbers(&reads, nobody).await, [0_u128; 0], "{nobody}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_a_trip_is_and_costs_and_nothing_of_the_person() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    house.request(1, "the owner", "ada@example.org", plan.clone()).await;
    let mut drive = plan;
    (drive.hotel, drive.flight, drive.total) = (None, None, gbp(9_000));
    house.request(2, "another", "ada@example.org", drive).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let shown = trips(&reads, "ada@example.org").await;
    let [drive, whole] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((drive.parts.as_slice(), drive.stay, drive.total), (&[Step::Car][..], None, gbp(9_000)));
    assert_eq!(whole.parts, [Step::Hotel, Step::Flight, Step::Car]);
    assert_eq!((whole.stay, whole.total), (Some(stay("2024-12-24", "2024-12-27")), gbp(64_000)));
    assert_eq!((whole.owner.as_str(), whole.starts_at), ("the owner", instant("2024-12-24T00:00:00Z")));
    assert_eq!((whole.status.as_str(), whole.saga_status.as_str()), ("APPROVED", "SUCCEEDED"));
    let rows: Vec<String> = sqlx::query_scalar("SELECT row_to_json(t)::text FROM traveller_bookings t")
        .fetch_all(house.log.pool())
        .await
        .expect("the rows");
    for row in rows {
        let without_address = row.replace("ada@example.org", "");
        for personal in ["Ada", "Lovelace", "@", "+44", "4242", "tok_"] {
            assert!(!without_address.contains(personal), "{personal} in {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_tells_where_each_trip_stands_as_the_trip_itself_does() {
    let mut house = House::new().await;
    let plan = house.offer(Supply { vehicles: 1, ..PLENTY }, card()).await;
    let (_projectors, reads) = house.read().await;
    let kept = house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_until("PaymentRequested").await;
    house.catch_up(&reads).await;
    let under_way = trips(&reads, "ada@example.org").await.remove(0);
    assert_eq!((under_way.status.as_str(), under_way.saga_status.as_str()), ("CAR_BOOKED", "PROCESSING"));
    house.deliver_all().await;
    let refused = house.request(2, "ada", "ada@example.org", plan).await;
    house.deliver_until("SeatsReleased").await;
    house.catch_up(&reads).await;
    assert_eq!(trips(&reads, "ada@example.org").await[0].status.as_str(), "CANCELLING", "the car is sold out");
    house.deliver_until("RoomsReleased").await;
    house.catch_up(&reads).await;
    assert_eq!(trips(&reads, "ada@example.org").await[0].status.as_str(), "FLIGHT_CANCELLED");
    house.deliver_all().await;
    house.cancel(kept).await;
    house.catch_up(&reads).await;
    let leaving = trips(&reads, "ada@example.org").await.remove(1);
    assert_eq!((leaving.status.as_str(), leaving.saga_status.as_str()), ("CANCELLING", "COMPENSATING"));
    house.deliver_all().await;
    house.catch_up(&reads).await;
    for trip in trips(&reads, "ada@example.org").await {
        let itself = reads.booking(trip.booking).await.expect("readable").expect("known");
        assert_eq!((trip.status, trip.saga_status), (itself.status, itself.saga_status));
        assert_eq!(trip.status.as_str(), "CANCELLED", "{kept}, {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_list_show_each_trip_once() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    let (_projectors, reads) = house.read().await;
    for number in 1..=7 {
        house
            .request(number, "ada", if number == 4 { "bob@example.org" } else { "ada@example.org" }, plan.clone())
            .await;
    }
    house.catch_up(&reads).await;
    let mut page = Page::first(2);
    let mut seen = Vec::new();
    loop {
        let slice = reads.traveller_bookings(&TravellerTrips::of("ada@example.org"), &page).await.expect("readable");
        seen.extend(slice.items.iter().map(|(_, trip)| trip.booking.0.as_u128()));
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
        if !slice.has_next {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 3, 2, 1]);
    let of_bookings = reads.bookings(&BookingFilter::default(), &Page::first(1)).await.expect("readable");
    let page = Page::first(2).after(of_bookings.items[0].0.clone());
    assert_eq!(
        reads.traveller_bookings(&TravellerTrips::of("ada@example.org"), &page).await,
        Err(ReadError::BadCursor(CursorEnd::After)),
        "another list's"
    );
}
