//! What a reward can be asked.

use super::event::Grant;
use crate::id::{BookingId, CampaignId, MemberId};
use crate::occasion::Occasion;
use crate::trip::VoucherPart;

/// Most trips that ask for one voucher, one after the other: each is remembered.
pub const TRIPS_MAX: usize = 100;
/// Longest cause of a reward, in characters.
pub const CAUSE_CHARS_MAX: usize = 100;

/// Commands of the aggregate `reward`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewardCommand {
    /// Grant it. Granted before: no events.
    Grant {
        /// To whom.
        member: MemberId,
        /// By which campaign.
        campaign: CampaignId,
        /// For what.
        cause: String,
        /// What.
        grant: Grant,
    },
    /// Make a trip cheaper. Never an error: what cannot be done is an event that refuses.
    Redeem {
        /// Which trip.
        booking: BookingId,
        /// Which attempt.
        attempt: u32,
        /// By how much, as quoted.
        part: VoucherPart,
        /// When.
        occasion: Occasion,
    },
    /// The trip does not stand.
    Return {
        /// Which trip.
        booking: BookingId,
        /// Which attempt of the undo.
        attempt: u32,
    },
}
