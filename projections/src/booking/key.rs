//! Which trip an event concerns.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::points_account::{EarnedFor, PointsAccountEvent};
use traveladvisor_domain::reward::RewardEvent;

use crate::runtime::Recorded;

/// The kinds of streams that tell of trips.
pub(super) const STREAMS: [StreamKind; 9] = [
    StreamKind::Booking,
    StreamKind::TripSaga,
    StreamKind::Hotel,
    StreamKind::Flight,
    StreamKind::Car,
    StreamKind::Payment,
    StreamKind::DeadLetter,
    StreamKind::Reward,
    StreamKind::PointsAccount,
];

/// The trip, or nothing for what suppliers change and members are granted.
pub(super) fn booking_of(recorded: &Recorded) -> Option<BookingId> {
    match &recorded.told.event {
        Event::Booking(_) | Event::TripSaga(_) | Event::Payment(_) => Some(BookingId(recorded.stream.uuid)),
        Event::Hotel(event) => of_hotel(event),
        Event::Flight(event) => of_flight(event),
        Event::Car(event) => of_car(event),
        Event::DeadLetter(event) => event.booking(),
        Event::Reward(event) => of_reward(event),
        Event::PointsAccount(event) => of_points_account(event),
        Event::Member(_) | Event::EmailClaim(_) | Event::Campaign(_) | Event::Programme(_) => None,
    }
}

/// The trip that an event concerns which cannot be read: by its stream, or by what it belongs together with. What names no trip, such as
/// a change by a supplier, concerns none: it keeps the name of its stream, behind which nothing of this projection waits.
pub(super) fn of_unreadable(stream: StreamId, correlation: &str) -> StreamId {
    match stream.kind {
        StreamKind::Booking | StreamKind::TripSaga | StreamKind::Payment => BookingId(stream.uuid).stream(),
        StreamKind::Hotel
        | StreamKind::Flight
        | StreamKind::Car
        | StreamKind::DeadLetter
        | StreamKind::Reward
        | StreamKind::PointsAccount => correlation.parse().map_or(stream, BookingId::stream),
        StreamKind::Member | StreamKind::EmailClaim | StreamKind::Campaign | StreamKind::Programme => stream,
    }
}

const fn of_reward(event: &RewardEvent) -> Option<BookingId> {
    match event {
        RewardEvent::VoucherRedeemed { booking, .. }
        | RewardEvent::VoucherRefused { booking, .. }
        | RewardEvent::VoucherReturned { booking, .. }
        | RewardEvent::RedemptionBarred { booking, .. }
        | RewardEvent::AnswerRepeated { booking, .. } => Some(*booking),
        RewardEvent::RewardGranted { .. } => None,
    }
}

const fn of_points_account(event: &PointsAccountEvent) -> Option<BookingId> {
    match event {
        PointsAccountEvent::PointsRedeemed { booking, .. }
        | PointsAccountEvent::RedemptionRefused { booking, .. }
        | PointsAccountEvent::PointsRestored { booking, .. }
        | PointsAccountEvent::RedemptionBarred { booking, .. }
        | PointsAccountEvent::AnswerRepeated { booking, .. }
        | PointsAccountEvent::PointsReversed { booking, .. }
        | PointsAccountEvent::EarningBarred { booking, .. }
        | PointsAccountEvent::PointsEarned { earned_for: EarnedFor::Booking { booking, .. }, .. } => Some(*booking),
        PointsAccountEvent::PointsEarned { .. } | PointsAccountEvent::AccountClosed { .. } => None,
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
