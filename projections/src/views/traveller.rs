//! A traveller's trips, as a list shows them.

use chrono::{DateTime, Utc};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::Step;

use super::{BookingStatus, SagaStatus};

/// A trip in the list of its traveller; no personal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TravellerBookingView {
    /// Which trip.
    pub booking: BookingId,
    /// Who may see it: the opaque name of the caller who asked for it.
    pub owner: String,
    /// When it was asked for, by the program's clock.
    pub created_at: DateTime<Utc>,
    /// Where it stands.
    pub status: BookingStatus,
    /// Where its saga stands.
    pub saga_status: SagaStatus,
    /// The sum of its parts.
    pub total: Money,
    /// The first moment of its use.
    pub starts_at: DateTime<Utc>,
    /// The nights in the hotel, if it has one.
    pub stay: Option<Stay>,
    /// What it consists of: hotel, flight, car, in this order.
    pub parts: Vec<Step>,
}
