//! What can be asked of an e-mail address.

use crate::id::MemberId;

/// Commands of the aggregate `email_claim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailClaimCommand {
    /// It is to belong to this member. Its own address again changes nothing.
    Claim {
        /// Whose.
        member: MemberId,
    },
    /// This member gives it up. Another's stays as it is.
    Release {
        /// Whose it was.
        member: MemberId,
    },
}
