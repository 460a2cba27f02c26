//! Why points cannot be given to a member.

use crate::failure::Code;
use crate::points::POINTS_MAX;

/// Refusals of commands by people. Orders of payments are refused by an event instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointsAccountError {
    /// The member has left.
    #[error("the member has left: nothing can be given any more")]
    Closed,
    /// Out of bounds, also together with what is there.
    #[error("points are whole numbers from 1 on, and an account holds at most {max}", max = POINTS_MAX)]
    Points,
}

impl PointsAccountError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::Closed => Code::MemberClosed,
            Self::Points => Code::InvalidInput,
        }
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Closed => "memberId",
            Self::Points => "points",
        }
    }
}
