//! A small catalogue, and trips of it.

use chrono::NaiveDate;
use chrono_tz::Tz;
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::car::{CarCommand, CarDetails};
use traveladvisor_domain::flight::{CabinDetails, FlightCommand, FlightDetails};
use traveladvisor_domain::hotel::{HotelCommand, HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{CarPart, CardToken, FlightPart, HotelPart, PaymentPlan, TripPlan};

use super::{House, instant};

pub(crate) fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn stay(check_in: &str, check_out: &str) -> Stay {
    Stay::new(date(check_in), date(check_out)).expect("a stay")
}

pub(crate) fn rental(pick_up: &str, drop_off: &str) -> Rental {
    Rental::new(instant(pick_up), instant(drop_off)).expect("a rental")
}

pub(crate) fn room_type(code: &str, rooms: u32, nightly: i64) -> RoomTypeDetails {
    RoomTypeDetails { code: code.into(), name: format!("{code} room"), rooms, nightly_price: gbp(nightly) }
}

pub(crate) fn hotel_details(code: &str, name: &str, city: &str, room_types: Vec<RoomTypeDetails>) -> HotelDetails {
    HotelDetails {
        supplier: "own".into(),
        code: code.into(),
        name: name.into(),
        city: city.into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: Some(51.5),
        longitude: None,
        room_types,
    }
}

pub(crate) fn flight_details(code: &str, departure_at: &str, cabins: &[(&str, u32, i64)]) -> FlightDetails {
    let cabin = |(cabin, seats, price): &(&str, u32, i64)| CabinDetails {
        cabin: (*cabin).into(),
        seats: *seats,
        price: gbp(*price),
    };
    FlightDetails {
        supplier: "own".into(),
        code: code.into(),
        carrier: "BA".into(),
        origin: "JFK".into(),
        origin_zone: Tz::America__New_York,
        destination: "LHR".into(),
        destination_zone: Tz::Europe__London,
        departure_at: instant(departure_at),
        arrival_at: instant(departure_at) + chrono::TimeDelta::hours(7),
        cabins: cabins.iter().map(cabin).collect(),
    }
}

pub(crate) fn car_details(code: &str, vehicles: u32, daily: i64) -> CarDetails {
    CarDetails {
        supplier: "own".into(),
        code: code.into(),
        name: format!("Car {code}"),
        car_class: "STANDARD".into(),
        location: "LHR".into(),
        time_zone: Tz::Europe__London,
        vehicles,
        daily_price: gbp(daily),
    }
}

/// How much of each is on sale.
#[derive(Clone, Copy)]
pub(crate) struct Supply {
    pub(crate) rooms: u32,
    pub(crate) seats: u32,
    pub(crate) vehicles: u32,
}

pub(crate) const PLENTY: Supply = Supply { rooms: 5, seats: 5, vehicles: 5 };

impl House {
    pub(crate) async fn list_hotel(&mut self, details: HotelDetails) -> HotelId {
        let id = HotelId::of(&details.supplier, &details.code);
        let occasion = self.occasion();
        self.tell(id.stream(), Command::Hotel(HotelCommand::Upsert { details, occasion })).await;
        id
    }

    pub(crate) async fn list_flight(&mut self, details: FlightDetails) -> FlightId {
        let id = FlightId::of(&details.supplier, &details.code);
        let occasion = self.occasion();
        self.tell(id.stream(), Command::Flight(FlightCommand::Upsert { details, occasion })).await;
        id
    }

    pub(crate) async fn list_car(&mut self, details: CarDetails) -> CarId {
        let id = CarId::of(&details.supplier, &details.code);
        let occasion = self.occasion();
        self.tell(id.stream(), Command::Car(CarCommand::Upsert { details, occasion })).await;
        id
    }

    /// One hotel, one flight, one fleet, and a trip of all three.
    pub(crate) async fn offer(&mut self, supply: Supply, payment: PaymentPlan) -> TripPlan {
        let hotel = hotel_details("H", "The Grand", "London", vec![room_type("DBL", supply.rooms, 10_000)]);
        let hotel = self.list_hotel(hotel).await;
        let flight = flight_details("F", "2024-12-24T01:00:00Z", &[("ECONOMY", supply.seats, 25_000)]);
        let flight = self.list_flight(flight).await;
        let car = self.list_car(car_details("C", supply.vehicles, 3_000)).await;
        let stay = stay("2024-12-24", "2024-12-27");
        let rental = rental("2024-12-24T10:00:00Z", "2024-12-26T11:00:00Z");
        TripPlan {
            hotel: Some(HotelPart { hotel, room_type: "DBL".into(), stay, rooms: 1, price: gbp(30_000) }),
            flight: Some(FlightPart { flight, cabin: "ECONOMY".into(), seats: 1, price: gbp(25_000) }),
            car: Some(CarPart { car, rental, price: gbp(9_000) }),
            payment,
            total: gbp(64_000),
            starts_at: instant("2024-12-24T00:00:00Z"),
            discount: None,
            member: None,
            earns: None,
        }
    }
}

pub(crate) fn card() -> PaymentPlan {
    let card = CardToken { token: "tok_secret".into(), brand: "visa".into(), last_four: "4242".into() };
    PaymentPlan::Card(card)
}
