//! The enums of public words, in the reference system's names.

use async_graphql::Enum;
use traveladvisor_domain::trip_saga::attention::Verb;
use traveladvisor_projections::views;

/// Where a booking stands. APPROVED and CANCELLED are final; the others pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::BookingStatus")]
pub(crate) enum BookingStatus {
    /// Requested; nothing is reserved yet.
    Pending,
    /// Rooms are reserved.
    HotelBooked,
    /// Seats are reserved.
    FlightBooked,
    /// A vehicle is reserved.
    CarBooked,
    /// On the way back: the rooms are given back.
    HotelCancelled,
    /// On the way back: the seats are given back.
    FlightCancelled,
    /// On the way back: the vehicle is given back.
    CarCancelled,
    /// Everything stands.
    Approved,
    /// On the way back.
    Cancelling,
    /// Nothing stands.
    Cancelled,
}

/// Where the process manager of a trip stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::SagaStatus")]
pub(crate) enum SagaStatus {
    /// Nobody has answered yet.
    Started,
    /// On its way forward.
    Processing,
    /// On its way back.
    Compensating,
    /// Everything stands.
    Succeeded,
    /// Everything is taken back.
    Compensated,
    /// Given up by an operator.
    Failed,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::PaymentStatus")]
pub(crate) enum PaymentStatus {
    /// Not settled.
    Pending,
    /// The money is taken, or will be paid at the counter.
    Completed,
    /// Nothing is kept.
    Cancelled,
    /// Refused, or the gateway failed.
    Failed,
}

/// Where one part of a trip stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::PartStatus")]
pub(crate) enum PartStatus {
    /// Not answered yet.
    Pending,
    /// Reserved.
    Booked,
    /// Refused.
    Refused,
    /// Being given back.
    Cancelling,
    /// Given back, or never asked for because the trip was cancelled before.
    Cancelled,
}

/// How a trip is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::PaymentMethod")]
pub(crate) enum PaymentMethod {
    /// By card, charged when everything is reserved.
    Card,
    /// With the member's points.
    Points,
    /// At the counter: nothing is taken now.
    None,
}

/// What an operator can say of a step that waits. Which of them fit depends on the step; the others are answered `NOT_RESOLVABLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Verb")]
pub(crate) enum SagaVerb {
    /// Try it again now, also while it waits for its next try without an operator.
    Retry,
    /// The charge was made, with evidence: only for a payment whose outcome is unknown.
    MarkDone,
    /// It does not stand, with evidence: the charge was surely not made, or what is to be taken back was given back by other means.
    MarkUndone,
    /// Leave it as it is: the earlier steps are still taken back, then the saga has failed.
    GiveUp,
}

/// When a mutation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub(crate) enum BookingWait {
    /// Once the request is durable.
    #[default]
    Accepted,
    /// Once the saga has ended, 30 s at most; then as it stands.
    Finished,
}
