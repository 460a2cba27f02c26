//! The types of the schema, and how the domain's and the read side's values become them.

mod booking;
mod car;
mod code;
mod code_facts;
mod flight;
mod hotel;
mod ledger;
mod money;
mod node;
mod occupancy;
mod page;
mod progress;
mod projection;
mod saga;
mod timeline;
mod traveller_booking;
mod user_error;
mod words;

pub(crate) use booking::Booking;
pub(crate) use car::Car;
pub(crate) use code::ErrorCode;
pub(crate) use code_facts::{Again, Facts, Place};
pub(crate) use flight::Flight;
pub(crate) use hotel::Hotel;
pub(crate) use ledger::PaymentLedgerEntry;
pub(crate) use money::{Money, MoneyInput};
pub(crate) use node::{Node, NodeId};
pub(crate) use occupancy::Occupancy;
pub(crate) use page::{
    BookingConnection, CarConnection, FlightConnection, HotelConnection, SagaConnection, TravellerBookingConnection,
};
pub(crate) use page::{Window, bad_cursor, page};
pub(crate) use progress::BookingProgress;
pub(crate) use projection::Projection;
pub(crate) use saga::Saga;
pub(crate) use timeline::TimelineEntry;
pub(crate) use traveller_booking::TravellerBooking;
pub(crate) use user_error::UserError;
pub(crate) use words::{BookingStatus, BookingWait, PartStatus, PaymentMethod, PaymentStatus, SagaStatus, SagaVerb};
