//! Versions of what records say.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the payloads. All of them are read; which one is written is a setting, so that of an installation's processes first all can
/// learn to read a new one before the first writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum Version {
    /// Instructions and answers as the log stores them.
    One,
    /// Instructions and answers flat.
    #[default]
    Two,
}

/// A number that is no version of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoVersion {
    /// Higher than all that this program knows.
    #[error("version {0} is of a newer program: use that one, or a version that this one knows")]
    Newer(u32),
    /// Zero.
    #[error("versions begin with 1")]
    Zero,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl TryFrom<u32> for Version {
    type Error = NoVersion;
    fn try_from(number: u32) -> Result<Self, NoVersion> {
        let found = Self::ALL.into_iter().find(|version| version.number() == number);
        found.ok_or(if number == 0 { NoVersion::Zero } else { NoVersion::Newer(number) })
    }
}

impl From<Version> for u32 {
    fn from(version: Version) -> Self {
        version.number()
    }
}
