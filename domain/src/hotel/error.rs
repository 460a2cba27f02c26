//! Why a supplier's command is refused.

use super::command::{ALLOTMENT_HORIZON_DAYS, ALLOTMENT_MAX, ALLOTMENT_NIGHTS_MAX, ROOM_TYPES_MAX};
use crate::failure::Code;

/// Refusals of commands by suppliers. Requests of sagas are refused by an event instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HotelError {
    /// The stream has no listing.
    #[error("no such hotel: list it first")]
    NotListed,
    /// The hotel has no such room type.
    #[error("the hotel has no room type {0}: use one of its codes")]
    UnknownRoomType(String),
    /// The range is empty or inverted.
    #[error("`to` must be after `from`: choose a later `to`")]
    EmptyRange,
    /// More nights than one change may span.
    #[error("an allotment change spans at most {max} nights: split it", max = ALLOTMENT_NIGHTS_MAX)]
    RangeTooLong,
    /// Nights too far ahead.
    #[error("nights can be put on sale for {days} days from today: choose an earlier `to`", days = ALLOTMENT_HORIZON_DAYS)]
    TooFarAhead,
    /// The range begins before today in the property's zone.
    #[error("`from` has passed at the property: choose today or later")]
    Past,
    /// More rooms than allowed.
    #[error("at most {max} rooms of a type can be on sale", max = ALLOTMENT_MAX)]
    TooManyRooms,
    /// Neither rooms nor stop-sell is given.
    #[error("give `rooms` or `stopSell`")]
    NothingToChange,
    /// No or too many room types, or two with one code.
    #[error("give 1 to {max} room types with different codes", max = ROOM_TYPES_MAX)]
    RoomTypes,
}

impl HotelError {
    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::NotListed => Code::NotFound,
            Self::UnknownRoomType(_) => Code::UnknownRoomType,
            Self::Past => Code::Past,
            Self::EmptyRange
            | Self::RangeTooLong
            | Self::TooFarAhead
            | Self::TooManyRooms
            | Self::NothingToChange
            | Self::RoomTypes => Code::InvalidInput,
        }
    }

    /// The input field at fault, as the API names it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NotListed => "hotelId",
            Self::UnknownRoomType(_) => "roomType",
            Self::EmptyRange | Self::RangeTooLong | Self::TooFarAhead => "to",
            Self::Past => "from",
            Self::TooManyRooms | Self::NothingToChange => "rooms",
            Self::RoomTypes => "roomTypes",
        }
    }
}
