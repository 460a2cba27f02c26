//! What a member can be asked.

use super::event::{Profile, ProfileChanges};
use crate::id::MemberId;

/// Longest nickname, first and last name, in characters: those of the reference system.
pub const NAME_CHARS_MAX: usize = 30;
/// Longest contact number, in characters: that of the reference system.
pub const CONTACT_NUMBER_CHARS_MAX: usize = 20;
/// Longest reason for which a member leaves, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// Commands of the aggregate `member`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberCommand {
    /// Become a member. An identity does so once.
    SignUp {
        /// Who it is.
        identity: String,
        /// What the member says of itself.
        profile: Profile,
        /// Who has referred the member here.
        referrer: Option<MemberId>,
    },
    /// Change the profile. No change writes nothing.
    ChangeProfile {
        /// What changes.
        changes: ProfileChanges,
    },
    /// Leave.
    Close {
        /// The caller's words, if any.
        reason: Option<String>,
    },
}
