//! What callers can read: one file for each query.

mod booking;
mod bookings;
mod car;
mod cars;
mod filter;
mod flight;
mod flights;
mod hotel;
mod hotels;
mod saga;
mod sagas;

use async_graphql::MergedObject;

/// What callers can read.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Query(
    booking::BookingQuery,
    bookings::BookingsQuery,
    hotel::HotelQuery,
    flight::FlightQuery,
    car::CarQuery,
    hotels::HotelsQuery,
    flights::FlightsQuery,
    cars::CarsQuery,
    saga::SagaQuery,
    sagas::SagasQuery,
);
