//! All projections of this program, each with its projector.

use futures::future::join_all;
use traveladvisor_infra::event_log::{EventLog, Lease, PROJECTIONS, Position};

use super::projector::Projector;
use super::status::{Ear, ProjectionStatus};
use super::tail::Tail;
use crate::booking::BookingProjection;
use crate::campaigns::Campaigns;
use crate::car_availability::CarAvailability;
use crate::flight_availability::FlightAvailability;
use crate::hotel_availability::HotelAvailability;
use crate::members::Members;
use crate::payment_ledger::PaymentLedger;
use crate::points::Points;
use crate::runtime::Projection;
use crate::supply_occupancy::SupplyOccupancy;
use crate::traveller_bookings::TravellerBookings;
use crate::vouchers::Vouchers;

/// The projections of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectionName {
    /// Trips and their sagas.
    Booking,
    /// Rooms left.
    HotelAvailability,
    /// Seats left.
    FlightAvailability,
    /// Vehicles left.
    CarAvailability,
    /// Trips of each traveller.
    TravellerBookings,
    /// What was taken and given back.
    PaymentLedger,
    /// What is sold, and for how much.
    SupplyOccupancy,
    /// Who has signed up.
    Members,
    /// Accounts of points and their histories.
    Points,
    /// What is granted for which action.
    Campaigns,
    /// What members were granted.
    Vouchers,
}

impl ProjectionName {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Booking,
        Self::HotelAvailability,
        Self::FlightAvailability,
        Self::CarAvailability,
        Self::TravellerBookings,
        Self::PaymentLedger,
        Self::SupplyOccupancy,
        Self::Members,
        Self::Points,
        Self::Campaigns,
        Self::Vouchers,
    ];

    /// Its place in [`Self::ALL`].
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Booking => 0,
            Self::HotelAvailability => 1,
            Self::FlightAvailability => 2,
            Self::CarAvailability => 3,
            Self::TravellerBookings => 4,
            Self::PaymentLedger => 5,
            Self::SupplyOccupancy => 6,
            Self::Members => 7,
            Self::Points => 8,
            Self::Campaigns => 9,
            Self::Vouchers => 10,
        }
    }

    /// The stored name, for example `hotel_availability`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => BookingProjection::NAME,
            Self::HotelAvailability => HotelAvailability::NAME,
            Self::FlightAvailability => FlightAvailability::NAME,
            Self::CarAvailability => CarAvailability::NAME,
            Self::TravellerBookings => TravellerBookings::NAME,
            Self::PaymentLedger => PaymentLedger::NAME,
            Self::SupplyOccupancy => SupplyOccupancy::NAME,
            Self::Members => Members::NAME,
            Self::Points => Points::NAME,
            Self::Campaigns => Campaigns::NAME,
            Self::Vouchers => Vouchers::NAME,
        }
    }
}

/// Something that is done with a projection, whichever it is.
pub(crate) trait Visit {
    /// What comes of it.
    type Out;

    /// Does it.
    fn visit<P: Projection>(self, projection: P) -> impl Future<Output = Self::Out> + Send;
}

impl ProjectionName {
    /// The name that is stored as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// Does something with the projection of this name.
    pub(crate) async fn meet<V: Visit + Send>(self, visitor: V) -> V::Out {
        match self {
            Self::Booking => visitor.visit(BookingProjection).await,
            Self::HotelAvailability => visitor.visit(HotelAvailability).await,
            Self::FlightAvailability => visitor.visit(FlightAvailability).await,
            Self::CarAvailability => visitor.visit(CarAvailability).await,
            Self::TravellerBookings => visitor.visit(TravellerBookings).await,
            Self::PaymentLedger => visitor.visit(PaymentLedger).await,
            Self::SupplyOccupancy => visitor.visit(SupplyOccupancy).await,
            Self::Members => visitor.visit(Members).await,
            Self::Points => visitor.visit(Points).await,
            Self::Campaigns => visitor.visit(Campaigns).await,
            Self::Vouchers => visitor.visit(Vouchers).await,
        }
    }
}

/// The projectors of this process. They follow the log while this process owns the read models and look on while another does. Dropping
/// them ends their work as well, without waiting for it and without letting go of the lease, as a kill would.
#[derive(Debug)]
pub struct Projectors {
    /// In the order of [`ProjectionName::ALL`].
    running: [Projector; ProjectionName::ALL.len()],
    lease: Lease,
}

impl Projectors {
    /// Starts one projector for each projection and competes for the right to let them work. Must be called inside tokio.
    pub fn start(log: EventLog) -> Self {
        let lease = Lease::compete(&log, PROJECTIONS);
        Self::in_turns_of(lease, log)
    }

    /// Only looks on how far others bring the projections, and never works itself. Must be called inside tokio.
    pub fn look_on(log: EventLog) -> Self {
        Self::in_turns_of(Lease::look_on(), log)
    }

    fn in_turns_of(lease: Lease, log: EventLog) -> Self {
        let tail = Tail::new(log);
        let running = ProjectionName::ALL.map(|name| {
            let (tail, turns) = (tail.clone(), lease.turns());
            match name {
                ProjectionName::Booking => Projector::in_turns(BookingProjection, tail, turns),
                ProjectionName::HotelAvailability => Projector::in_turns(HotelAvailability, tail, turns),
                ProjectionName::FlightAvailability => Projector::in_turns(FlightAvailability, tail, turns),
                ProjectionName::CarAvailability => Projector::in_turns(CarAvailability, tail, turns),
                ProjectionName::TravellerBookings => Projector::in_turns(TravellerBookings, tail, turns),
                ProjectionName::PaymentLedger => Projector::in_turns(PaymentLedger, tail, turns),
                ProjectionName::SupplyOccupancy => Projector::in_turns(SupplyOccupancy, tail, turns),
                ProjectionName::Members => Projector::in_turns(Members, tail, turns),
                ProjectionName::Points => Projector::in_turns(Points, tail, turns),
                ProjectionName::Campaigns => Projector::in_turns(Campaigns, tail, turns),
                ProjectionName::Vouchers => Projector::in_turns(Vouchers, tail, turns),
            }
        });
        Self { running, lease }
    }

    /// How far each projection has come.
    pub fn positions(&self) -> Vec<(&'static str, Position)> {
        self.status().into_iter().map(|status| (status.name, status.position)).collect()
    }

    /// How each projection is doing.
    pub fn status(&self) -> Vec<ProjectionStatus> {
        self.running.iter().map(Projector::status).collect()
    }

    /// Ends them after the batch they are at; then another process may go on.
    pub async fn stop(self) {
        join_all(self.running.map(Projector::stop)).await;
        self.lease.let_go().await;
    }

    pub(crate) fn ears(&self) -> [Ear; ProjectionName::ALL.len()] {
        self.running.each_ref().map(|projector| projector.ear().clone())
    }
}
