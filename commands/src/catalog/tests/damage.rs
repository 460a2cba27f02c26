//! Bad lines, and files with nothing else.

use std::path::Path;

use super::super::{cars, flights, new_york};
use super::{CatalogueItem, Line, items, read, seed};

pub(super) fn read_text(name: &str, text: &str) -> Vec<Line> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("writes");
    read(&path).expect("understood")
}

/// Puts `bad` in the place of line `at` and expects that line alone to be lost.
#[track_caller]
fn assert_only_one_lost(file: &str, at: usize, bad: &str, reason: &str) {
    let text = std::fs::read_to_string(seed(file)).expect("reads");
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).expect("a name");
    let whole = items(read_text(name, &text)).len();
    let damaged: Vec<&str> =
        text.lines().enumerate().map(|(place, line)| if place + 1 == at { bad } else { line }).collect();
    let (good, lost): (Vec<Line>, Vec<Line>) =
        read_text(name, &damaged.join("\n")).into_iter().partition(|line| line.item.is_ok());
    assert_eq!(good.len(), whole - 1, "{lost:?}");
    let [lost] = &lost[..] else { panic!("one line is lost: {lost:?}") };
    assert_eq!(lost.line, at as u64, "{lost:?}");
    assert!(lost.file.ends_with(name), "{lost:?}");
    assert!(lost.item.as_ref().is_err_and(|error| error.contains(reason)), "{lost:?}");
}

const HOTELS: &str = "traveladvisor-ota/hotel.init-data.sql";
const INSERT_HOTEL: &str = "INSERT INTO hotel.hotels (id, ota_hotel_id, name, iata_code, longitude, latitude, \
                            chain_code, country_code, dupe_id, ota_last_update) VALUES";

#[test]
fn a_bad_hotel_loses_only_itself() {
    let cases = [
        ("(9, 'X', 'OPEN QUOTE, 'HND', 1.0, 1.0, 'UI', 'JP', 7, '2023');", "quote"),
        ("(9, 'X', 'NAME', 'HND', 1.0);", "5 values for 10 columns"),
        ("(9, 'X', 'NAME', 'HND', 1.0, 1.0, 'UI', 'JP', 7, '2023';", "parenthesis"),
        ("(9, 'X', 'NAME', 'HND', 1.0, 91.0, 'UI', 'JP', 7, '2023');", "latitude"),
        ("(9, 'X', 'NAME', 'HND', 1.0, 1.0, 'UI', 'XX', 7, '2023');", "country_code"),
        ("(9, 'X', '', 'HND', 1.0, 1.0, 'UI', 'JP', 7, '2023');", "name"),
        ("(9, 'FIGMP778', 'NAME', 'HND', 1.0, 1.0, 'UI', 'JP', 7, '2023');", "line 13"),
        ("(900, 'X', 'NAME', 'HND', 1.0, 1.0, 'UI', 'JP', 7, '2023');", "no offer"),
        ("nonsense;", "neither a row"),
    ];
    for (row, reason) in cases {
        assert_only_one_lost(HOTELS, 21, &format!("{INSERT_HOTEL} {row}"), reason);
    }
    assert_only_one_lost(HOTELS, 21, "INSERT nonsense;", "table and columns");
}

#[test]
fn a_quote_inside_a_name_is_read() {
    let text = std::fs::read_to_string(seed(HOTELS)).expect("reads").replace("THE MARE HOTEL", "THE MARE''S HOTEL");
    let names = items(read_text("hotel.init-data.sql", &text));
    assert!(names.iter().any(|item| matches!(item, CatalogueItem::Hotel(hotel) if hotel.name == "THE MARE'S HOTEL")));
}

#[test]
fn a_bad_flight_offer_loses_only_itself() {
    let offer = |cells: &str| format!("    ('6X', '6X', '501', '744', 'CDG', '2024-12-30T10:00:00+00', {cells});");
    let cases = [
        ("'ZZZ', '2024-12-30T14:30:00+00', INTERVAL '4 hours', false, 0, 530.13", "arrival_iata"),
        ("'FRA', '2024-12-30 noon', INTERVAL '4 hours', false, 0, 530.13", "arrival_at"),
        ("'FRA', '2024-12-30T14:30:00+00', INTERVAL '2 hours', false, 0, 530.13", "duration"),
        ("'FRA', '2024-12-30T14:30:00+00', INTERVAL '4 hours 30 minutes', false, 0, 530.133", "cabins.0.price.amount"),
        ("'FRA', '2024-12-30T14:30:00+00', INTERVAL '4 hours 30 minutes', false, 0, NULL", "price"),
    ];
    for (cells, reason) in cases {
        assert_only_one_lost("traveladvisor-ota/flight.init-data.sql", 39, &offer(cells), reason);
    }
}

#[test]
fn a_bad_car_loses_only_itself_and_the_others_keep_their_codes() {
    let text = std::fs::read_to_string(seed("traveladvisor-ota/car.init-data.sql")).expect("reads");
    let lines = read_text("car.init-data.sql", &text.replace("98.06", "ninety"));
    let rejected: Vec<_> = lines.iter().filter(|line| line.item.is_err()).collect();
    assert_eq!((lines.len(), rejected.len(), rejected[0].line), (8, 1, 42), "{rejected:?}");
    let Ok(CatalogueItem::Car(last)) = &lines[7].item else { panic!("a car") };
    assert_eq!(last.code, "CAR-ST-8");
    let lines = read_text("car.init-data.sql", &text.replace("'Mercedes V Class or similar'", "'Mercedes V Class"));
    assert_eq!(lines.iter().filter(|line| line.item.is_err()).count(), 1);
}

#[test]
fn a_bad_campaign_loses_only_itself_and_the_other_keeps_its_code() {
    let text = std::fs::read_to_string(seed("traveladvisor-ota/payment.init-data.sql")).expect("reads");
    let cases = [
        ("'1000000'", "'a million'", "reward_value"),
        ("'1000000'", "NULL", "reward_value"),
        ("'SIGNUP'", "'BIRTHDAY'", "action_type"),
        ("'POINT'", "'MONEY'", "reward_type"),
        ("'POINT'", "'VOUCHER'", "reward_value"),
        ("NOW()", "NOW", "start_date"),
        ("NOW()", "'soon'", "start_date"),
        ("'ACTIVE'", "'CLOSE'", "status"),
        ("'회원가입 시 포인트 지급 이벤트'", "''", "event_name"),
    ];
    for (good, bad, reason) in cases {
        let lines = read_text("payment.init-data.sql", &text.replacen(good, bad, 1));
        let [Line { item: Err(lost), line: 1 | 11, .. }, Line { item: Ok(kept), .. }] = &lines[..] else {
            panic!("{bad}: {lines:?}")
        };
        assert!(lost.contains(reason), "{bad}: {lost}");
        assert!(matches!(kept, CatalogueItem::Campaign(campaign) if campaign.code == "REFERRAL-2"), "{kept:?}");
    }
    let without_end = text.replacen("'2090-12-31 23:59:59+00'", "NULL", 1);
    let lines = items(read_text("payment.init-data.sql", &without_end));
    assert!(matches!(&lines[0], CatalogueItem::Campaign(campaign) if campaign.ends_at.is_none()));
}

#[test]
fn a_bad_departure_from_new_york_loses_only_itself() {
    let cases = [
        ("UA,1545", "2 fields"),
        ("UA,1545,N1,EWR,ZZZ,2013-01-01T05:15,819,227,1400,149", "dest"),
        ("UA,1545,N1,EWR,IAH,2013-01-32T05:15,819,227,1400,149", "sched_dep_local"),
        ("UA,1545,N1,EWR,IAH,2013-01-01T05:15,861,227,1400,149", "sched_arr_hhmm_local"),
        ("UA,1545,N1,EWR,IAH,2013-01-01T05:15,0310,227,1400,149", "in the air"),
        ("UA,1545,N1,EWR,IAH,2013-01-01T05:15,819,227,far,149", "distance_mi"),
        ("UA,1545,N1,EWR,IAH,2013-01-01T05:15,819,227,1400,0", "seats"),
        (",1545,N1,EWR,IAH,2013-01-01T05:15,819,227,1400,149", "carrier"),
        ("UA,1714,N24211,LGA,IAH,2013-01-01T05:29,830,227,1416,149", "same supplier and code"),
    ];
    for (line, reason) in cases {
        let at = if reason.starts_with("same") { 4 } else { 2 };
        assert_only_one_lost("nycflights13/flights_2013_01_week1.csv", at, line, reason);
    }
}

#[test]
fn a_departure_without_seat_count_gets_one_by_the_rule() {
    let text = format!("{}\nUA,1545,N1,EWR,IAH,2013-01-01T05:15,819,NA,1400,NA\n", new_york::HEADER);
    let lines = read_text("week.csv", &text);
    let Ok(CatalogueItem::Flight(flight)) = &lines[0].item else { panic!("a flight: {lines:?}") };
    assert!((120..=180).contains(&flight.cabins[0].seats));
}

#[test]
fn json_lines_are_the_inputs_of_the_api() {
    let car = |code: &str, vehicles: i64| {
        format!(
            r#"{{"upsertCar": {{"code": "{code}", "name": "Van", "carClass": "STANDARD", "location": "ICN", "vehicles": {vehicles}, "dailyPrice": {{"amount": "90", "currency": "GBP"}}}}}}"#
        )
    };
    let text =
        [&car("A", 1), "{broken", "", r#"{"deleteCar": {}}"#, &car("B", 0), &car("A", 2), &car("C", 3)].join("\n");
    let lines = read_text("ours.jsonl", &text);
    let good: Vec<_> = lines.iter().filter(|line| line.item.is_ok()).map(|line| line.line).collect();
    assert_eq!(good, [1, 7]);
    let reasons: Vec<_> = lines.iter().filter_map(|line| Some((line.line, line.item.as_ref().err()?))).collect();
    for ((line, reason), (at, part)) in
        reasons.iter().zip([(2, "column"), (4, "deleteCar"), (5, "vehicles"), (6, "line 1")])
    {
        assert!(*line == at && reason.contains(part), "{line}: {reason}");
    }
    assert_eq!(reasons.len(), 4);
}

#[test]
fn no_cut_and_no_missing_character_stops_the_reader() {
    for file in ["traveladvisor-ota/car.init-data.sql", "traveladvisor-ota/flight.init-data.sql"] {
        let text = std::fs::read_to_string(seed(file)).expect("reads");
        let whole: String = text.lines().take(30).collect::<Vec<_>>().join("\n");
        for (at, c) in whole.char_indices() {
            for damaged in [whole[..at].to_owned(), whole[..at].to_owned() + &whole[at + c.len_utf8()..]] {
                let (cars, flights) = (cars::read(&damaged), flights::read(&damaged));
                assert!(cars.len() + flights.len() <= 60, "{at}");
            }
        }
    }
}
