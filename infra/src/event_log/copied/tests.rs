//! What the server sends, in every way in which it can be cut.

use traveladvisor_domain::id::{StreamId, StreamKind};
use uuid::Uuid;

use super::super::LogError;
use super::rows::{Copied, Rows};

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();

fn row(position: i64) -> Vec<u8> {
    let stream = StreamId::new(StreamKind::Hotel, Uuid::from_u128(7)).to_string();
    let number = position.to_be_bytes();
    let fields: [&[u8]; 8] =
        [&number, stream.as_bytes(), &number, b"HotelListed", b"1", b"{}", "{\"é\":1}".as_bytes(), &0i64.to_be_bytes()];
    let mut row = 8i16.to_be_bytes().to_vec();
    for field in fields {
        row.extend((field.len() as i32).to_be_bytes());
        row.extend(field);
    }
    row
}

fn stream() -> Vec<u8> {
    [HEADER, &row(1), &row(2), &TRAILER].concat()
}

fn read(pieces: &[&[u8]]) -> Result<Copied, LogError> {
    let mut rows = Rows::new(usize::MAX);
    for piece in pieces {
        rows.take(piece)?;
    }
    rows.end()
}

#[test]
fn however_the_stream_is_cut_into_pieces_the_events_are_the_same() {
    let whole = stream();
    let expected = read(&[&whole]).expect("read").events;
    assert_eq!(expected.iter().map(|event| event.position.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(expected[0].recorded_at.to_rfc3339(), "2000-01-01T00:00:00+00:00");
    for cut in 0..whole.len() {
        let (before, after) = whole.split_at(cut);
        assert_eq!(read(&[before, after]).expect("read").events, expected, "cut at {cut}");
    }
    let single: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(read(&single).expect("read").events, expected);
}

#[test]
fn a_stream_that_ends_without_its_trailer_is_not_done() {
    let whole = stream();
    for end in 0..whole.len() {
        let read = read(&[&whole[..end]]);
        assert!(matches!(read, Err(LogError::Unavailable(_))), "ended at {end}: {read:?}");
    }
}

#[test]
fn what_is_no_event_is_refused() {
    let with = |at: usize, byte: u8| {
        let mut bytes = stream();
        bytes[at] = byte;
        bytes
    };
    let stream_id = HEADER.len() + 2 + 4 + 8 + 4;
    let broken = [
        ("another signature", with(0, b'Q')),
        ("a critical flag", with(12, 1)),
        ("another number of columns", with(HEADER.len() + 1, 9)),
        ("an absent value", with(HEADER.len() + 2, 0xff)),
        ("no UTF-8", with(stream_id, 0xff)),
        ("bytes after the trailer", [stream(), vec![0]].concat()),
    ];
    for (what, bytes) in broken {
        assert!(matches!(read(&[&bytes]), Err(LogError::Refused(_))), "{what}");
    }
    let newer = read(&[&with(stream_id, b'x')]);
    assert!(matches!(newer, Err(LogError::UnknownKind { .. })), "another kind of stream");
}

#[test]
fn what_finds_no_room_is_left_for_the_next_page() {
    let mut rows = Rows::new(1);
    rows.take(&stream()).expect("read");
    let copied = rows.end().expect("ended");
    assert_eq!((copied.events.len(), copied.is_cut), (1, true));
}
