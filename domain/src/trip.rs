//! What a trip consists of, as quoted: its parts, its payment, its total. Carried by events and messages, so it holds no personal value.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::discount::Discount;
use crate::failure::{Code, Failure};
use crate::id::{CarId, FlightId, HotelId, MemberId, RewardId};
use crate::money::Money;
use crate::points::{Earning, PointsToRedeem};
use crate::rental::Rental;
use crate::stay::Stay;

/// Most rooms in one booking.
pub const ROOMS_MAX: u32 = 99;
/// Most seats in one booking.
pub const SEATS_MAX: u32 = 99;

/// Rooms of one type for one stay, at the quoted price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HotelPart {
    /// The property.
    pub hotel: HotelId,
    /// The property's code of the room type.
    pub room_type: String,
    /// The nights.
    pub stay: Stay,
    /// 1 to [`ROOMS_MAX`].
    pub rooms: u32,
    /// Nightly price × nights × rooms.
    pub price: Money,
}

/// Seats of one cabin on one departure, at the quoted price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlightPart {
    /// The departure.
    pub flight: FlightId,
    /// The cabin, for example `ECONOMY`.
    pub cabin: String,
    /// 1 to [`SEATS_MAX`].
    pub seats: u32,
    /// Seat price × seats.
    pub price: Money,
}

/// One vehicle for one rental, at the quoted price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CarPart {
    /// The fleet.
    pub car: CarId,
    /// From pick-up to drop-off.
    pub rental: Rental,
    /// Daily price × started days.
    pub price: Money,
}

/// How the trip is paid. A card is known by its token only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentPlan {
    /// By card.
    Card(CardToken),
    /// With points, nobody's in particular: what is asked for before it is quoted. Trips of before there were accounts stand in the log with
    /// it; their payments are refused.
    Points,
    /// With a member's points.
    Redeem(PointsToRedeem),
    /// At the counter: nothing is taken now.
    None,
}

/// What is left of a card after the edge has exchanged its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CardToken {
    /// The gateway's token.
    pub token: String,
    /// For example `visa`.
    pub brand: String,
    /// The number's last four digits.
    pub last_four: String,
}

/// A voucher, and what it takes off the trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VoucherPart {
    /// Which.
    pub voucher: RewardId,
    /// Who books: it must be the voucher's own member.
    pub member: MemberId,
    /// The sum of the parts' prices.
    pub total: Money,
    /// What the voucher takes off it.
    pub discount: Money,
}

/// A trip as quoted. At least one part is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripPlan {
    /// The hotel, if any.
    pub hotel: Option<HotelPart>,
    /// The flight, if any.
    pub flight: Option<FlightPart>,
    /// The car, if any.
    pub car: Option<CarPart>,
    /// How it is paid.
    pub payment: PaymentPlan,
    /// What is quoted, paid and refunded: the sum of the parts without the discount.
    pub total: Money,
    /// The first moment that the traveller uses anything of it: check-in day's start, departure or pick-up.
    pub starts_at: DateTime<Utc>,
    /// What a voucher takes off the sum of the parts. A part's `price` stays its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Who books, where that is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The points that it brings once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earns: Option<Earning>,
}

impl TripPlan {
    /// What the voucher is asked for, where there is one.
    pub fn voucher(&self) -> Option<VoucherPart> {
        let (discount, member) = self.discount.as_ref().zip(self.member)?;
        let total = Money::new(self.total.minor + discount.amount.minor, self.total.currency);
        Some(VoucherPart { voucher: discount.voucher, member, total, discount: discount.amount })
    }
}

/// One step of a trip, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Use the voucher.
    Voucher,
    /// Reserve rooms.
    Hotel,
    /// Reserve seats.
    Flight,
    /// Reserve a vehicle.
    Car,
    /// Take the money: the pivot.
    Payment,
    /// Approve the booking. Its undo cancels the booking, last of all.
    Approve,
}

impl Step {
    /// The stored name, for example `hotel`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voucher => "voucher",
            Self::Hotel => "hotel",
            Self::Flight => "flight",
            Self::Car => "car",
            Self::Payment => "payment",
            Self::Approve => "approve",
        }
    }
}

/// What a participant asks for something today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The price of the whole part.
    pub price: Money,
    /// The first moment of its use.
    pub starts_at: DateTime<Utc>,
}

/// Why there is no offer, and which input field is at fault, as the API names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoOffer {
    /// Code and sentence.
    pub failure: Failure,
    /// For example `checkIn`.
    pub field: &'static str,
}

impl NoOffer {
    /// No offer, because of a field.
    pub fn new(code: Code, message: impl Into<String>, field: &'static str) -> Self {
        Self { failure: Failure::new(code, message), field }
    }
}
