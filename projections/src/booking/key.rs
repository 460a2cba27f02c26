//! Which trip an event concerns.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::BookingId;

use crate::runtime::Recorded;

/// The trip, or nothing for what suppliers change.
pub(super) fn booking_of(recorded: &Recorded) -> Option<BookingId> {
    match &recorded.told.event {
        Event::Booking(_) | Event::TripSaga(_) | Event::Payment(_) => Some(BookingId(recorded.stream.uuid)),
        Event::Hotel(event) => of_hotel(event),
        Event::Flight(event) => of_flight(event),
        Event::Car(event) => of_car(event),
        Event::DeadLetter(DeadLetterEvent::MessageDeadLettered { booking, .. }) => Some(*booking),
    }
}

const fn of_hotel(event: &HotelEvent) -> Option<BookingId> {
    match event {
        HotelEvent::RoomsReserved { booking, .. }
        | HotelEvent::RoomsRefused { booking, .. }
        | HotelEvent::RoomsReleased { booking, .. }
        | HotelEvent::ReservationBarred { booking, .. }
        | HotelEvent::AnswerRepeated { booking, .. } => Some(*booking),
        HotelEvent::HotelListed { .. } | HotelEvent::HotelChanged { .. } | HotelEvent::AllotmentChanged { .. } => None,
    }
}

const fn of_flight(event: &FlightEvent) -> Option<BookingId> {
    match event {
        FlightEvent::SeatsReserved { booking, .. }
        | FlightEvent::SeatsRefused { booking, .. }
        | FlightEvent::SeatsReleased { booking, .. }
        | FlightEvent::ReservationBarred { booking, .. }
        | FlightEvent::AnswerRepeated { booking, .. } => Some(*booking),
        FlightEvent::FlightListed { .. } | FlightEvent::FlightChanged { .. } => None,
    }
}

const fn of_car(event: &CarEvent) -> Option<BookingId> {
    match event {
        CarEvent::VehicleReserved { booking, .. }
        | CarEvent::VehicleRefused { booking, .. }
        | CarEvent::VehicleReleased { booking, .. }
        | CarEvent::ReservationBarred { booking, .. }
        | CarEvent::AnswerRepeated { booking, .. } => Some(*booking),
        CarEvent::CarListed { .. } | CarEvent::CarChanged { .. } => None,
    }
}
