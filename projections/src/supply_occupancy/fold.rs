//! An event taken into what is on sale and what is sold.

use chrono::{Days, NaiveDate};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::{CarDetails, CarEvent};
use traveladvisor_domain::flight::{FlightDetails, FlightEvent};
use traveladvisor_domain::hotel::{HotelDetails, HotelEvent};
use traveladvisor_domain::trip::HotelPart;
use uuid::Uuid;

use super::rows::{OccupancyBatch, Sale, Unit};

/// Whether something is sold or comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deal {
    Sold,
    GivenBack,
}

impl Deal {
    /// What it changes of what is sold.
    fn sale(self, count: u32, minor: i64) -> Sale {
        match self {
            Self::Sold => Sale { sold: i64::from(count), minor },
            Self::GivenBack => Sale { sold: -i64::from(count), minor: -minor },
        }
    }
}

pub(super) fn fold(batch: &mut OccupancyBatch, supply: Uuid, event: &Event) {
    match event {
        Event::Hotel(event) => fold_hotel(batch, supply, event),
        Event::Flight(event) => fold_flight(batch, supply, event),
        Event::Car(event) => fold_car(batch, supply, event),
        _ => {}
    }
}

fn fold_hotel(batch: &mut OccupancyBatch, hotel: Uuid, event: &HotelEvent) {
    match event {
        HotelEvent::HotelListed { details, .. } | HotelEvent::HotelChanged { details, .. } => {
            batch.units.insert(hotel, units_of_hotel(details));
        }
        HotelEvent::AllotmentChanged { room_type, from, to, rooms, stop_sell, .. } => {
            for night in nights(*from, *to) {
                let change = batch.allotments.entry((hotel, room_type.clone(), night)).or_default();
                change.rooms = rooms.map(i64::from).or(change.rooms);
                change.stop_sell = stop_sell.or(change.stop_sell);
            }
        }
        HotelEvent::RoomsReserved { part, .. } => deal_in_rooms(batch, hotel, part, Deal::Sold),
        HotelEvent::RoomsReleased { part, .. } => deal_in_rooms(batch, hotel, part, Deal::GivenBack),
        HotelEvent::RoomsRefused { .. } | HotelEvent::ReservationBarred { .. } | HotelEvent::AnswerRepeated { .. } => {}
    }
}

fn deal_in_rooms(batch: &mut OccupancyBatch, hotel: Uuid, part: &HotelPart, deal: Deal) {
    let nights = part.stay.night_count();
    for (place, night) in (0_i64..).zip(part.stay.nights()) {
        let key = (hotel, night, part.room_type.clone(), part.price.currency);
        let minor = share(part.price.minor, nights, place);
        batch.nights.entry(key).or_default().add(deal.sale(part.rooms, minor));
    }
}

fn fold_flight(batch: &mut OccupancyBatch, flight: Uuid, event: &FlightEvent) {
    let (part, deal) = match event {
        FlightEvent::FlightListed { details, .. } | FlightEvent::FlightChanged { details, .. } => {
            batch.units.insert(flight, units_of_flight(details));
            return;
        }
        FlightEvent::SeatsReserved { part, .. } => (part, Deal::Sold),
        FlightEvent::SeatsReleased { part, .. } => (part, Deal::GivenBack),
        FlightEvent::SeatsRefused { .. }
        | FlightEvent::ReservationBarred { .. }
        | FlightEvent::AnswerRepeated { .. } => return,
    };
    let key = (flight, part.cabin.clone(), part.price.currency);
    batch.seats.entry(key).or_default().add(deal.sale(part.seats, part.price.minor));
}

fn fold_car(batch: &mut OccupancyBatch, car: Uuid, event: &CarEvent) {
    let (part, deal) = match event {
        CarEvent::CarListed { details, .. } | CarEvent::CarChanged { details, .. } => {
            batch.units.insert(car, units_of_car(details));
            return;
        }
        CarEvent::VehicleReserved { part, .. } => (part, Deal::Sold),
        CarEvent::VehicleReleased { part, .. } => (part, Deal::GivenBack),
        CarEvent::VehicleRefused { .. } | CarEvent::ReservationBarred { .. } | CarEvent::AnswerRepeated { .. } => {
            return;
        }
    };
    let key = (car, part.rental.pick_up(), part.rental.started_days(), part.price.currency);
    batch.rentals.entry(key).or_default().add(deal.sale(1, part.price.minor));
}

fn units_of_hotel(details: &HotelDetails) -> Vec<Unit> {
    let unit =
        |name: &str, on_sale| Unit { name: name.to_owned(), on_sale, time_zone: details.time_zone, departure: None };
    details.room_types.iter().map(|kind| unit(&kind.code, kind.rooms)).collect()
}

fn units_of_flight(details: &FlightDetails) -> Vec<Unit> {
    let unit = |name: &str, on_sale| Unit {
        name: name.to_owned(),
        on_sale,
        time_zone: details.origin_zone,
        departure: Some(details.departure_at),
    };
    details.cabins.iter().map(|cabin| unit(&cabin.cabin, cabin.seats)).collect()
}

fn units_of_car(details: &CarDetails) -> Vec<Unit> {
    vec![Unit { name: String::new(), on_sale: details.vehicles, time_zone: details.time_zone, departure: None }]
}

/// What a price comes to on one of so many days; what does not divide counts for the first.
fn share(minor: i64, days: i64, place: i64) -> i64 {
    let rest = if place == 0 { minor % days } else { 0 };
    minor / days + rest
}

fn nights(from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    (0..(to - from).num_days()).filter_map(move |n| from.checked_add_days(Days::new(n.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn no_penny_of_a_price_is_lost_or_made_when_it_is_spread() {
        for (minor, days) in [(0, 1), (100, 1), (100, 3), (101, 3), (2, 365), (1_000_000_000_000, 7)] {
            let shares: Vec<i64> = (0..days).map(|place| share(minor, days, place)).collect();
            assert_eq!(shares.iter().sum::<i64>(), minor, "{minor} over {days}");
            assert!(
                shares[1..].iter().all(|other| *other == minor / days),
                "the rest counts for the first: {shares:?}"
            );
        }
    }
}
