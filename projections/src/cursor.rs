//! Cursors: opaque to those who hold them, a sort key and an id to those who read on.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::reads::ReadError;
use crate::search::{CursorEnd, Page};

/// Longest cursor that is read, in characters: a name of the longest kind, in hexadecimal, with room to spare.
const CURSOR_CHARS_MAX: usize = 8_192;

/// Which list a cursor belongs to: no other list takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum List {
    #[serde(rename = "b")]
    Bookings,
    #[serde(rename = "h")]
    Hotels,
    #[serde(rename = "f")]
    Flights,
    #[serde(rename = "c")]
    Cars,
    #[serde(rename = "s")]
    Sagas,
    #[serde(rename = "w")]
    WaitingSagas,
    #[serde(rename = "t")]
    TravellerBookings,
    #[serde(rename = "p")]
    PointsEntries,
    #[serde(rename = "a")]
    Campaigns,
    #[serde(rename = "v")]
    Vouchers,
}

/// A cursor at a sort key.
pub(crate) fn write<K: Serialize>(list: List, key: &K) -> String {
    // Keys are tuples of text, numbers, ids and instants: they always have a JSON form.
    let json = serde_json::to_vec(&(list, key)).unwrap_or_default();
    json.iter().fold(String::with_capacity(json.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|half| char::from(b"0123456789abcdef"[usize::from(half)])));
        text
    })
}

/// The sort key at which one of a page's cursors stands, if it is given.
pub(crate) fn read<K: DeserializeOwned>(list: List, page: &Page, end: CursorEnd) -> Result<Option<K>, ReadError> {
    let cursor = match end {
        CursorEnd::After => &page.after,
        CursorEnd::Before => &page.before,
    };
    let Some(cursor) = cursor else { return Ok(None) };
    let key = unhex(cursor).and_then(|json| serde_json::from_slice::<(List, K)>(&json).ok());
    match key {
        Some((known, key)) if known == list => Ok(Some(key)),
        _ => Err(ReadError::BadCursor(end)),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_sound = text.len() <= CURSOR_CHARS_MAX && text.len().is_multiple_of(2) && text.is_ascii();
    is_sound.then_some(())?;
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok());
    // JSON writes NUL as an escape; Postgres knows no such letter.
    bytes.collect::<Option<Vec<u8>>>().filter(|json| !json.windows(6).any(|six| six == b"\\u0000"))
}

#[cfg(test)]
mod tests {
    use super::{List, read, write};
    use crate::reads::ReadError;
    use crate::search::{CursorEnd, Page};

    fn at(cursor: &str) -> Page {
        Page::first(1).after(cursor.to_owned())
    }

    #[test]
    fn a_cursor_reads_back_and_serves_its_own_list_only() {
        let cursor = write(List::Hotels, &("Ünder \"the\" 'bridge'", 7));
        let back: Option<(String, i32)> = read(List::Hotels, &at(&cursor), CursorEnd::After).unwrap();
        assert_eq!(back, Some(("Ünder \"the\" 'bridge'".to_owned(), 7)));
        assert_eq!(read::<(String, i32)>(List::Hotels, &at(&cursor), CursorEnd::Before), Ok(None));
        let page = Page::last(1).before(cursor);
        let of_another = read::<(String, i32)>(List::Cars, &page, CursorEnd::Before);
        assert_eq!(of_another, Err(ReadError::BadCursor(CursorEnd::Before)));
    }

    #[test]
    fn what_no_list_gave_is_refused() {
        let nul = write(List::Hotels, &("\0", 7));
        let long = "ab".repeat(5_000);
        for cursor in ["", "x", "zz", "é1", "+1", "7b7d", nul.as_str(), long.as_str()] {
            let read = read::<(String, i32)>(List::Hotels, &at(cursor), CursorEnd::After);
            assert_eq!(read, Err(ReadError::BadCursor(CursorEnd::After)), "{cursor}");
        }
    }
}
