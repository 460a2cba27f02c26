//! Listing, details and allotments.

use super::{change, listed, refusal, release, reserve, reserved, upsert};
use crate::failure::Code;
use crate::hotel::{
    ALLOTMENT_HORIZON_DAYS, ALLOTMENT_MAX, ALLOTMENT_NIGHTS_MAX, Hotel, HotelCommand, HotelDetails, HotelError,
    HotelEvent, ROOM_TYPES_MAX,
};
use crate::testing::samples::{NOW, ON_SALE, day, hotel_details, room_type, rooms};
use crate::testing::{at, given};

fn with_rooms(count: u32) -> HotelDetails {
    HotelDetails { room_types: vec![room_type("DBL", count)], ..hotel_details() }
}

#[test]
fn the_same_details_again_write_nothing() {
    let (business_date, other) = (day("2024-12-01"), with_rooms(9));
    given::<Hotel>(&[])
        .when(upsert(hotel_details()))
        .then(&[HotelEvent::HotelListed { details: hotel_details(), business_date }])
        .when(upsert(hotel_details()))
        .then(&[])
        .when(upsert(other.clone()))
        .then(&[HotelEvent::HotelChanged { details: other, business_date }]);
}

#[test]
fn a_coordinate_that_lost_its_last_digit_in_the_log_is_no_change() {
    let read_back = HotelDetails { latitude: Some(51.5_f64.next_up()), ..hotel_details() };
    listed(read_back).when(upsert(hotel_details())).then(&[]);
    let moved = HotelDetails { latitude: Some(51.500_001), ..hotel_details() };
    assert_eq!(listed(moved).when(upsert(hotel_details())).events().len(), 1);
    let placeless = HotelDetails { latitude: None, ..hotel_details() };
    assert_eq!(listed(placeless).when(upsert(hotel_details())).events().len(), 1);
}

#[test]
fn details_that_cannot_be_are_refused() {
    let cases = [
        (vec![], HotelError::RoomTypes),
        (vec![room_type("A", 1), room_type("A", 2)], HotelError::RoomTypes),
        ((0..=ROOM_TYPES_MAX).map(|n| room_type(&n.to_string(), 1)).collect(), HotelError::RoomTypes),
        (vec![room_type("A", ALLOTMENT_MAX + 1)], HotelError::TooManyRooms),
    ];
    for (room_types, error) in cases {
        given::<Hotel>(&[]).when(upsert(HotelDetails { room_types, ..hotel_details() })).then_error(&error);
    }
}

#[test]
fn an_allotment_rules_its_nights_only() {
    let story = listed(hotel_details()).when(change("2024-12-24", "2024-12-25", Some(1), None));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(1));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-25")), Some(ON_SALE));
    assert_eq!(refusal(&story.when(reserve(1, 1, &rooms("2024-12-24", "2024-12-26", 2)))), Code::SoldOut);
}

#[test]
fn an_allotment_lowered_below_what_is_sold_keeps_what_is_sold() {
    let (all, one) = (rooms("2024-12-24", "2024-12-26", ON_SALE), rooms("2024-12-24", "2024-12-26", 1));
    let story =
        listed(hotel_details()).when(reserve(1, 1, &all)).when(change("2024-12-24", "2024-12-26", Some(1), None));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(0));
    // One is free only once more are given back than are too many.
    let story = story.when(reserve(2, 1, &one));
    assert_eq!(refusal(&story), Code::SoldOut);
    let story = story.when(release(1, 1, &all));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(1));
    story.when(reserve(3, 1, &one)).then(&[reserved(3, 1, &one)]);
}

#[test]
fn fewer_rooms_by_new_details_keep_what_is_sold_as_well() {
    let all = rooms("2024-12-24", "2024-12-26", ON_SALE);
    let story = listed(hotel_details()).when(reserve(1, 1, &all)).when(upsert(with_rooms(1)));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(0));
}

#[test]
fn a_closed_night_is_not_sold_until_it_is_opened() {
    let part = rooms("2024-12-24", "2024-12-26", 1);
    let story = listed(hotel_details()).when(change("2024-12-25", "2024-12-26", None, Some(true)));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-25")), Some(0));
    let story = story.when(reserve(1, 1, &part));
    assert_eq!(refusal(&story), Code::StopSell);
    let open = change("2024-12-25", "2024-12-26", None, Some(false));
    story.when(open).when(reserve(2, 1, &part)).then(&[reserved(2, 1, &part)]);
}

#[test]
fn a_withdrawn_room_type_is_not_sold_and_counts_again_when_it_is_back() {
    let (two, part) = (rooms("2024-12-24", "2024-12-26", 2), rooms("2024-12-24", "2024-12-26", 2));
    let without = HotelDetails { room_types: vec![room_type("SGL", 1)], ..hotel_details() };
    let story = listed(hotel_details()).when(reserve(1, 1, &two)).when(upsert(without)).when(reserve(2, 1, &part));
    assert_eq!(refusal(&story), Code::UnknownRoomType);
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), None);
    let story = story.when(upsert(hotel_details()));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(ON_SALE - 2));
    assert_eq!(refusal(&story.when(reserve(3, 1, &part))), Code::SoldOut);
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    listed(hotel_details())
        .when(change("2024-12-24", "2024-12-26", None, Some(false)))
        .then(&[])
        .when(change("2024-12-24", "2024-12-26", Some(2), Some(true)))
        .when(change("2024-12-24", "2024-12-26", Some(2), Some(true)))
        .then(&[])
        .when(change("2024-12-25", "2024-12-26", Some(2), None))
        .then(&[]);
}

#[test]
fn a_change_that_cannot_be_is_refused() {
    let ahead = day("2024-12-24") + chrono::TimeDelta::days(ALLOTMENT_NIGHTS_MAX + 1);
    let ahead = ahead.to_string();
    // It is 2024-12-01 there.
    let horizon = day("2024-12-01") + chrono::TimeDelta::days(ALLOTMENT_HORIZON_DAYS);
    let beyond = (horizon + chrono::TimeDelta::days(1)).to_string();
    let horizon = horizon.to_string();
    let cases = [
        (change("2024-12-24", "2024-12-26", None, None), HotelError::NothingToChange),
        (change("2024-12-24", "2024-12-24", Some(1), None), HotelError::EmptyRange),
        (change("2024-12-24", "2024-12-23", Some(1), None), HotelError::EmptyRange),
        (change("2024-12-24", &ahead, Some(1), None), HotelError::RangeTooLong),
        (change("2024-11-30", "2024-12-24", Some(1), None), HotelError::Past),
        (change(&horizon, &beyond, Some(1), None), HotelError::TooFarAhead),
        (change("2024-12-24", "2024-12-26", Some(ALLOTMENT_MAX + 1), None), HotelError::TooManyRooms),
    ];
    for (command, error) in cases {
        listed(hotel_details()).when(command).then_error(&error);
    }
    given::<Hotel>(&[]).when(change("2024-12-24", "2024-12-26", Some(1), None)).then_error(&HotelError::NotListed);
    let (from, to) = (day("2024-12-24"), day("2024-12-26"));
    let suite = HotelCommand::ChangeAllotment {
        room_type: "SUITE".into(),
        from,
        to,
        rooms: Some(1),
        stop_sell: None,
        occasion: at(NOW),
    };
    listed(hotel_details()).when(suite).then_error(&HotelError::UnknownRoomType("SUITE".into()));
}
