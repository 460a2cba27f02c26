//! What callers can read: one file for each query, or for several of one kind.

mod booking;
mod bookings;
mod campaigns;
mod car;
mod cars;
mod filter;
mod flight;
mod flights;
mod hotel;
mod hotels;
mod me;
mod node;
mod occupancy;
mod offer;
mod payment_ledger;
mod projections;
mod saga;
mod sagas;
mod traveller_bookings;
mod vouchers;

use async_graphql::MergedObject;

/// What callers can read.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Query(
    node::NodeQuery,
    booking::BookingQuery,
    bookings::BookingsQuery,
    hotel::HotelQuery,
    flight::FlightQuery,
    car::CarQuery,
    offer::OfferQuery,
    hotels::HotelsQuery,
    flights::FlightsQuery,
    cars::CarsQuery,
    saga::SagaQuery,
    sagas::SagasQuery,
    traveller_bookings::TravellerBookingsQuery,
    payment_ledger::PaymentLedgerQuery,
    occupancy::OccupancyQuery,
    projections::ProjectionsQuery,
    me::MeQuery,
    campaigns::CampaignsQuery,
    vouchers::VouchersQuery,
);
