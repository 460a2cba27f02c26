//! The closed list of codes, as the schema names them. What is told of each, and where, stands in `code_facts` and is printed by
//! `error_page`; both take the sentences from here.

use async_graphql::Enum;
use traveladvisor_domain::failure::Code;

/// Why something did not happen. A closed list: adding a code is a change of the schema. Each says what is so, and after the colon what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ErrorCode {
    /// A field is malformed or outside its bounds: correct it.
    InvalidInput,
    /// There is no such thing, or none that the caller may see: check the id.
    NotFound,
    /// The idempotency key was used before with another input: take a new key.
    IdempotencyKeyReused,
    /// `expectedVersion` is not the current one: look at the state that comes with the error, then decide again.
    VersionConflict,
    /// Others kept changing the same things: try again.
    Conflict,
    /// Nothing is left to sell: choose other dates or another offer.
    SoldOut,
    /// The supplier has closed the sale: choose other dates or another offer.
    StopSell,
    /// The date or instant has passed: choose a later one.
    Past,
    /// The hotel has no such room type: read its room types.
    UnknownRoomType,
    /// The flight has no such cabin: read its cabins.
    UnknownCabin,
    /// Today's price is not the expected or quoted one: confirm the new one.
    PriceChanged,
    /// Amounts of different currencies meet, such as those of a trip's parts: book them as separate trips.
    CurrencyMismatch,
    /// The card was declined: use another.
    PaymentDeclined,
    /// The account, or the member's points, do not hold the amount: pay in another way.
    InsufficientFunds,
    /// This payment method cannot be used: choose another.
    PaymentMethodUnavailable,
    /// The booking is in no state to be cancelled: read its status.
    NotCancellable,
    /// The saga does not wait for this: read what it waits for.
    NotResolvable,
    /// There is one already, of this identity, address or cause: use that one, or give another.
    AlreadyExists,
    /// The member has left: ask the operators.
    MemberClosed,
    /// The voucher is used for another trip: book without it.
    VoucherUsed,
    /// The voucher has expired: book without it.
    VoucherExpired,
    /// The voucher is not for such a trip: book without it, or a trip that it is for.
    VoucherNotApplicable,
    /// The campaign has ended: choose another.
    CampaignClosed,
    /// The campaign has not begun: wait for its date, or open it.
    CampaignNotOpen,
    /// The caller is not known: sign in.
    Unauthenticated,
    /// The caller may not do this: ask for the scope that it needs.
    Forbidden,
    /// Too many requests: wait a while.
    RateLimited,
    /// The query asks for too much at once: ask for less.
    QueryTooComplex,
    /// The hash of a persisted query is not known here: send the query with it.
    PersistedQueryNotFound,
    /// Too much is waiting already: try again later.
    Overloaded,
    /// A needed service is away: try again later, with the same idempotency key.
    Unavailable,
    /// The answer took too long: ask again, with the same idempotency key.
    DeadlineExceeded,
    /// A defect of ours: report it.
    Internal,
}

impl ErrorCode {
    /// The code as it is written, for example `SOLD_OUT`.
    pub(crate) fn as_str(self) -> &'static str {
        use async_graphql::resolver_utils::EnumType;
        Self::items().iter().find(|item| item.value == self).map_or("INTERNAL", |item| item.name)
    }
}

impl From<Code> for ErrorCode {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidInput => Self::InvalidInput,
            Code::NotFound => Self::NotFound,
            Code::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            Code::VersionConflict => Self::VersionConflict,
            Code::Conflict => Self::Conflict,
            Code::SoldOut => Self::SoldOut,
            Code::StopSell => Self::StopSell,
            Code::Past => Self::Past,
            Code::UnknownRoomType => Self::UnknownRoomType,
            Code::UnknownCabin => Self::UnknownCabin,
            Code::PriceChanged => Self::PriceChanged,
            Code::CurrencyMismatch => Self::CurrencyMismatch,
            Code::PaymentDeclined => Self::PaymentDeclined,
            Code::InsufficientFunds => Self::InsufficientFunds,
            Code::PaymentMethodUnavailable => Self::PaymentMethodUnavailable,
            Code::NotCancellable => Self::NotCancellable,
            Code::NotResolvable => Self::NotResolvable,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::MemberClosed => Self::MemberClosed,
            Code::VoucherUsed => Self::VoucherUsed,
            Code::VoucherExpired => Self::VoucherExpired,
            Code::VoucherNotApplicable => Self::VoucherNotApplicable,
            Code::CampaignClosed => Self::CampaignClosed,
            Code::CampaignNotOpen => Self::CampaignNotOpen,
            Code::Unavailable => Self::Unavailable,
            Code::Overloaded => Self::Overloaded,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::Internal => Self::Internal,
        }
    }
}
