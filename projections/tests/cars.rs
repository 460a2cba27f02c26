//! Cars as searchers see them.

use traveladvisor_domain::aggregate::{Command, Event};
use traveladvisor_domain::car::{CarCommand, CarEvent};
use traveladvisor_domain::id::{BookingId, CarId};
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::trip::CarPart;
use traveladvisor_projections::reads::{CarSearch, Page, Reads};
use traveladvisor_projections::views::CarView;
use uuid::Uuid;

use crate::support::{House, car_details, gbp, rental};

async fn found(reads: &Reads, search: CarSearch) -> Vec<CarView> {
    let slice = reads.cars(&search, &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, car)| car).collect()
}

async fn rent(house: &mut House, car: CarId, number: u128, rental: Rental) {
    let (booking, occasion) = (BookingId(Uuid::from_u128(number)), house.occasion());
    let part = CarPart { car, rental, price: gbp(3_000 * rental.started_days()) };
    let events =
        house.tell(car.stream(), Command::Car(CarCommand::Reserve { booking, attempt: 1, part, occasion })).await;
    assert!(matches!(events[0], Event::Car(CarEvent::VehicleReserved { .. })), "{events:?}");
}

/// From one hour of Christmas Eve to another.
fn hours(from: u32, to: u32) -> Rental {
    rental(&format!("2024-12-24T{from:02}:00:00Z"), &format!("2024-12-24T{to:02}:00:00Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn vehicles_left_are_the_fleet_less_the_most_that_are_out_at_once() {
    let mut house = House::new().await;
    let car = house.list_car(car_details("C", 3, 3_000)).await;
    // Out at once: one, then two from 4 to 6, one, none at 10, one again.
    for (number, from, to) in [(1, 2, 6), (2, 4, 8), (3, 8, 10), (4, 10, 14)] {
        rent(&mut house, car, number, hours(from, to)).await;
    }
    let (_projectors, reads) = house.read().await;
    for (from, to, left) in [(0, 2, 3), (0, 3, 2), (3, 5, 1), (5, 6, 1), (6, 8, 2), (6, 14, 2), (0, 23, 1), (14, 16, 3)]
    {
        let rental = hours(from, to);
        let shown = found(&reads, CarSearch { rental: Some(rental), ..CarSearch::default() }).await;
        assert_eq!(shown[0].vehicles_left, Some(left), "from {from} to {to}");
    }
    let (booking, occasion) = (BookingId(Uuid::from_u128(1)), house.occasion());
    let part = CarPart { car, rental: hours(2, 6), price: gbp(0) };
    house.tell(car.stream(), Command::Car(CarCommand::Release { booking, attempt: 1, part, occasion })).await;
    house.catch_up(&reads).await;
    let shown = found(&reads, CarSearch { rental: Some(hours(0, 23)), ..CarSearch::default() }).await;
    assert_eq!(shown[0].vehicles_left, Some(2), "given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn cars_are_found_by_place_class_and_interval_the_cheapest_first() {
    let mut house = House::new().await;
    house.list_car(car_details("dear", 2, 9_000)).await;
    let scarce = house.list_car(car_details("cheap", 1, 3_000)).await;
    let mut van = car_details("van", 1, 5_000);
    (van.car_class, van.location) = ("VAN".into(), "Heathrow Village".into());
    house.list_car(van).await;
    rent(&mut house, scarce, 1, rental("2024-12-24T10:00:00Z", "2024-12-25T10:00:00Z")).await;
    let (_projectors, reads) = house.read().await;
    let codes = async |search| found(&reads, search).await.into_iter().map(|car| car.code).collect::<Vec<_>>();
    let all = CarSearch::default;
    assert_eq!(codes(all()).await, ["cheap", "van", "dear"]);
    assert_eq!(codes(CarSearch { location: Some("heathrow VILLAGE".into()), ..all() }).await, ["van"]);
    assert_eq!(codes(CarSearch { car_class: Some("standard".into()), ..all() }).await, ["cheap", "dear"]);
    let two_days = rental("2024-12-24T09:00:00Z", "2024-12-25T09:00:01Z");
    let shown = found(&reads, CarSearch { rental: Some(two_days), location: Some("LHR".into()), ..all() }).await;
    assert_eq!(shown.len(), 1, "the cheap one is out");
    assert_eq!((shown[0].vehicles_left, shown[0].total), (Some(2), Some(gbp(18_000))), "a started day counts");
    let by_id = reads.car(scarce).await.unwrap().unwrap();
    assert_eq!((by_id.vehicles, by_id.vehicles_left, by_id.total), (1, None, None));
    assert_eq!(reads.car(CarId::of("own", "none")).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_cars_of_one_price_show_each_once() {
    let mut house = House::new().await;
    for number in 0..5 {
        house.list_car(car_details(&number.to_string(), 1, 3_000)).await;
    }
    let (_projectors, reads) = house.read().await;
    let mut page = Page::first(2);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let slice = reads.cars(&CarSearch::default(), &page).await.unwrap();
        codes.extend(slice.items.iter().map(|(_, car)| car.code.clone()));
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
    }
    codes.sort();
    assert_eq!(codes, ["0", "1", "2", "3", "4"]);
}
