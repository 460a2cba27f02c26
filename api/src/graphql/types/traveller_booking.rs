//! A traveller's trips, as a list shows them.

use async_graphql::{ID, SimpleObject};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::views;

use super::{BookingStatus, Money, SagaStatus};
use crate::graphql::scalars::{Date, DateTime};

/// What the id of an entry has before that of its trip: two kinds of things never share an id.
const TRAVELLERS: &str = "traveller_";

/// The trip whose entry in the list of its traveller has this id.
pub(crate) fn trip_of_entry(id: &str) -> Option<BookingId> {
    id.strip_prefix(TRAVELLERS)?.parse().ok()
}

/// A trip in the list of its traveller: what it is, when, and where it stands. Ask `booking` for all of it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct TravellerBooking {
    /// Its own, of this entry of the list: that of the trip is `bookingId`.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The trip.
    pub(crate) booking_id: ID,
    /// When it was asked for.
    pub(crate) created_at: DateTime,
    /// Where it stands.
    pub(crate) status: BookingStatus,
    /// Where its process manager stands.
    pub(crate) saga_status: SagaStatus,
    /// The sum of its parts.
    pub(crate) total: Money,
    /// What it consists of: `hotel`, `flight` and `car`, in this order.
    pub(crate) parts: Vec<String>,
    /// The first moment of its use: the beginning of the check-in day, departure or pick-up.
    pub(crate) starts_at: DateTime,
    /// First night in the hotel; null without one.
    pub(crate) check_in: Option<Date>,
    /// The morning of departure from the hotel; null without one.
    pub(crate) check_out: Option<Date>,
}

impl From<views::TravellerBookingView> for TravellerBooking {
    fn from(view: views::TravellerBookingView) -> Self {
        Self {
            id: ID(format!("{TRAVELLERS}{}", view.booking)),
            booking_id: ID(view.booking.to_string()),
            created_at: DateTime(view.created_at),
            status: view.status.into(),
            saga_status: view.saga_status.into(),
            total: view.total.into(),
            parts: view.parts.into_iter().map(|part| part.as_str().to_owned()).collect(),
            starts_at: DateTime(view.starts_at),
            check_in: view.stay.map(|stay| Date(stay.check_in())),
            check_out: view.stay.map(|stay| Date(stay.check_out())),
        }
    }
}
