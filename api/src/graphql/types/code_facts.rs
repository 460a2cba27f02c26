//! Where a code is told, under which status, and whether the same request may be sent again.

use axum::http::StatusCode;

use super::ErrorCode;

/// Where an error stands in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the payload's `errors`: the caller can put it right.
    Data,
    /// In GraphQL `errors`, as `extensions.code`: a fault, a right or a limit.
    Errors,
    /// In either: by what was asked.
    Both,
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would come to the same: something must be changed first.
    No,
    /// After a pause.
    Later,
    /// After a pause, with the same idempotency key: what was asked may have been done.
    SameKey,
}

/// What a program needs to know of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) place: Place,
    /// Of an answer in `application/graphql-response+json` when no part of the request was executed because of it. An error of a single
    /// field, and one that is data, comes with 200.
    pub(crate) status: StatusCode,
    pub(crate) again: Again,
}

impl ErrorCode {
    /// What a program needs to know of it.
    pub(crate) const fn facts(self) -> Facts {
        let (place, status, again) = match self {
            Self::InvalidInput => (Place::Both, StatusCode::BAD_REQUEST, Again::No),
            Self::NotFound => (Place::Both, StatusCode::NOT_FOUND, Again::No),
            Self::Past => (Place::Both, StatusCode::OK, Again::No),
            Self::IdempotencyKeyReused
            | Self::VersionConflict
            | Self::SoldOut
            | Self::StopSell
            | Self::UnknownRoomType
            | Self::UnknownCabin
            | Self::PriceChanged
            | Self::CurrencyMismatch
            | Self::PaymentDeclined
            | Self::InsufficientFunds
            | Self::PaymentMethodUnavailable
            | Self::NotCancellable
            | Self::NotResolvable
            | Self::AlreadyExists
            | Self::MemberClosed
            | Self::VoucherUsed
            | Self::VoucherExpired
            | Self::VoucherNotApplicable
            | Self::CampaignClosed
            | Self::CampaignNotOpen => (Place::Data, StatusCode::OK, Again::No),
            Self::Conflict => (Place::Data, StatusCode::OK, Again::Later),
            Self::Unauthenticated => (Place::Errors, StatusCode::UNAUTHORIZED, Again::No),
            Self::Forbidden => (Place::Errors, StatusCode::FORBIDDEN, Again::No),
            Self::QueryTooComplex | Self::PersistedQueryNotFound => (Place::Errors, StatusCode::BAD_REQUEST, Again::No),
            Self::RateLimited => (Place::Errors, StatusCode::TOO_MANY_REQUESTS, Again::Later),
            Self::Overloaded => (Place::Errors, StatusCode::SERVICE_UNAVAILABLE, Again::Later),
            Self::Unavailable => (Place::Errors, StatusCode::SERVICE_UNAVAILABLE, Again::SameKey),
            Self::DeadlineExceeded => (Place::Errors, StatusCode::GATEWAY_TIMEOUT, Again::SameKey),
            Self::Internal => (Place::Errors, StatusCode::INTERNAL_SERVER_ERROR, Again::No),
        };
        Facts { place, status, again }
    }
}
