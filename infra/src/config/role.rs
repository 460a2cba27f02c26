//! What one process of an installation does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use traveladvisor_domain::context::Context;

/// A role: one process has one, several or, by default, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes the commands and messages of bookings and their sagas, and fires their timers.
    Booking,
    /// The same for hotels.
    Hotel,
    /// The same for flights.
    Flight,
    /// The same for cars.
    Car,
    /// The same for payments: calls the payment gateway.
    Payment,
    /// The same for members, points and campaigns.
    Member,
    /// Stands by to deliver what the logs cause.
    Relay,
    /// Keeps the read models, and gathers the logs they are made from.
    Projections,
    /// Answers callers, and hands their commands on.
    Api,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`: use booking, hotel, flight, car, payment, member, relay, projections or api")]
pub struct NoRole(pub String);

impl Role {
    /// All roles.
    pub const ALL: [Self; 9] = [
        Self::Booking,
        Self::Hotel,
        Self::Flight,
        Self::Car,
        Self::Payment,
        Self::Member,
        Self::Relay,
        Self::Projections,
        Self::Api,
    ];

    /// Its name, as settings have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Projections => "projections",
            Self::Api => "api",
            Self::Booking => Context::Booking.as_str(),
            Self::Hotel => Context::Hotel.as_str(),
            Self::Flight => Context::Flight.as_str(),
            Self::Car => Context::Car.as_str(),
            Self::Payment => Context::Payment.as_str(),
            Self::Member => Context::Member.as_str(),
        }
    }

    /// Whose commands and messages it takes, if anybody's.
    pub const fn context(self) -> Option<Context> {
        match self {
            Self::Booking => Some(Context::Booking),
            Self::Hotel => Some(Context::Hotel),
            Self::Flight => Some(Context::Flight),
            Self::Car => Some(Context::Car),
            Self::Payment => Some(Context::Payment),
            Self::Member => Some(Context::Member),
            Self::Relay | Self::Projections | Self::Api => None,
        }
    }

    /// The port on which it listens unless told otherwise: that of the reference system.
    pub const fn port(self) -> u16 {
        match self {
            Self::Relay => 9100,
            Self::Member => 9200,
            Self::Payment => 9300,
            Self::Booking => 9400,
            Self::Hotel => 9500,
            Self::Flight => 9600,
            Self::Car => 9700,
            Self::Projections => 9800,
            Self::Api => 8072,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = NoRole;
    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| NoRole(text.to_owned()))
    }
}

/// A list, or its names with commas between them, as the environment has it.
pub(super) fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Role>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let names = match Given::deserialize(deserializer)? {
        Given::Text(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Given::List(names) => names,
    };
    let filled = names.iter().filter(|name| !name.is_empty());
    filled.map(|name| name.parse().map_err(serde::de::Error::custom)).collect()
}
