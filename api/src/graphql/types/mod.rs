//! The types of the schema, and how the domain's and the read side's values become them.

mod booking;
mod campaign;
mod car;
mod code;
mod code_facts;
mod flight;
mod hotel;
mod ledger;
mod member;
mod member_words;
mod money;
mod node;
mod occupancy;
mod page;
mod points;
mod progress;
mod projection;
mod reward;
mod saga;
mod timeline;
mod traveller_booking;
mod user_error;
mod words;

pub(crate) use booking::Booking;
pub(crate) use campaign::Campaign;
pub(crate) use car::Car;
pub(crate) use code::ErrorCode;
pub(crate) use code_facts::{Again, Facts, Place};
pub(crate) use flight::Flight;
pub(crate) use hotel::Hotel;
pub(crate) use ledger::PaymentLedgerEntry;
pub(crate) use member::Member;
pub(crate) use member_words::{CampaignAction, CampaignStatus, Gender, MemberStatus, PointsEntryType, RewardKind};
pub(crate) use money::{Money, MoneyInput};
pub(crate) use node::{Node, NodeId};
pub(crate) use occupancy::Occupancy;
pub(crate) use page::{
    BookingConnection, CampaignConnection, CarConnection, FlightConnection, HotelConnection, PointsEntryConnection,
    RewardConnection, SagaConnection, TravellerBookingConnection,
};
pub(crate) use page::{Window, bad_cursor, page};
pub(crate) use points::{PointsAccount, PointsEntry};
pub(crate) use progress::BookingProgress;
pub(crate) use projection::Projection;
pub(crate) use reward::Reward;
pub(crate) use saga::Saga;
pub(crate) use timeline::TimelineEntry;
pub(crate) use traveller_booking::TravellerBooking;
pub(crate) use user_error::UserError;
pub(crate) use words::{BookingStatus, BookingWait, PartStatus, PaymentMethod, PaymentStatus, SagaStatus, SagaVerb};
