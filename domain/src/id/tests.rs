use proptest::prelude::*;
use uuid::Uuid;

use super::{BookingId, HotelId, StreamId, StreamKind, base32};

#[test]
fn suffixes_are_those_of_the_specification() {
    // Valid vectors of the TypeID specification.
    let vectors = [
        ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
        ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
        ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
        ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
        ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
        ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ];
    for (suffix, uuid) in vectors {
        let uuid: Uuid = uuid.parse().expect("a UUID");
        assert_eq!(BookingId(uuid).to_string(), format!("booking_{suffix}"));
        assert_eq!(base32::decode(suffix), Some(uuid));
    }
}

#[test]
fn what_is_no_id_is_refused() {
    for text in [
        "",
        "booking",
        "booking_",
        "booking_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "booking_01H455VB4PEX5VSKNK084SN02Q",
        "booking_01h455vb4pex5vsknk084sn02",
        "hotel_01h455vb4pex5vsknk084sn02q",
        "booking_01h455vb4pex5vsknk084sn0\u{0}q",
        "booking_\u{00e9}1h455vb4pex5vsknk084sn02",
    ] {
        assert!(text.parse::<BookingId>().is_err(), "{text:?}");
    }
}

#[test]
fn a_catalogue_id_is_the_same_at_every_import() {
    assert_eq!(HotelId::of("own", "A"), HotelId::of("own", "A"));
    assert_ne!(HotelId::of("own", "A"), HotelId::of("other", "A"));
    assert_ne!(HotelId::of("a", "bc"), HotelId::of("ab", "c"));
}

proptest! {
    #[test]
    fn text_and_id_are_the_same_thing(bits in any::<u128>(), kind in prop::sample::select(StreamKind::ALL.to_vec())) {
        let stream = StreamId::new(kind, Uuid::from_u128(bits));
        prop_assert_eq!(stream.to_string().parse::<StreamId>(), Ok(stream));
    }
}
