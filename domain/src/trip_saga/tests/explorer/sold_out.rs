//! A participant at a moment when others hold all that it has: it refuses what it has not promised. The others give it back afterwards.

use crate::aggregate::{Aggregate, Command, Event};
use crate::car::{CarCommand, CarDetails};
use crate::flight::{FlightCommand, FlightDetails};
use crate::hotel::{HotelCommand, HotelDetails};
use crate::occasion::Occasion;
use crate::points_account::PointsAccountCommand;
use crate::reward::RewardCommand;
use crate::testing::at;
use crate::testing::samples::{NOW, ON_SALE, car_details, day, flight_details, hotel_details, other_trip, trip};
use crate::trip::PaymentPlan;

/// The same participant with nothing left to sell.
pub(super) fn sold_out(aggregate: &Aggregate) -> Aggregate {
    let mut without = aggregate.clone();
    for event in withdrawal(aggregate, at(NOW)) {
        assert!(without.apply(&event), "an event of another kind");
    }
    without
}

fn withdrawal(aggregate: &Aggregate, occasion: Occasion) -> Vec<Event> {
    let command = match aggregate {
        Aggregate::Hotel(_) => {
            let mut details: HotelDetails = hotel_details();
            details.room_types.iter_mut().for_each(|kind| kind.rooms = 0);
            Command::Hotel(HotelCommand::Upsert { details, occasion })
        }
        Aggregate::Flight(_) => {
            let mut details: FlightDetails = flight_details();
            details.cabins.iter_mut().for_each(|cabin| cabin.seats = 0);
            Command::Flight(FlightCommand::Upsert { details, occasion })
        }
        Aggregate::Car(_) => {
            let details = CarDetails { vehicles: 0, ..car_details() };
            Command::Car(CarCommand::Upsert { details, occasion })
        }
        // Another trip of the same member was faster.
        Aggregate::PointsAccount(account) => {
            let (booking, order) = (other_trip::id(), other_trip::order(account.balance()));
            Command::PointsAccount(PointsAccountCommand::Order { booking, order, occasion })
        }
        Aggregate::Reward(_) => {
            let (booking, part) = (other_trip::id(), other_trip::voucher());
            Command::Reward(RewardCommand::Redeem { booking, attempt: 1, part, occasion })
        }
        _ => return Vec::new(),
    };
    aggregate.decide(command).expect("a supplier may withdraw what it has")
}

/// Whether the participant holds something for the trip.
pub(super) fn holds(aggregate: &Aggregate) -> bool {
    let left = match aggregate {
        Aggregate::Hotel(hotel) => hotel.rooms_left("DBL", day("2024-12-24")),
        Aggregate::Flight(flight) => flight.seats_left("ECONOMY"),
        Aggregate::Car(car) => trip([true; 3], PaymentPlan::None).car.and_then(|part| car.vehicles_left(part.rental)),
        Aggregate::Reward(voucher) => return voucher.is_used(),
        _ => return false,
    };
    left.is_some_and(|left| left < ON_SALE)
}
