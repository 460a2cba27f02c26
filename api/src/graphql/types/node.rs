//! What has an id of its own.

use async_graphql::{ID, Interface};
use traveladvisor_domain::id::{
    BookingId, CampaignId, CarId, FlightId, HotelId, MemberId, RewardId, StreamId, StreamKind,
};
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::runtime::ProjectionName;

use super::points::entry_of;
use super::projection::projection_of;
use super::traveller_booking::trip_of_entry;
use super::{Booking, Campaign, Car, Flight, Hotel, Member, PointsEntry, Projection, Reward, Saga, TravellerBooking};

/// Something with an id that stays, and that `node` finds by it.
#[derive(Debug, Clone, Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The kind, then which of its kind: a TypeID, for example `hotel_…`, or a name. No two things share one, whatever their kinds."
))]
pub(crate) enum Node {
    /// A trip.
    Booking(Booking),
    /// A property.
    Hotel(Hotel),
    /// A departure.
    Flight(Flight),
    /// A fleet.
    Car(Car),
    /// The process manager of a trip.
    Saga(Saga),
    /// A trip in the list of its traveller.
    TravellerBooking(TravellerBooking),
    /// A read model.
    Projection(Projection),
    /// A person who has signed up.
    Member(Member),
    /// A line of the history of a member's points.
    PointsEntry(PointsEntry),
    /// What is granted for which action.
    Campaign(Campaign),
    /// What a member was granted.
    Reward(Reward),
}

/// What an id names, told by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NodeId {
    /// A trip.
    Booking(BookingId),
    /// The process manager of a trip.
    Saga(BookingId),
    /// A trip in the list of its traveller.
    TravellerBooking(BookingId),
    /// A property.
    Hotel(HotelId),
    /// A departure.
    Flight(FlightId),
    /// A fleet.
    Car(CarId),
    /// A read model.
    Projection(ProjectionName),
    /// A person who has signed up.
    Member(MemberId),
    /// A line of the history of a member's points.
    PointsEntry(MemberId, Position),
    /// What is granted for which action.
    Campaign(CampaignId),
    /// What a member was granted.
    Reward(RewardId),
}

impl NodeId {
    /// Nothing for a text that is no id of something with an id of its own.
    pub(crate) fn of(id: &str) -> Option<Self> {
        if let Some(booking) = trip_of_entry(id) {
            return Some(Self::TravellerBooking(booking));
        }
        if let Some(name) = projection_of(id) {
            return Some(Self::Projection(name));
        }
        if let Some((member, position)) = entry_of(id) {
            return Some(Self::PointsEntry(member, position));
        }
        let StreamId { kind, uuid } = id.parse().ok()?;
        match kind {
            StreamKind::Booking => Some(Self::Booking(BookingId(uuid))),
            StreamKind::TripSaga => Some(Self::Saga(BookingId(uuid))),
            StreamKind::Hotel => Some(Self::Hotel(HotelId(uuid))),
            StreamKind::Flight => Some(Self::Flight(FlightId(uuid))),
            StreamKind::Car => Some(Self::Car(CarId(uuid))),
            StreamKind::Member => Some(Self::Member(MemberId(uuid))),
            StreamKind::Campaign => Some(Self::Campaign(CampaignId(uuid))),
            StreamKind::Reward => Some(Self::Reward(RewardId(uuid))),
            StreamKind::Payment
            | StreamKind::DeadLetter
            | StreamKind::EmailClaim
            | StreamKind::PointsAccount
            | StreamKind::Programme => None,
        }
    }
}
