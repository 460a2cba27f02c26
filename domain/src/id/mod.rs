//! Identifiers: `TypeIDs`, a prefix that names the kind and a UUID (<https://github.com/jetify-com/typeid>, version 0.3).

mod base32;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name space of the ids that derive from a supplier and its code (`UUIDv5`).
const CATALOGUE: Uuid = Uuid::from_u128(0x6f0e_2c59_5b0b_5f0a_9d0f_7a1c_41e8_b0d3);
/// Name space of the ids that derive from who somebody is (`UUIDv5`).
const PEOPLE: Uuid = Uuid::from_u128(0x2b1d_74c6_03e9_5c58_8f41_e6a9_5d27_90bb);
/// The one programme of an installation.
const PROGRAMME: Uuid = Uuid::from_u128(0x91a6_0d3f_c8b4_5e72_a45b_1f7e_3c60_d281);

/// A text that is no id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {expected} id: expected `{expected}_` and 26 characters of base 32")]
pub struct IdError {
    /// The prefix that was expected.
    pub expected: &'static str,
}

/// The kinds of streams of a log. The name is the column `aggregate_type` and the prefix of the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// A trip as its owner sees it.
    Booking,
    /// The process manager of one trip.
    TripSaga,
    /// A property.
    Hotel,
    /// One departure.
    Flight,
    /// A fleet of one class at one location.
    Car,
    /// The payment of one trip.
    Payment,
    /// A message that could not be handled.
    DeadLetter,
    /// A person who has signed up.
    Member,
    /// An e-mail address, and the member it belongs to.
    EmailClaim,
    /// The points of one member.
    PointsAccount,
    /// What is granted for which action.
    Campaign,
    /// What one member was granted: points, a voucher, a gift.
    Reward,
    /// The campaigns that there are: one stream.
    Programme,
}

impl StreamKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Booking,
        Self::TripSaga,
        Self::Hotel,
        Self::Flight,
        Self::Car,
        Self::Payment,
        Self::DeadLetter,
        Self::Member,
        Self::EmailClaim,
        Self::PointsAccount,
        Self::Campaign,
        Self::Reward,
        Self::Programme,
    ];

    /// The stored name, for example `trip_saga`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::TripSaga => "trip_saga",
            Self::Hotel => "hotel",
            Self::Flight => "flight",
            Self::Car => "car",
            Self::Payment => "payment",
            Self::DeadLetter => "dead_letter",
            Self::Member => "member",
            Self::EmailClaim => "email_claim",
            Self::PointsAccount => "points_account",
            Self::Campaign => "campaign",
            Self::Reward => "reward",
            Self::Programme => "programme",
        }
    }
}

impl FromStr for StreamKind {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(IdError { expected: "stream" })
    }
}

/// One stream of the log: its kind and its UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// What the stream is about.
    pub kind: StreamKind,
    /// Which one.
    pub uuid: Uuid,
}

impl StreamId {
    /// A stream of a kind.
    pub const fn new(kind: StreamKind, uuid: Uuid) -> Self {
        Self { kind, uuid }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        f.write_str("_")?;
        base32::write(self.uuid, f)
    }
}

impl FromStr for StreamId {
    type Err = IdError;
    /// Reads `prefix_suffix`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (prefix, suffix) = text.rsplit_once('_').ok_or(IdError { expected: "stream" })?;
        let kind: StreamKind = prefix.parse()?;
        let uuid = base32::decode(suffix).ok_or(IdError { expected: kind.as_str() })?;
        Ok(Self { kind, uuid })
    }
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub Uuid);

        impl $name {
            /// The stream that holds its events.
            pub const fn stream(self) -> StreamId {
                StreamId::new(StreamKind::$kind, self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.stream().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.stream().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let expected = IdError { expected: StreamKind::$kind.as_str() };
                match text.parse::<StreamId>() {
                    Ok(stream) if stream.kind == StreamKind::$kind => Ok(Self(stream.uuid)),
                    _ => Err(expected),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

typed_id!(
    /// A trip. Its saga and payment share the UUID under their own prefixes.
    BookingId,
    Booking
);
typed_id!(
    /// A property.
    HotelId,
    Hotel
);
typed_id!(
    /// One departure.
    FlightId,
    Flight
);
typed_id!(
    /// A fleet of one class at one location.
    CarId,
    Car
);

typed_id!(
    /// A person who has signed up. The points account shares the UUID under its own prefix.
    MemberId,
    Member
);
typed_id!(
    /// What is granted for which action.
    CampaignId,
    Campaign
);
typed_id!(
    /// What one member was granted.
    RewardId,
    Reward
);

typed_id!(
    /// A message that was set aside: the UUID is the message's own.
    LetterId,
    DeadLetter
);

/// The stream of the campaigns that there are.
pub const fn programme() -> StreamId {
    StreamId::new(StreamKind::Programme, PROGRAMME)
}

/// The stream of an e-mail address: the same for every spelling that [`normalized_email`] takes for one.
pub fn email_claim(email: &str) -> StreamId {
    let name = format!("email\0{}", normalized_email(email));
    StreamId::new(StreamKind::EmailClaim, Uuid::new_v5(&PEOPLE, name.as_bytes()))
}

/// An address as it is compared: without surrounding blanks, in lower case.
pub fn normalized_email(email: &str) -> String {
    email.trim().to_lowercase()
}

impl MemberId {
    /// The one member of an identity: of its issuer and subject, as the edge names callers.
    pub fn of(identity: &str) -> Self {
        Self(Uuid::new_v5(&PEOPLE, format!("identity\0{identity}").as_bytes()))
    }

    /// The stream of the member's points.
    pub const fn account(self) -> StreamId {
        StreamId::new(StreamKind::PointsAccount, self.0)
    }
}

impl CampaignId {
    /// The id that (supplier, code) has at every import.
    pub fn of(supplier: &str, code: &str) -> Self {
        Self(catalogue_uuid("campaign", supplier, code))
    }
}

impl RewardId {
    /// The one reward of a campaign for a cause.
    pub fn of(campaign: CampaignId, cause: &str) -> Self {
        Self(Uuid::new_v5(&campaign.0, cause.as_bytes()))
    }
}

impl BookingId {
    /// The stream of the trip's process manager.
    pub const fn saga(self) -> StreamId {
        StreamId::new(StreamKind::TripSaga, self.0)
    }

    /// The stream of the trip's payment.
    pub const fn payment(self) -> StreamId {
        StreamId::new(StreamKind::Payment, self.0)
    }
}

impl HotelId {
    /// The id that (supplier, code) has at every import.
    pub fn of(supplier: &str, code: &str) -> Self {
        Self(catalogue_uuid("hotel", supplier, code))
    }
}

impl FlightId {
    /// The id that (supplier, code) has at every import.
    pub fn of(supplier: &str, code: &str) -> Self {
        Self(catalogue_uuid("flight", supplier, code))
    }
}

impl CarId {
    /// The id that (supplier, code) has at every import.
    pub fn of(supplier: &str, code: &str) -> Self {
        Self(catalogue_uuid("car", supplier, code))
    }
}

/// NUL cannot stand in either part, so no two pairs share a name.
fn catalogue_uuid(kind: &str, supplier: &str, code: &str) -> Uuid {
    Uuid::new_v5(&CATALOGUE, format!("{kind}\0{supplier}\0{code}").as_bytes())
}
