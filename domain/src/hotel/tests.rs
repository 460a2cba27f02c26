mod histories;
mod last_room;
mod supply;

use chrono_tz::Tz;

use super::{Hotel, HotelCommand, HotelDetails, HotelError, HotelEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::money::Money;
use crate::testing::samples::{NOW, ON_SALE, booking, day, hotel_details, instant, pounds, room_type, rooms};
use crate::testing::{Story, at, given};
use crate::trip::{HotelPart, Step};

fn listed(details: HotelDetails) -> Story<Hotel> {
    given(&[HotelEvent::HotelListed { details, business_date: day("2024-12-01") }])
}

fn reserve(trip: u128, attempt: u32, part: &HotelPart) -> HotelCommand {
    HotelCommand::Reserve { booking: booking(trip), attempt, part: part.clone(), occasion: at(NOW) }
}

fn release(trip: u128, attempt: u32, part: &HotelPart) -> HotelCommand {
    HotelCommand::Release { booking: booking(trip), attempt, part: part.clone(), occasion: at(NOW) }
}

fn change(from: &str, to: &str, rooms: Option<u32>, stop_sell: Option<bool>) -> HotelCommand {
    let (from, to) = (day(from), day(to));
    HotelCommand::ChangeAllotment { room_type: "DBL".into(), from, to, rooms, stop_sell, occasion: at(NOW) }
}

fn upsert(details: HotelDetails) -> HotelCommand {
    HotelCommand::Upsert { details, occasion: at(NOW) }
}

fn reserved(trip: u128, attempt: u32, part: &HotelPart) -> HotelEvent {
    let business_date = day("2024-12-01");
    HotelEvent::RoomsReserved { booking: booking(trip), attempt, part: part.clone(), business_date }
}

fn repeated(trip: u128, direction: Direction, attempt: u32, outcome: Outcome) -> HotelEvent {
    let answer = Answer { step: Step::Hotel, direction, attempt, outcome };
    HotelEvent::AnswerRepeated { booking: booking(trip), answer, business_date: day("2024-12-01") }
}

/// The code of the one refusal that the last command led to.
fn refusal(story: &Story<Hotel>) -> Code {
    match story.events() {
        [HotelEvent::RoomsRefused { failure, .. }] => failure.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_stay_takes_every_night_but_the_last_morning() {
    let part = rooms("2024-12-24", "2024-12-26", 2);
    let hotel = listed(hotel_details()).when(reserve(1, 1, &part)).then(&[reserved(1, 1, &part)]).state;
    let left: Vec<_> = ["2024-12-23", "2024-12-24", "2024-12-25", "2024-12-26"]
        .map(|night| hotel.rooms_left("DBL", day(night)).unwrap())
        .to_vec();
    assert_eq!(left, [ON_SALE, ON_SALE - 2, ON_SALE - 2, ON_SALE]);
}

#[test]
fn all_nights_or_none() {
    let (one, two) = (rooms("2024-12-25", "2024-12-26", ON_SALE), rooms("2024-12-24", "2024-12-27", 1));
    let story = listed(hotel_details()).when(reserve(1, 1, &one)).when(reserve(2, 1, &two));
    assert_eq!(refusal(&story), Code::SoldOut);
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(ON_SALE));
}

#[test]
fn what_cannot_be_sold_is_refused_with_its_code() {
    let good = rooms("2024-12-24", "2024-12-26", 1);
    let dollars = Money::new(good.price.minor, "USD".parse().unwrap());
    let cases = [
        (HotelPart { room_type: "SUITE".into(), ..good.clone() }, Code::UnknownRoomType),
        (rooms("2024-11-30", "2024-12-26", 1), Code::Past),
        (HotelPart { rooms: 0, ..good.clone() }, Code::InvalidInput),
        (HotelPart { rooms: 100, ..good.clone() }, Code::InvalidInput),
        (HotelPart { price: pounds(1), ..good.clone() }, Code::PriceChanged),
        (HotelPart { price: dollars, ..good.clone() }, Code::PriceChanged),
        (rooms("2024-12-30", "2025-01-02", 1), Code::StopSell),
        (rooms("2024-12-24", "2024-12-26", ON_SALE + 1), Code::SoldOut),
    ];
    for (part, code) in cases {
        let closed = change("2024-12-31", "2025-01-01", None, Some(true));
        let story = listed(hotel_details()).when(closed).when(reserve(1, 1, &part));
        assert_eq!(refusal(&story), code, "{part:?}");
    }
    assert_eq!(refusal(&given::<Hotel>(&[]).when(reserve(1, 1, &good))), Code::NotFound);
}

#[test]
fn the_same_request_again_writes_nothing_and_a_new_attempt_repeats_the_answer() {
    let part = rooms("2024-12-24", "2024-12-26", 1);
    listed(hotel_details())
        .when(reserve(1, 1, &part))
        .then(&[reserved(1, 1, &part)])
        .when(reserve(1, 1, &part))
        .then(&[])
        .when(reserve(1, 2, &part))
        .then(&[repeated(1, Direction::Request, 2, Outcome::Done)])
        .when(reserve(1, 2, &part))
        .then(&[]);
}

#[test]
fn a_refusal_is_remembered_also_when_rooms_come_free() {
    let (all, part) = (rooms("2024-12-24", "2024-12-26", ON_SALE), rooms("2024-12-24", "2024-12-26", 1));
    let story = listed(hotel_details()).when(reserve(1, 1, &all)).when(reserve(2, 1, &part));
    let HotelEvent::RoomsRefused { failure, .. } = story.events()[0].clone() else { panic!("not refused") };
    story.when(release(1, 1, &all)).when(reserve(2, 1, &part)).then(&[]).when(reserve(2, 2, &part)).then(&[repeated(
        2,
        Direction::Request,
        2,
        Outcome::Refused(failure),
    )]);
}

#[test]
fn what_is_given_back_can_be_sold_again() {
    let all = rooms("2024-12-24", "2024-12-26", ON_SALE);
    let business_date = day("2024-12-01");
    let released = HotelEvent::RoomsReleased { booking: booking(1), attempt: 1, part: all.clone(), business_date };
    listed(hotel_details())
        .when(reserve(1, 1, &all))
        .when(release(1, 1, &all))
        .then(&[released])
        .when(release(1, 1, &all))
        .then(&[])
        .when(release(1, 2, &all))
        .then(&[repeated(1, Direction::Undo, 2, Outcome::Done)])
        .when(reserve(2, 1, &all))
        .then(&[reserved(2, 1, &all)]);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    let part = rooms("2024-12-24", "2024-12-26", 1);
    for story in [listed(hotel_details()), given(&[])] {
        let business_date = day("2024-12-01");
        let part_barred = part.clone();
        let barred =
            HotelEvent::ReservationBarred { booking: booking(1), attempt: 1, part: part_barred, business_date };
        let story = story.when(release(1, 1, &part)).then(&[barred]).when(reserve(1, 1, &part));
        assert_eq!(refusal(&story), Code::Conflict);
        // It stays barred when the hotel is listed afterwards.
        let mut details = hotel_details();
        details.name.push('!');
        story.when(upsert(details)).when(reserve(1, 1, &part)).then(&[]).when(release(1, 1, &part)).then(&[]);
    }
}

#[test]
fn nothing_is_given_back_that_is_not_held() {
    let (all, one) = (rooms("2024-12-24", "2024-12-26", ON_SALE), rooms("2024-12-24", "2024-12-26", 1));
    let story = listed(hotel_details()).when(reserve(1, 1, &all)).when(reserve(2, 1, &one)).when(release(2, 1, &one));
    assert!(matches!(story.events(), [HotelEvent::ReservationBarred { .. }]));
    assert_eq!(story.state.rooms_left("DBL", day("2024-12-24")), Some(0));
}

#[test]
fn today_is_the_day_at_the_property() {
    // In London it is still 30 November, in Auckland it is already 1 December, in Honolulu still the 30th's morning.
    let occasion = at("2024-11-30T15:00:00Z");
    let cases = [(Tz::Pacific__Auckland, "2024-12-01", true), (Tz::Pacific__Honolulu, "2024-11-30", false)];
    for (time_zone, business_date, yesterday_has_passed) in cases {
        let part = rooms("2024-11-30", "2024-12-02", 1);
        let command = HotelCommand::Reserve { booking: booking(1), attempt: 1, part, occasion };
        let story = listed(HotelDetails { time_zone, ..hotel_details() }).when(command);
        assert_eq!(story.events()[0].business_date(), day(business_date));
        assert_eq!(matches!(story.events(), [HotelEvent::RoomsRefused { .. }]), yesterday_has_passed);
    }
    let unlisted = HotelCommand::Reserve {
        booking: booking(1),
        attempt: 1,
        part: rooms("2024-12-24", "2024-12-26", 1),
        occasion: at("2024-11-30T23:59:59Z"),
    };
    assert_eq!(given::<Hotel>(&[]).when(unlisted).events()[0].business_date(), day("2024-11-30"));
}

#[test]
fn an_offer_names_the_price_and_the_start_of_the_check_in_day() {
    let hotel = listed(HotelDetails { time_zone: Tz::Africa__Cairo, ..hotel_details() }).state;
    // In Cairo the clocks skip the first hour of 25 April 2025.
    let part = rooms("2025-04-25", "2025-04-28", 2);
    let offer = hotel.offer("DBL", part.stay, 2, at(NOW)).unwrap();
    assert_eq!((offer.price, offer.starts_at), (pounds(60_000), instant("2025-04-24T22:00:00Z")));
}

#[test]
fn no_offer_names_the_field_at_fault() {
    let dear = HotelDetails {
        room_types: vec![super::RoomTypeDetails { nightly_price: pounds(1_000_000_000_000), ..room_type("DBL", 9) }],
        ..hotel_details()
    };
    let (hotel, dear) = (listed(hotel_details()).state, listed(dear).state);
    let (stay, gone) = (rooms("2024-12-24", "2024-12-26", 1).stay, rooms("2024-11-30", "2024-12-26", 1).stay);
    let cases = [
        (Hotel::default().offer("DBL", stay, 1, at(NOW)), Code::NotFound, "hotelId"),
        (hotel.offer("SUITE", stay, 1, at(NOW)), Code::UnknownRoomType, "roomType"),
        (hotel.offer("DBL", gone, 1, at(NOW)), Code::Past, "checkIn"),
        (hotel.offer("DBL", stay, 0, at(NOW)), Code::InvalidInput, "rooms"),
        (hotel.offer("DBL", stay, u32::MAX, at(NOW)), Code::InvalidInput, "rooms"),
        (dear.offer("DBL", stay, 1, at(NOW)), Code::InvalidInput, "rooms"),
    ];
    for (offer, code, field) in cases {
        let reason = offer.unwrap_err();
        assert_eq!((reason.failure.code, reason.field), (code, field));
    }
}

#[test]
fn an_offer_does_not_look_at_what_is_left() {
    let story = listed(hotel_details()).when(change("2024-12-24", "2024-12-26", Some(0), Some(true)));
    assert!(story.state.offer("DBL", rooms("2024-12-24", "2024-12-26", 1).stay, 1, at(NOW)).is_ok());
}

#[test]
fn a_late_undo_of_a_stay_long_over_is_answered_as_done() {
    let part = rooms("2024-12-24", "2024-12-26", 1);
    let late =
        |instant| HotelCommand::Release { booking: booking(1), attempt: 1, part: part.clone(), occasion: at(instant) };
    // 25 January is 30 days after check-out: still remembered.
    let story = listed(hotel_details()).when(reserve(1, 1, &part)).when(late("2025-01-25T12:00:00Z"));
    assert!(matches!(story.events(), [HotelEvent::RoomsReleased { .. }]));
    let story = listed(hotel_details()).when(reserve(1, 1, &part)).when(late("2025-01-26T12:00:00Z"));
    let answer = Answer { step: Step::Hotel, direction: Direction::Undo, attempt: 1, outcome: Outcome::Done };
    let business_date = day("2025-01-26");
    let story = story.then(&[HotelEvent::AnswerRepeated { booking: booking(1), answer, business_date }]);
    // Its request, delivered again, finds a day that has passed.
    let again = HotelCommand::Reserve { booking: booking(1), attempt: 1, part, occasion: at("2025-01-26T12:00:00Z") };
    assert_eq!(refusal(&story.when(again)), Code::Past);
}

#[test]
fn a_forgotten_day_is_past_even_when_the_clock_is_set_back() {
    let all = rooms("2024-12-24", "2024-12-26", ON_SALE);
    let mut details = hotel_details();
    details.name.push('!');
    let much_later = HotelCommand::Upsert { details, occasion: at("2025-06-01T12:00:00Z") };
    let story = listed(hotel_details()).when(reserve(1, 1, &all)).when(much_later).when(reserve(2, 1, &all));
    assert_eq!(refusal(&story), Code::Past);
    story.when(change("2024-12-24", "2024-12-26", Some(9), None)).then_error(&HotelError::Past);
}

#[test]
fn refusals_say_what_to_do() {
    let story = given::<Hotel>(&[]).when(reserve(1, 1, &rooms("2024-12-24", "2024-12-26", 1)));
    let HotelEvent::RoomsRefused { failure, .. } = &story.events()[0] else { panic!("not refused") };
    assert_eq!(*failure, Failure::new(Code::NotFound, "There is no such hotel: check its id."));
}
