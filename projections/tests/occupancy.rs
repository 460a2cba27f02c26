//! What is sold of hotels, flights and fleets, what is left, and what it brings.

use chrono::NaiveDate;
use chrono_tz::Tz;
use traveladvisor_domain::aggregate::{Command, Event};
use traveladvisor_domain::car::CarCommand;
use traveladvisor_domain::flight::FlightCommand;
use traveladvisor_domain::hotel::{HotelCommand, HotelEvent};
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart};
use traveladvisor_projections::reads::{PERIOD_DAYS_MAX, Period, Reads};
use traveladvisor_projections::views::OccupancyView;
use uuid::Uuid;

use crate::support::{House, car_details, date, flight_details, gbp, hotel_details, rental, room_type, stay};

pub(crate) fn period(from: &str, to: &str) -> Period {
    Period::new(date(from), date(to)).expect("a period")
}

fn booking(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(number))
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().expect("a currency"))
}

/// Day, on sale, sold, left, revenue of the only unit.
fn lines(days: &[OccupancyView]) -> Vec<(u32, u64, u64, u64, Vec<Money>)> {
    let line = |day: &OccupancyView| {
        let [unit] = day.units.as_slice() else { panic!("one unit: {day:?}") };
        (chrono::Datelike::day(&day.day), unit.on_sale, unit.sold, unit.left, unit.revenue.clone())
    };
    days.iter().map(line).collect()
}

async fn nights(house: &House, reads: &Reads, hotel: HotelId, from: &str, to: &str) -> Vec<OccupancyView> {
    house.catch_up(reads).await;
    reads.hotel_occupancy(hotel, period(from, to)).await.expect("readable").expect("known")
}

async fn reserve(house: &mut House, hotel: HotelId, number: u128, stay: Stay, rooms: u32) {
    let price = gbp(10_000 * stay.night_count() * i64::from(rooms));
    let part = HotelPart { hotel, room_type: "DBL".into(), stay, rooms, price };
    let command = HotelCommand::Reserve { booking: booking(number), attempt: 1, part, occasion: house.occasion() };
    let events = house.tell(hotel.stream(), Command::Hotel(command)).await;
    assert!(matches!(events[0], Event::Hotel(HotelEvent::RoomsReserved { .. })), "{events:?}");
}

async fn change(house: &mut House, hotel: HotelId, nights: (&str, &str), rooms: Option<u32>, stop_sell: Option<bool>) {
    let (from, to, occasion) = (date(nights.0), date(nights.1), house.occasion());
    let command = HotelCommand::ChangeAllotment { room_type: "DBL".into(), from, to, rooms, stop_sell, occasion };
    house.tell(hotel.stream(), Command::Hotel(command)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_night_of_a_hotel_tells_what_is_sold_left_and_earned_until_it_is_given_back() {
    let mut house = House::new().await;
    let hotel = house.list_hotel(hotel_details("1", "Inn", "London", vec![room_type("DBL", 3, 10_000)])).await;
    let (_projectors, reads) = house.read().await;
    reserve(&mut house, hotel, 1, stay("2024-12-24", "2024-12-26"), 2).await;
    reserve(&mut house, hotel, 2, stay("2024-12-25", "2024-12-27"), 1).await;
    let shown = nights(&house, &reads, hotel, "2024-12-23", "2024-12-28").await;
    let none = Vec::new;
    assert_eq!(
        lines(&shown),
        [
            (23, 3, 0, 3, none()),
            (24, 3, 2, 1, vec![gbp(20_000)]),
            (25, 3, 3, 0, vec![gbp(30_000)]),
            (26, 3, 1, 2, vec![gbp(10_000)]),
            (27, 3, 0, 3, none()),
        ],
        "the morning of departure is no night"
    );
    let part = HotelPart {
        hotel,
        room_type: "DBL".into(),
        stay: stay("2024-12-24", "2024-12-26"),
        rooms: 2,
        price: gbp(40_000),
    };
    let command = HotelCommand::Release { booking: booking(1), attempt: 1, part, occasion: house.occasion() };
    house.tell(hotel.stream(), Command::Hotel(command)).await;
    let shown = nights(&house, &reads, hotel, "2024-12-24", "2024-12-26").await;
    assert_eq!(lines(&shown), [(24, 3, 0, 3, none()), (25, 3, 1, 2, vec![gbp(10_000)])], "given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_follows_allotments_closed_nights_and_withdrawn_room_types() {
    let mut house = House::new().await;
    let both = vec![room_type("SGL", 4, 5_000), room_type("DBL", 3, 10_000)];
    let hotel = house.list_hotel(hotel_details("1", "Inn", "London", both)).await;
    let (_projectors, reads) = house.read().await;
    reserve(&mut house, hotel, 1, stay("2024-12-24", "2024-12-27"), 2).await;
    change(&mut house, hotel, ("2024-12-24", "2024-12-25"), Some(5), None).await;
    change(&mut house, hotel, ("2024-12-25", "2024-12-26"), Some(1), None).await;
    change(&mut house, hotel, ("2024-12-26", "2024-12-28"), None, Some(true)).await;
    change(&mut house, hotel, ("2024-12-27", "2024-12-28"), None, Some(false)).await;
    let shown = nights(&house, &reads, hotel, "2024-12-24", "2024-12-28").await;
    let doubles: Vec<_> =
        shown.iter().map(|night| (night.units[1].on_sale, night.units[1].sold, night.units[1].left)).collect();
    assert_eq!(doubles, [(5, 2, 3), (1, 2, 0), (0, 2, 0), (3, 0, 3)], "more on sale, oversold, closed, opened again");
    assert!(shown.iter().all(|night| (night.units[0].unit.as_str(), night.units[0].left) == ("SGL", 4)));
    house.list_hotel(hotel_details("1", "Inn", "London", vec![room_type("SGL", 4, 5_000)])).await;
    let shown = nights(&house, &reads, hotel, "2024-12-24", "2024-12-28").await;
    let withdrawn = &shown[0].units[1];
    assert_eq!((withdrawn.unit.as_str(), withdrawn.on_sale, withdrawn.sold, withdrawn.left), ("DBL", 0, 2, 0));
    assert_eq!(shown[3].units.len(), 1, "of which nothing is sold, nothing is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_spread_to_the_penny_and_each_currency_is_told_by_itself() {
    let mut house = House::new().await;
    let hotel = house.list_hotel(hotel_details("1", "Inn", "London", vec![room_type("DBL", 9, 10_000)])).await;
    let (_projectors, reads) = house.read().await;
    // As a future program may sell it: by other prices than so much a night.
    for (number, price) in [(1, gbp(100)), (2, eur(1_001)), (3, gbp(7))] {
        let stay = stay("2024-12-24", "2024-12-27");
        let part = HotelPart { hotel, room_type: "DBL".into(), stay, rooms: 1, price };
        let (booking, business_date) = (booking(number), date("2024-12-01"));
        let sold = HotelEvent::RoomsReserved { booking, attempt: 1, part, business_date };
        house.append(hotel.stream(), &Event::Hotel(sold)).await;
    }
    let shown = nights(&house, &reads, hotel, "2024-12-24", "2024-12-27").await;
    assert_eq!(
        lines(&shown).into_iter().map(|(.., revenue)| revenue).collect::<Vec<_>>(),
        [vec![eur(335), gbp(34 + 3)], vec![eur(333), gbp(33 + 2)], vec![eur(333), gbp(33 + 2)]]
    );
    assert!(shown.iter().all(|night| night.units[0].sold == 3 && night.revenue() == night.units[0].revenue));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_tells_its_seats_by_cabin_on_the_day_of_departure_at_its_airport() {
    let mut house = House::new().await;
    let cabins = [("ECONOMY", 3, 25_000), ("BUSINESS", 1, 90_000)];
    let flight = house.list_flight(flight_details("F", "2024-12-24T01:00:00Z", &cabins)).await;
    let (_projectors, reads) = house.read().await;
    let part = |cabin: &str, seats: u32, minor| FlightPart { flight, cabin: cabin.into(), seats, price: gbp(minor) };
    for (number, part) in [(1, part("ECONOMY", 2, 50_000)), (2, part("BUSINESS", 1, 90_000))] {
        let command = FlightCommand::Reserve { booking: booking(number), attempt: 1, part, occasion: house.occasion() };
        house.tell(flight.stream(), Command::Flight(command)).await;
    }
    house.catch_up(&reads).await;
    let shown = reads.flight_occupancy(flight).await.expect("readable").expect("known");
    assert_eq!(shown.day, date("2024-12-23"), "in New York");
    let told = |view: &OccupancyView| -> Vec<_> {
        view.units.iter().map(|unit| (unit.unit.clone(), unit.on_sale, unit.sold, unit.left)).collect()
    };
    assert_eq!(told(&shown), [("ECONOMY".into(), 3, 2, 1), ("BUSINESS".into(), 1, 1, 0)]);
    assert_eq!(shown.revenue(), [gbp(140_000)]);
    let (part, occasion) = (part("ECONOMY", 2, 50_000), house.occasion());
    let command = FlightCommand::Release { booking: booking(1), attempt: 1, part, occasion };
    house.tell(flight.stream(), Command::Flight(command)).await;
    house.list_flight(flight_details("F", "2024-12-25T12:00:00Z", &cabins)).await;
    house.catch_up(&reads).await;
    let shown = reads.flight_occupancy(flight).await.expect("readable").expect("known");
    assert_eq!((shown.day, shown.revenue()), (date("2024-12-25"), vec![gbp(90_000)]), "it leaves later");
    assert_eq!(told(&shown)[0], ("ECONOMY".into(), 3, 0, 3));
    assert_eq!(reads.flight_occupancy(FlightId::of("own", "none")).await, Ok(None));
}

async fn rent(house: &mut House, car: CarId, number: u128, pick_up: &str, drop_off: &str) {
    let rental = rental(pick_up, drop_off);
    let part = CarPart { car, rental, price: gbp(3_000 * rental.started_days()) };
    let command = CarCommand::Reserve { booking: booking(number), attempt: 1, part, occasion: house.occasion() };
    house.tell(car.stream(), Command::Car(command)).await;
}

async fn days(house: &House, reads: &Reads, car: CarId, from: &str, to: &str) -> Vec<OccupancyView> {
    house.catch_up(reads).await;
    reads.car_occupancy(car, period(from, to)).await.expect("readable").expect("known")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_of_a_rental_are_those_that_are_paid_for_at_the_location() {
    let mut house = House::new().await;
    let mut details = car_details("C", 2, 3_000);
    details.time_zone = Tz::Pacific__Auckland;
    let car = house.list_car(details.clone()).await;
    let (_projectors, reads) = house.read().await;
    // At 01:00 of the 24th there, for 49 hours: three days are begun. Another one from the 25th on, for one.
    rent(&mut house, car, 1, "2024-12-23T12:00:00Z", "2024-12-25T13:00:00Z").await;
    rent(&mut house, car, 2, "2024-12-25T02:00:00Z", "2024-12-26T02:00:00Z").await;
    let one = || vec![gbp(3_000)];
    let none = Vec::new;
    let shown = days(&house, &reads, car, "2024-12-23", "2024-12-28").await;
    assert_eq!(
        lines(&shown),
        [
            (23, 2, 0, 2, none()),
            (24, 2, 1, 1, one()),
            (25, 2, 2, 0, vec![gbp(6_000)]),
            (26, 2, 1, 1, one()),
            (27, 2, 0, 2, none())
        ]
    );
    assert_eq!(lines(&days(&house, &reads, car, "2024-12-26", "2024-12-27").await), [(26, 2, 1, 1, one())], "its end");
    // The location was wrong: the days of what was sold before are others, and what is given back is what was taken.
    details.time_zone = Tz::UTC;
    house.list_car(details).await;
    let shown = days(&house, &reads, car, "2024-12-23", "2024-12-26").await;
    assert_eq!(lines(&shown), [(23, 2, 1, 1, one()), (24, 2, 1, 1, one()), (25, 2, 2, 0, vec![gbp(6_000)])]);
    let part = CarPart { car, rental: rental("2024-12-23T12:00:00Z", "2024-12-25T13:00:00Z"), price: gbp(9_000) };
    let command = CarCommand::Release { booking: booking(1), attempt: 1, part, occasion: house.occasion() };
    house.tell(car.stream(), Command::Car(command)).await;
    let shown = days(&house, &reads, car, "2024-12-22", "2024-12-27").await;
    assert_eq!(lines(&shown).iter().map(|line| line.2).collect::<Vec<_>>(), [0, 0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_rental_is_seen_on_its_last_day_and_across_the_change_of_clocks() {
    let mut house = House::new().await;
    let car = house.list_car(car_details("C", 1, 3_000)).await;
    let (_projectors, reads) = house.read().await;
    rent(&mut house, car, 1, "2025-03-01T23:30:00Z", "2026-03-01T23:30:00Z").await;
    let shown = days(&house, &reads, car, "2025-03-29", "2025-04-01").await;
    assert_eq!(lines(&shown).iter().map(|line| line.2).collect::<Vec<_>>(), [1, 1, 1], "clocks go forward on the 30th");
    let last = days(&house, &reads, car, "2026-02-28", "2026-03-02").await;
    assert_eq!(lines(&last).iter().map(|line| line.2).collect::<Vec<_>>(), [1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_what_is_not_listed_and_periods_have_bounds() {
    let house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let week = period("2024-12-24", "2024-12-31");
    assert_eq!(reads.hotel_occupancy(HotelId::of("own", "none"), week).await, Ok(None));
    assert_eq!(reads.car_occupancy(CarId::of("own", "none"), week).await, Ok(None));
    let from = date("2024-12-24");
    let after = |days: i64| Period::new(from, from + chrono::TimeDelta::days(days));
    assert!(after(1).is_some() && after(PERIOD_DAYS_MAX).is_some());
    assert!(after(0).is_none() && after(-1).is_none() && after(PERIOD_DAYS_MAX + 1).is_none());
    assert!(Period::new(NaiveDate::MIN, NaiveDate::MIN + chrono::TimeDelta::days(1)).is_none());
    let ends = [period("0001-01-01", "0001-01-02"), period("9999-12-30", "9999-12-31")];
    for end in ends {
        assert_eq!(reads.car_occupancy(CarId::of("own", "none"), end).await, Ok(None));
    }
}
