//! What states take in memory, about: counted from lengths, never by walking through what grows.

use crate::aggregate::Aggregate;
use crate::booking::Booking;
use crate::dead_letter::DeadLetter;
use crate::trip_saga::TripSaga;

/// What the texts of one entry take on the heap, about: a code or two, or the sentence of a refusal.
const ENTRY_TEXTS_BYTES: usize = 64;
/// What the texts of a saga or payment take on the heap, about.
const TRIP_TEXTS_BYTES: usize = 256;
/// What a member's profile takes on the heap, about.
const MEMBER_TEXTS_BYTES: usize = 384;

/// Entries of a tree whose nodes are filled by two thirds.
pub(crate) const fn of_entries<K, V>(count: usize) -> usize {
    count * (size_of::<(K, V)>() * 3 / 2)
}

/// The same for entries that hold texts.
pub(crate) const fn of_entries_with_texts<K, V>(count: usize) -> usize {
    of_entries::<K, V>(count) + count * ENTRY_TEXTS_BYTES
}

/// Texts, with what each takes beside its letters.
pub(crate) fn of_texts<const N: usize>(texts: [&str; N]) -> usize {
    texts.iter().map(|text| text.len()).sum::<usize>() + N * 16
}

impl Aggregate {
    /// Bytes that the state takes in memory, about. Cheap: what grows is counted, not walked.
    pub fn footprint(&self) -> usize {
        let heap = match self {
            Self::Booking(_) | Self::DeadLetter(_) | Self::EmailClaim(_) => 0,
            Self::TripSaga(_) => size_of::<TripSaga>() + TRIP_TEXTS_BYTES,
            Self::Payment(_) => TRIP_TEXTS_BYTES,
            Self::Hotel(hotel) => hotel.footprint(),
            Self::Flight(flight) => flight.footprint(),
            Self::Car(car) => car.footprint(),
            Self::Member(_) => MEMBER_TEXTS_BYTES,
            Self::PointsAccount(account) => account.footprint(),
            Self::Campaign(campaign) => campaign.footprint(),
            Self::Reward(reward) => reward.footprint(),
            Self::Programme(programme) => programme.footprint(),
        };
        size_of::<Self>() + heap
    }

    /// Whether all that it was made for has happened: it is asked for again only if a traveller comes back to it.
    pub const fn is_finished(&self) -> bool {
        match self {
            Self::Booking(booking) => matches!(booking, Booking::Approved { .. } | Booking::Cancelled { .. }),
            Self::TripSaga(saga) => {
                matches!(**saga, TripSaga::Succeeded { .. } | TripSaga::Compensated { .. } | TripSaga::Failed { .. })
            }
            Self::Payment(payment) => payment.is_settled(),
            Self::DeadLetter(letter) => !matches!(letter, DeadLetter::Absent),
            Self::Hotel(_)
            | Self::Flight(_)
            | Self::Car(_)
            | Self::Member(_)
            | Self::EmailClaim(_)
            | Self::PointsAccount(_)
            | Self::Campaign(_)
            | Self::Reward(_)
            | Self::Programme(_) => false,
        }
    }
}
