//! What happens to an e-mail address.

use serde::{Deserialize, Serialize};

use crate::id::MemberId;
use crate::shape::event_shapes;

/// Events of the stream `email_claim`; its UUID derives from the address, which is not repeated here (L8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmailClaimEvent {
    /// The address belongs to this member.
    EmailClaimed {
        /// Whose.
        member: MemberId,
    },
    /// The member has another address now.
    EmailReleased {
        /// Whose it was.
        member: MemberId,
    },
}

event_shapes! {
    EmailClaimEvent {
        EmailClaimed: [],
        EmailReleased: [],
    }
}
