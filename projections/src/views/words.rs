//! The public words for states, as the API writes them and the database stores them.

use serde::{Deserialize, Serialize};

/// An enum of public words: each variant has the word that the API writes and the database stores.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in the order of the API's list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as the API writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words!(
    /// Where a booking stands, in the reference system's words.
    BookingStatus {
        /// Requested; nothing is reserved yet.
        Pending => "PENDING",
        /// Rooms are reserved.
        HotelBooked => "HOTEL_BOOKED",
        /// Seats are reserved.
        FlightBooked => "FLIGHT_BOOKED",
        /// A vehicle is reserved.
        CarBooked => "CAR_BOOKED",
        /// On the way back: the rooms are given back.
        HotelCancelled => "HOTEL_CANCELLED",
        /// On the way back: the seats are given back.
        FlightCancelled => "FLIGHT_CANCELLED",
        /// On the way back: the vehicle is given back.
        CarCancelled => "CAR_CANCELLED",
        /// Everything stands.
        Approved => "APPROVED",
        /// On the way back.
        Cancelling => "CANCELLING",
        /// Nothing stands.
        Cancelled => "CANCELLED",
    }
);
words!(
    /// Where a trip's process manager stands.
    SagaStatus {
        /// Nobody has answered yet.
        Started => "STARTED",
        /// On its way forward.
        Processing => "PROCESSING",
        /// On its way back.
        Compensating => "COMPENSATING",
        /// Everything stands.
        Succeeded => "SUCCEEDED",
        /// Everything is taken back.
        Compensated => "COMPENSATED",
        /// Given up by an operator.
        Failed => "FAILED",
    }
);
words!(
    /// Where a payment stands.
    PaymentStatus {
        /// Not settled.
        Pending => "PENDING",
        /// The money is ours, or will be paid at the counter.
        Completed => "COMPLETED",
        /// Nothing is kept.
        Cancelled => "CANCELLED",
        /// Refused, or no gateway answered.
        Failed => "FAILED",
    }
);
words!(
    /// Where one part of a trip stands.
    PartStatus {
        /// Not answered.
        Pending => "PENDING",
        /// Reserved.
        Booked => "BOOKED",
        /// Refused.
        Refused => "REFUSED",
        /// Being given back.
        Cancelling => "CANCELLING",
        /// Given back, or never asked for because the trip was cancelled before.
        Cancelled => "CANCELLED",
    }
);
words!(
    /// How a trip is paid.
    PaymentMethod {
        /// By card.
        Card => "CARD",
        /// With points.
        Points => "POINTS",
        /// At the counter.
        None => "NONE",
    }
);
words!(
    /// Where one step of a saga stands.
    StepState {
        /// Its turn has not come.
        Pending => "PENDING",
        /// Asked for, no answer yet.
        Requested => "REQUESTED",
        /// A fault; it is asked for again later.
        Retrying => "RETRYING",
        /// Done.
        Done => "DONE",
        /// Refused, or its tries are used up.
        Refused => "REFUSED",
        /// Being taken back.
        Undoing => "UNDOING",
        /// A fault while it is taken back; tried again later.
        UndoRetrying => "UNDO_RETRYING",
        /// Taken back.
        Undone => "UNDONE",
        /// Left as it is by an operator.
        GivenUp => "GIVEN_UP",
    }
);
words!(
    /// Whether somebody is a member.
    MemberStatus {
        /// Is one.
        Active => "ACTIVE",
        /// Has left.
        Closed => "CLOSED",
    }
);
words!(
    /// What happened to the points of a member.
    PointsEntryType {
        /// They came: from a campaign, a trip or an operator.
        Earn => "EARN",
        /// They paid a trip.
        Redeem => "REDEEM",
        /// What a trip was paid with came back.
        Restored => "RESTORED",
        /// What a trip had brought was taken back.
        Reversed => "REVERSED",
        /// The member has left.
        Expired => "EXPIRED",
    }
);
