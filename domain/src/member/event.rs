//! What happens to a member.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::MemberId;
use crate::personal::Personal;
use crate::shape::event_shapes;

/// As the reference system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Another.
    Other,
    /// Not told.
    Undisclosed,
}

impl Gender {
    /// The stored name, for example `UNDISCLOSED`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Male => "MALE",
            Self::Female => "FEMALE",
            Self::Other => "OTHER",
            Self::Undisclosed => "UNDISCLOSED",
        }
    }
}

/// What a member says of itself. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// E-mail address, as given. No other member has it.
    pub email: String,
    /// Name that others may see.
    pub nickname: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Telephone number, as given.
    pub contact_number: String,
    /// Gender.
    pub gender: Gender,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(..)")
    }
}

/// What changes of a profile: absent stays as it is. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileChanges {
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_number: Option<String>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
}

impl fmt::Debug for ProfileChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileChanges(..)")
    }
}

impl ProfileChanges {
    /// The profile with these changes.
    #[must_use]
    pub fn of(&self, profile: &Profile) -> Profile {
        let text = |change: &Option<String>, now: &String| change.as_ref().unwrap_or(now).clone();
        Profile {
            email: text(&self.email, &profile.email),
            nickname: text(&self.nickname, &profile.nickname),
            first_name: text(&self.first_name, &profile.first_name),
            last_name: text(&self.last_name, &profile.last_name),
            contact_number: text(&self.contact_number, &profile.contact_number),
            gender: self.gender.unwrap_or(profile.gender),
        }
    }

    /// Those of them that change this profile: what is so already is not stored once more.
    #[must_use]
    pub fn from(self, profile: &Profile) -> Self {
        let other = |change: Option<String>, now: &String| change.filter(|change| change != now);
        Self {
            email: other(self.email, &profile.email),
            nickname: other(self.nickname, &profile.nickname),
            first_name: other(self.first_name, &profile.first_name),
            last_name: other(self.last_name, &profile.last_name),
            contact_number: other(self.contact_number, &profile.contact_number),
            gender: self.gender.filter(|gender| *gender != profile.gender),
        }
    }
}

/// Events of the stream `member`. Personal values stand in the event that brings them and nowhere else (L8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberEvent {
    /// Somebody has become a member.
    MemberSignedUp {
        /// Who it is: the opaque name that the edge gives to issuer and subject. The member's id derives from it.
        identity: String,
        /// What the member says of itself.
        profile: Personal<Profile>,
        /// Who has referred the member here, if anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        referrer: Option<MemberId>,
    },
    /// Something of the profile was changed.
    ProfileChanged {
        /// What, and nothing else.
        changes: Personal<ProfileChanges>,
    },
    /// The member has left. Nobody signs up with this identity again.
    MemberClosed {
        /// The caller's words, if any.
        reason: Option<String>,
    },
}

event_shapes! {
    MemberEvent {
        MemberSignedUp: [],
        ProfileChanged: [],
        MemberClosed: [],
    }
}
