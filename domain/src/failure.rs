//! Why something did not happen: a stable code and a sentence for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The closed list of codes that leave the program. The same words as the API's `ErrorCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// A field is malformed or outside its bounds.
    InvalidInput,
    /// No such booking, hotel, flight or car.
    NotFound,
    /// The idempotency key was used before with another input.
    IdempotencyKeyReused,
    /// `expectedVersion` is not the current one.
    VersionConflict,
    /// Others kept changing the same things; trying again may work.
    Conflict,
    /// Nothing left to sell.
    SoldOut,
    /// Closed for sale by the supplier.
    StopSell,
    /// The date or instant has passed.
    Past,
    /// The hotel has no such room type.
    UnknownRoomType,
    /// The flight has no such cabin.
    UnknownCabin,
    /// Today's price is not the expected or quoted one.
    PriceChanged,
    /// Amounts in different currencies cannot be added.
    CurrencyMismatch,
    /// The card was declined.
    PaymentDeclined,
    /// The account does not hold the amount.
    InsufficientFunds,
    /// This payment method cannot be used.
    PaymentMethodUnavailable,
    /// The booking is in no state to be cancelled.
    NotCancellable,
    /// The saga has nothing to resolve.
    NotResolvable,
    /// There is one already: a member of this identity, a member with this address.
    AlreadyExists,
    /// The member was closed.
    MemberClosed,
    /// The voucher pays for another trip.
    VoucherUsed,
    /// The voucher's validity has ended.
    VoucherExpired,
    /// The voucher cannot be used for this trip.
    VoucherNotApplicable,
    /// The campaign has ended, was closed, or has nothing left to grant.
    CampaignClosed,
    /// The campaign has not begun.
    CampaignNotOpen,
    /// A technical failure that outlasted all tries, or a service that is away.
    Unavailable,
    /// The inbox is full.
    Overloaded,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// A defect of ours.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::InvalidInput,
        Self::NotFound,
        Self::IdempotencyKeyReused,
        Self::VersionConflict,
        Self::Conflict,
        Self::SoldOut,
        Self::StopSell,
        Self::Past,
        Self::UnknownRoomType,
        Self::UnknownCabin,
        Self::PriceChanged,
        Self::CurrencyMismatch,
        Self::PaymentDeclined,
        Self::InsufficientFunds,
        Self::PaymentMethodUnavailable,
        Self::NotCancellable,
        Self::NotResolvable,
        Self::AlreadyExists,
        Self::MemberClosed,
        Self::VoucherUsed,
        Self::VoucherExpired,
        Self::VoucherNotApplicable,
        Self::CampaignClosed,
        Self::CampaignNotOpen,
        Self::Unavailable,
        Self::Overloaded,
        Self::DeadlineExceeded,
        Self::Internal,
    ];

    /// The code as the API writes it, for example `SOLD_OUT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "INVALID_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::VersionConflict => "VERSION_CONFLICT",
            Self::Conflict => "CONFLICT",
            Self::SoldOut => "SOLD_OUT",
            Self::StopSell => "STOP_SELL",
            Self::Past => "PAST",
            Self::UnknownRoomType => "UNKNOWN_ROOM_TYPE",
            Self::UnknownCabin => "UNKNOWN_CABIN",
            Self::PriceChanged => "PRICE_CHANGED",
            Self::CurrencyMismatch => "CURRENCY_MISMATCH",
            Self::PaymentDeclined => "PAYMENT_DECLINED",
            Self::InsufficientFunds => "INSUFFICIENT_FUNDS",
            Self::PaymentMethodUnavailable => "PAYMENT_METHOD_UNAVAILABLE",
            Self::NotCancellable => "NOT_CANCELLABLE",
            Self::NotResolvable => "NOT_RESOLVABLE",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::MemberClosed => "MEMBER_CLOSED",
            Self::VoucherUsed => "VOUCHER_USED",
            Self::VoucherExpired => "VOUCHER_EXPIRED",
            Self::VoucherNotApplicable => "VOUCHER_NOT_APPLICABLE",
            Self::CampaignClosed => "CAMPAIGN_CLOSED",
            Self::CampaignNotOpen => "CAMPAIGN_NOT_OPEN",
            Self::Unavailable => "UNAVAILABLE",
            Self::Overloaded => "OVERLOADED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal or a fault as it stands in events, messages and answers. Carries no personal value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// Stable code.
    pub code: Code,
    /// A sentence that says what happened and what to do.
    pub message: String,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
