//! Flights as searchers see them.

use traveladvisor_domain::aggregate::{Command, Event};
use traveladvisor_domain::flight::{FlightCommand, FlightEvent};
use traveladvisor_domain::id::{BookingId, FlightId};
use traveladvisor_domain::trip::FlightPart;
use traveladvisor_projections::reads::{FlightSearch, Page, Reads};
use traveladvisor_projections::views::FlightView;
use uuid::Uuid;

use crate::support::{House, date, flight_details, gbp};

async fn found(reads: &Reads, search: FlightSearch) -> Vec<FlightView> {
    let slice = reads.flights(&search, &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, flight)| flight).collect()
}

async fn codes(reads: &Reads, search: FlightSearch) -> Vec<String> {
    found(reads, search).await.into_iter().map(|flight| flight.code).collect()
}

fn part(flight: FlightId, seats: u32) -> FlightPart {
    FlightPart { flight, cabin: "ECONOMY".into(), seats, price: gbp(100 * i64::from(seats)) }
}

async fn reserve(house: &mut House, flight: FlightId, number: u128, seats: u32) {
    let (booking, occasion) = (BookingId(Uuid::from_u128(number)), house.occasion());
    let command = FlightCommand::Reserve { booking, attempt: 1, part: part(flight, seats), occasion };
    let events = house.tell(flight.stream(), Command::Flight(command)).await;
    assert!(matches!(events[0], Event::Flight(FlightEvent::SeatsReserved { .. })), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_are_found_by_route_and_the_day_at_the_origin() {
    let mut house = House::new().await;
    let cabins = [("ECONOMY", 2, 100)];
    // 20:00 on the 23rd, 00:30 and 23:59 on the 24th, in New York.
    for (code, at) in [("A", "2024-12-24T01:00:00Z"), ("B", "2024-12-24T05:30:00Z"), ("C", "2024-12-25T04:59:00Z")] {
        house.list_flight(flight_details(code, at, &cabins)).await;
    }
    let mut elsewhere = flight_details("D", "2024-12-24T05:31:00Z", &cabins);
    elsewhere.destination = "CDG".into();
    house.list_flight(elsewhere).await;
    let (_projectors, reads) = house.read().await;
    let all = FlightSearch::default;
    assert_eq!(codes(&reads, all()).await, ["A", "B", "D", "C"], "by departure");
    let day = FlightSearch { departure_date: Some(date("2024-12-24")), ..all() };
    assert_eq!(codes(&reads, day.clone()).await, ["B", "D", "C"]);
    let route = FlightSearch { origin: Some("jfk".into()), destination: Some("lhr".into()), ..day };
    assert_eq!(codes(&reads, route).await, ["B", "C"]);
    assert_eq!(codes(&reads, FlightSearch { origin: Some("LHR".into()), ..all() }).await, [""; 0]);
    assert_eq!(codes(&reads, FlightSearch { departure_date: Some(chrono::NaiveDate::MAX), ..all() }).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_that_has_departed_is_found_by_its_id_only() {
    let mut house = House::new().await;
    let departure = "2024-12-24T05:30:00Z";
    let gone = house.list_flight(flight_details("A", departure, &[("ECONOMY", 1, 100)])).await;
    house.list_flight(flight_details("B", "2024-12-24T05:30:01Z", &[("ECONOMY", 1, 100)])).await;
    let (_projectors, reads) = house.read().await;
    let from = |instant: &str| FlightSearch { departing_after: instant.parse().ok(), ..FlightSearch::default() };
    assert_eq!(codes(&reads, from("2024-12-24T05:29:59Z")).await, ["A", "B"]);
    assert_eq!(codes(&reads, from(departure)).await, ["B"], "at its departure it is gone");
    let on_the_day = FlightSearch { departure_date: Some(date("2024-12-24")), ..from(departure) };
    assert_eq!(codes(&reads, on_the_day).await, ["B"]);
    let beyond = FlightSearch { departing_after: Some(chrono::DateTime::<chrono::Utc>::MAX_UTC), ..from(departure) };
    assert_eq!(codes(&reads, beyond).await, [""; 0]);
    let shown = reads.flight(gone).await.unwrap().unwrap();
    assert_eq!(shown.code, "A");
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_left_follow_sales_and_sold_out_flights_are_left_out() {
    let mut house = House::new().await;
    let cabins = [("ECONOMY", 2, 100), ("FIRST", 1, 900)];
    let flight = house.list_flight(flight_details("A", "2024-12-24T05:30:00Z", &cabins)).await;
    reserve(&mut house, flight, 1, 2).await;
    let (_projectors, reads) = house.read().await;
    let shown = reads.flight(flight).await.unwrap().unwrap();
    let left: Vec<_> = shown.cabins.iter().map(|cabin| (cabin.cabin.as_str(), cabin.seats, cabin.seats_left)).collect();
    assert_eq!(left, [("ECONOMY", 2, 0), ("FIRST", 1, 1)]);
    let search = FlightSearch::default;
    assert_eq!(codes(&reads, search()).await, ["A"], "first class has a seat");
    assert_eq!(codes(&reads, FlightSearch { seats: 2, ..search() }).await, [""; 0]);
    let economy = FlightSearch { cabin: Some("economy".into()), ..search() };
    assert_eq!(codes(&reads, economy.clone()).await, [""; 0]);
    let (booking, occasion) = (BookingId(Uuid::from_u128(1)), house.occasion());
    let command = FlightCommand::Release { booking, attempt: 1, part: part(flight, 2), occasion };
    house.tell(flight.stream(), Command::Flight(command)).await;
    house.catch_up(&reads).await;
    assert_eq!(codes(&reads, FlightSearch { seats: 2, ..economy }).await, ["A"], "given back");
    assert_eq!(reads.flight(FlightId::of("own", "none")).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_seats_than_sold_are_none_left() {
    let mut house = House::new().await;
    let at = "2024-12-24T05:30:00Z";
    let flight = house.list_flight(flight_details("A", at, &[("ECONOMY", 3, 100)])).await;
    reserve(&mut house, flight, 1, 3).await;
    house.list_flight(flight_details("A", at, &[("ECONOMY", 1, 150), ("FIRST", 4, 900)])).await;
    let (_projectors, reads) = house.read().await;
    let shown = reads.flight(flight).await.unwrap().unwrap();
    let left: Vec<_> = shown.cabins.iter().map(|cabin| (cabin.seats, cabin.seats_left, cabin.price)).collect();
    assert_eq!(left, [(1, 0, gbp(150)), (4, 4, gbp(900))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_flights_that_depart_together_show_each_once() {
    let mut house = House::new().await;
    for number in 0..5 {
        let details = flight_details(&number.to_string(), "2024-12-24T05:30:00Z", &[("ECONOMY", 1, 100)]);
        house.list_flight(details).await;
    }
    let (_projectors, reads) = house.read().await;
    let mut page = Page::first(2);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let slice = reads.flights(&FlightSearch::default(), &page).await.unwrap();
        codes.extend(slice.items.iter().map(|(_, flight)| flight.code.clone()));
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
    }
    codes.sort();
    assert_eq!(codes, ["0", "1", "2", "3", "4"]);
}
