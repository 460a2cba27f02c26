//! Hotels as searchers see them.

use traveladvisor_domain::aggregate::{Command, Event};
use traveladvisor_domain::hotel::{HotelCommand, HotelEvent};
use traveladvisor_domain::id::{BookingId, HotelId};
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::HotelPart;
use traveladvisor_projections::reads::{CursorEnd, HotelSearch, Page, ReadError, Reads};
use traveladvisor_projections::views::HotelView;
use uuid::Uuid;

use crate::support::{House, date, gbp, hotel_details, room_type, stay};

async fn found(reads: &Reads, search: HotelSearch) -> Vec<HotelView> {
    let slice = reads.hotels(&search, &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, hotel)| hotel).collect()
}

async fn names(reads: &Reads, search: HotelSearch) -> Vec<String> {
    found(reads, search).await.into_iter().map(|hotel| hotel.name).collect()
}

fn for_stay(stay: Stay, rooms: u32) -> HotelSearch {
    HotelSearch { stay: Some(stay), rooms, ..HotelSearch::default() }
}

async fn reserve(house: &mut House, hotel: HotelId, number: u128, stay: Stay, rooms: u32) {
    let price = gbp(10_000 * stay.night_count() * i64::from(rooms));
    let part = HotelPart { hotel, room_type: "DBL".into(), stay, rooms, price };
    let (booking, occasion) = (BookingId(Uuid::from_u128(number)), house.occasion());
    let command = HotelCommand::Reserve { booking, attempt: 1, part, occasion };
    let events = house.tell(hotel.stream(), Command::Hotel(command)).await;
    assert!(matches!(events[0], Event::Hotel(HotelEvent::RoomsReserved { .. })), "{events:?}");
}

async fn release(house: &mut House, hotel: HotelId, number: u128, stay: Stay) {
    let part = HotelPart { hotel, room_type: "DBL".into(), stay, rooms: 1, price: gbp(0) };
    let (booking, occasion) = (BookingId(Uuid::from_u128(number)), house.occasion());
    let command = HotelCommand::Release { booking, attempt: 1, part, occasion };
    house.tell(hotel.stream(), Command::Hotel(command)).await;
}

async fn change(house: &mut House, hotel: HotelId, from: &str, to: &str, rooms: Option<u32>, stop_sell: Option<bool>) {
    let (from, to, occasion) = (date(from), date(to), house.occasion());
    let command = HotelCommand::ChangeAllotment { room_type: "DBL".into(), from, to, rooms, stop_sell, occasion };
    house.tell(hotel.stream(), Command::Hotel(command)).await;
}

/// Rooms left of the one hotel's double room, by the search that asks for no rooms at all.
async fn left(house: &House, reads: &Reads, stay: Stay) -> Option<u32> {
    house.catch_up(reads).await;
    found(reads, for_stay(stay, 0)).await[0].room_types.iter().find(|kind| kind.code == "DBL")?.rooms_left
}

#[tokio::test(flavor = "multi_thread")]
async fn hotels_are_found_by_city_country_and_words() {
    let mut house = House::new().await;
    for (code, name, city) in [
        ("1", "The 100% Inn", "London"),
        ("2", "Hôtel ÉTOILE", "Paris"),
        ("3", "under_score", "London"),
        ("4", "Zebra", "York"),
    ] {
        house.list_hotel(hotel_details(code, name, city, vec![room_type("DBL", 3, 10_000)])).await;
    }
    let (_projectors, reads) = house.read().await;
    let all = HotelSearch::default;
    assert_eq!(names(&reads, all()).await, ["Hôtel ÉTOILE", "The 100% Inn", "under_score", "Zebra"], "by name");
    assert_eq!(
        names(&reads, HotelSearch { city: Some("lONDON".into()), ..all() }).await,
        ["The 100% Inn", "under_score"]
    );
    assert_eq!(names(&reads, HotelSearch { country: Some("gb".into()), ..all() }).await.len(), 4);
    assert_eq!(names(&reads, HotelSearch { country: Some("FR".into()), ..all() }).await.len(), 0);
    for (text, expected) in [
        ("étoile", &["Hôtel ÉTOILE"][..]),
        ("LONDON inn", &["The 100% Inn"]),
        ("%", &["The 100% Inn"]),
        ("_", &["under_score"]),
        ("inn paris", &[]),
        ("  ", &["Hôtel ÉTOILE", "The 100% Inn", "under_score", "Zebra"]),
        ("'; DROP TABLE hotels; --", &[]),
        ("a\0", &[]),
    ] {
        assert_eq!(names(&reads, HotelSearch { text: Some(text.into()), ..all() }).await, expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_left_follow_sales_allotments_and_stop_sells() {
    let mut house = House::new().await;
    let hotel = house.list_hotel(hotel_details("1", "Inn", "London", vec![room_type("DBL", 3, 10_000)])).await;
    let (_projectors, reads) = house.read().await;
    let week = stay("2024-12-24", "2024-12-31");
    assert_eq!(left(&house, &reads, week).await, Some(3), "nothing is sold");
    reserve(&mut house, hotel, 1, stay("2024-12-24", "2024-12-27"), 2).await;
    reserve(&mut house, hotel, 2, stay("2024-12-26", "2024-12-28"), 1).await;
    assert_eq!(left(&house, &reads, week).await, Some(0), "the 26th is full");
    assert_eq!(left(&house, &reads, stay("2024-12-24", "2024-12-26")).await, Some(1));
    assert_eq!(left(&house, &reads, stay("2024-12-28", "2024-12-31")).await, Some(3), "check-out is no night");
    release(&mut house, hotel, 1, stay("2024-12-24", "2024-12-27")).await;
    assert_eq!(left(&house, &reads, week).await, Some(2));
    change(&mut house, hotel, "2024-12-27", "2024-12-29", Some(1), None).await;
    assert_eq!(left(&house, &reads, stay("2024-12-28", "2024-12-29")).await, Some(1));
    assert_eq!(left(&house, &reads, week).await, Some(0), "one on sale on the 27th, and sold");
    change(&mut house, hotel, "2024-12-26", "2024-12-27", Some(0), None).await;
    assert_eq!(
        left(&house, &reads, stay("2024-12-26", "2024-12-27")).await,
        Some(0),
        "more sold than on sale is none left"
    );
    change(&mut house, hotel, "2024-12-30", "2024-12-31", None, Some(true)).await;
    assert_eq!(left(&house, &reads, stay("2024-12-30", "2024-12-31")).await, Some(0), "closed");
    change(&mut house, hotel, "2024-12-30", "2024-12-31", Some(2), Some(false)).await;
    assert_eq!(left(&house, &reads, stay("2024-12-30", "2024-12-31")).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_dates_leaves_out_what_cannot_be_had_and_tells_the_total() {
    let mut house = House::new().await;
    let kinds = || vec![room_type("DBL", 2, 10_000), room_type("SUITE", 1, 50_000)];
    let full = house.list_hotel(hotel_details("1", "Almost full", "London", kinds())).await;
    house.list_hotel(hotel_details("2", "Free", "London", kinds())).await;
    reserve(&mut house, full, 1, stay("2024-12-25", "2024-12-26"), 2).await;
    let (_projectors, reads) = house.read().await;
    let nights = stay("2024-12-24", "2024-12-27");
    let one = found(&reads, for_stay(nights, 1)).await;
    let rooms: Vec<_> =
        one[0].room_types.iter().map(|kind| (kind.code.as_str(), kind.rooms_left, kind.total)).collect();
    assert_eq!(rooms, [("DBL", Some(0), Some(gbp(30_000))), ("SUITE", Some(1), Some(gbp(150_000)))]);
    let two = found(&reads, for_stay(nights, 2)).await;
    assert_eq!(two.len(), 1, "no room type of the other has two rooms left in each night");
    assert_eq!((two[0].name.as_str(), two[0].room_types[0].total), ("Free", Some(gbp(60_000))));
    assert_eq!(names(&reads, for_stay(nights, 3)).await, [""; 0]);
    let by_id = reads.hotel(full).await.unwrap().unwrap();
    assert_eq!((by_id.room_types[0].rooms_left, by_id.room_types[0].total), (None, None));
    assert_eq!(reads.hotel(HotelId::of("own", "none")).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_room_type_is_not_shown_and_its_sales_count_when_it_returns() {
    let mut house = House::new().await;
    let both = vec![room_type("SGL", 1, 5_000), room_type("DBL", 2, 10_000)];
    let hotel = house.list_hotel(hotel_details("1", "Inn", "London", both.clone())).await;
    let nights = stay("2024-12-24", "2024-12-25");
    reserve(&mut house, hotel, 1, nights, 1).await;
    let (_projectors, reads) = house.read().await;
    house.list_hotel(hotel_details("1", "Inn, renamed", "Leeds", vec![room_type("SGL", 1, 6_000)])).await;
    house.catch_up(&reads).await;
    let shown = reads.hotel(hotel).await.unwrap().unwrap();
    assert_eq!((shown.name.as_str(), shown.city.as_str()), ("Inn, renamed", "Leeds"));
    assert_eq!(shown.room_types.len(), 1);
    assert_eq!(shown.room_types[0].nightly_price, gbp(6_000));
    house.list_hotel(hotel_details("1", "Inn", "London", both)).await;
    assert_eq!(left(&house, &reads, nights).await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_hotels_of_the_same_name_show_each_once() {
    let mut house = House::new().await;
    for number in 0..7 {
        let name = if number < 5 { "Same \"name\"" } else { "other" };
        house.list_hotel(hotel_details(&number.to_string(), name, "London", vec![room_type("DBL", 1, 1)])).await;
    }
    let (_projectors, reads) = house.read().await;
    let search = for_stay(stay("2024-12-24", "2024-12-25"), 1);
    let mut page = Page::first(2);
    let mut codes = Vec::new();
    loop {
        let slice = reads.hotels(&search, &page).await.unwrap();
        codes.extend(slice.items.iter().map(|(_, hotel)| hotel.code.clone()));
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
        if !slice.has_next {
            break;
        }
    }
    assert_eq!(codes.len(), 7);
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 7, "none twice");
    page.after = Some("2f".into());
    assert_eq!(reads.hotels(&search, &page).await, Err(ReadError::BadCursor(CursorEnd::After)));
}
