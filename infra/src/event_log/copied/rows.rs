//! The binary form of COPY, as the server sends it: a header, rows of fields with their lengths before them, and a trailer.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format". Without the trailer nothing has ended: whatever broke the
//! stream off, the rows so far are not all.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use traveladvisor_domain::shape::interned;

use super::super::read::stream_of;
use super::super::{LogError, Position, StoredEvent};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, and the length of the header's extension.
const HEADER_BYTES: usize = 19;
/// Field count of the trailer.
const TRAILER: i16 = -1;
/// Columns of a row, in the order of the statement.
const COLUMNS: usize = 8;
/// From 1970 to 2000, where Postgres begins to count, in microseconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The events of one COPY as far as they were kept.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) events: Vec<StoredEvent>,
    /// Whether more came than was to be kept.
    pub(super) is_cut: bool,
}

/// Takes in what the server sends, in pieces of any size.
#[derive(Debug)]
pub(super) struct Rows {
    /// The beginning of a row whose end has not come.
    begun: Vec<u8>,
    place: Place,
    events: Vec<StoredEvent>,
    bytes: usize,
    bytes_max: usize,
    is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Rows,
    End,
}

/// What stands next in the bytes that have come.
enum Next<'b> {
    /// Its end has not come yet.
    Begun,
    Header(usize),
    Row([&'b [u8]; COLUMNS], usize),
    Trailer(usize),
}

impl Rows {
    /// Keeps events until their payloads and metadata have so many bytes.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { begun: Vec::new(), place: Place::Header, events: Vec::new(), bytes: 0, bytes_max, is_cut: false }
    }

    /// Takes in the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        if self.begun.is_empty() {
            let read = self.read(bytes)?;
            self.begun.extend_from_slice(&bytes[read..]);
            return Ok(());
        }
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(bytes);
        let read = self.read(&begun)?;
        begun.drain(..read);
        self.begun = begun;
        Ok(())
    }

    /// What has come, if the trailer was the last of it.
    pub(super) fn end(self) -> Result<Copied, LogError> {
        if self.place != Place::End || !self.begun.is_empty() {
            return Err(LogError::Unavailable("the reading of the log ended without its trailer".to_owned()));
        }
        Ok(Copied { events: self.events, is_cut: self.is_cut })
    }

    /// Reads what is whole; returns how many bytes that was.
    fn read(&mut self, bytes: &[u8]) -> Result<usize, LogError> {
        let mut at = 0;
        loop {
            at += match self.next(&bytes[at..])? {
                Next::Begun => return Ok(at),
                Next::Header(length) => {
                    self.place = Place::Rows;
                    length
                }
                Next::Row(fields, length) => {
                    self.keep(&fields)?;
                    length
                }
                Next::Trailer(length) => {
                    self.place = Place::End;
                    length
                }
            };
        }
    }

    fn next<'b>(&self, bytes: &'b [u8]) -> Result<Next<'b>, LogError> {
        match self.place {
            Place::Header => header(bytes),
            Place::Rows => row(bytes),
            Place::End if bytes.is_empty() => Ok(Next::Begun),
            Place::End => Err(unknown_form("something follows the trailer")),
        }
    }

    /// What no longer finds room is read all the same, since only its end tells that nothing was lost on the way.
    fn keep(&mut self, fields: &[&[u8]; COLUMNS]) -> Result<(), LogError> {
        if self.bytes >= self.bytes_max {
            self.is_cut = true;
            return Ok(());
        }
        let event = event(fields)?;
        self.bytes += event.payload.len() + event.metadata.len();
        self.events.push(event);
        Ok(())
    }
}

fn header(bytes: &[u8]) -> Result<Next<'_>, LogError> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else { return Ok(Next::Begun) };
    if !header.starts_with(SIGNATURE) {
        return Err(unknown_form("no signature"));
    }
    // The upper half of the flags changes the form of what follows.
    if header[11..13] != [0, 0] {
        return Err(unknown_form("flags that are not known"));
    }
    let extension = int(&header[15..19]).and_then(|length| usize::try_from(length).ok());
    let extension = extension.ok_or_else(|| unknown_form("a header without its length"))?;
    Ok(if rest.len() < extension { Next::Begun } else { Next::Header(HEADER_BYTES + extension) })
}

fn row(bytes: &[u8]) -> Result<Next<'_>, LogError> {
    let Some((count, mut rest)) = bytes.split_at_checked(2) else { return Ok(Next::Begun) };
    match i16::from_be_bytes([count[0], count[1]]) {
        TRAILER => return Ok(Next::Trailer(2)),
        count if usize::try_from(count) == Ok(COLUMNS) => {}
        _ => return Err(unknown_form("another number of columns")),
    }
    let mut fields: [&[u8]; COLUMNS] = [&[]; COLUMNS];
    for field in &mut fields {
        let Some((length, after)) = rest.split_at_checked(4) else { return Ok(Next::Begun) };
        let length = int(length).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| unknown_form("an absent value"))?;
        let Some((value, after)) = after.split_at_checked(length) else { return Ok(Next::Begun) };
        *field = value;
        rest = after;
    }
    Ok(Next::Row(fields, bytes.len() - rest.len()))
}

fn event(fields: &[&[u8]; COLUMNS]) -> Result<StoredEvent, LogError> {
    let [position, stream, sequence, event_type, event_version, payload, metadata, recorded_at] = *fields;
    let position = Position(bigint(position)?.unsigned_abs());
    let stream = stream_of(text(stream)?, || format!("event {position}"))?;
    let (event_type, event_version) = interned(stream.kind, text(event_type)?, text(event_version)?);
    Ok(StoredEvent {
        position,
        stream,
        sequence: bigint(sequence)?.unsigned_abs(),
        event_type,
        event_version,
        payload: Arc::from(text(payload)?),
        metadata: Arc::from(text(metadata)?),
        recorded_at: instant(bigint(recorded_at)?)?,
        told: None,
    })
}

fn text(bytes: &[u8]) -> Result<&str, LogError> {
    std::str::from_utf8(bytes).map_err(|_| unknown_form("a text that is no UTF-8"))
}

fn bigint(bytes: &[u8]) -> Result<i64, LogError> {
    bytes.try_into().map(i64::from_be_bytes).map_err(|_| unknown_form("a number"))
}

fn int(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().map(i32::from_be_bytes).ok()
}

fn instant(micros: i64) -> Result<DateTime<Utc>, LogError> {
    let instant = micros.checked_add(EPOCH_MICROS).and_then(DateTime::from_timestamp_micros);
    instant.ok_or_else(|| unknown_form("an instant"))
}

/// Never quotes what came.
fn unknown_form(what: &str) -> LogError {
    LogError::Refused(format!("the log was sent in a form that this program does not know: {what}"))
}
