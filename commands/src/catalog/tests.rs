use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use traveladvisor_domain::car::{Car, CarCommand, CarDetails};
use traveladvisor_domain::flight::{Flight, FlightCommand, FlightDetails};
use traveladvisor_domain::hotel::{Hotel, HotelCommand, HotelDetails};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_infra::airports;

use super::{CatalogError, CatalogueItem, Line, NEW_YORK_SUPPLIER, Progress, embedded, import, read};

fn seed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/seed-data").join(file)
}

fn items(lines: Vec<Line>) -> Vec<CatalogueItem> {
    lines.into_iter().map(|line| line.item.expect("good")).collect()
}

fn hotels() -> Vec<HotelDetails> {
    let hotels = items(embedded()).into_iter();
    hotels.filter_map(|item| if let CatalogueItem::Hotel(hotel) = item { Some(hotel) } else { None }).collect()
}

/// The departures of the reference catalogue, then those of New York.
fn flights() -> (Vec<FlightDetails>, Vec<FlightDetails>) {
    let flights = items(embedded()).into_iter();
    flights
        .filter_map(|item| if let CatalogueItem::Flight(flight) = item { Some(flight) } else { None })
        .partition(|flight| flight.supplier != NEW_YORK_SUPPLIER)
}

fn cars() -> Vec<CarDetails> {
    let cars = items(embedded()).into_iter();
    cars.filter_map(|item| if let CatalogueItem::Car(car) = item { Some(car) } else { None }).collect()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[test]
fn the_catalogue_holds_what_its_sources_hold_under_ids_of_their_own() {
    let lines = embedded();
    let ids: HashSet<_> = lines.iter().map(|line| line.item.as_ref().expect("good").id()).collect();
    assert_eq!(ids.len(), 100 + 7 + 8 + 5_112);
    let (reference, new_york) = flights();
    assert_eq!((hotels().len(), reference.len(), cars().len(), new_york.len()), (100, 7, 8, 5_112));
    let codes: HashSet<_> = new_york.iter().map(|flight| &flight.code).collect();
    assert_eq!(codes.len(), 5_112);
}

#[test]
fn two_reads_are_identical_and_folders_give_the_same_as_the_program_carries() {
    assert_eq!(embedded(), embedded());
    let from_disk: HashSet<_> = read(&seed("")).expect("reads").into_iter().map(|line| line.item).map(id).collect();
    let carried: HashSet<_> = embedded().into_iter().map(|line| line.item).map(id).collect();
    assert_eq!(from_disk, carried);
    assert_eq!(read(&seed("traveladvisor-ota")).expect("reads").len(), 115);
}

fn id(item: Result<CatalogueItem, String>) -> String {
    let item = item.expect("good");
    format!("{} {item:?}", item.id())
}

#[test]
fn every_item_is_accepted_by_its_aggregate() {
    let occasion = Occasion { at: utc("2024-12-01T00:00:00Z"), entropy: 0 };
    for item in items(embedded()) {
        match item {
            CatalogueItem::Hotel(details) => {
                Hotel::default().decide(HotelCommand::Upsert { details, occasion }).map(drop).expect("accepted");
            }
            CatalogueItem::Flight(details) => {
                Flight::default().decide(FlightCommand::Upsert { details, occasion }).map(drop).expect("accepted");
            }
            CatalogueItem::Car(details) => {
                Car::default().decide(CarCommand::Upsert { details, occasion }).map(drop).expect("accepted");
            }
        }
    }
}

#[test]
fn a_hotel_has_the_place_of_its_airport_and_the_price_of_a_night() {
    let hotels = hotels();
    let first = &hotels[0];
    assert_eq!((first.code.as_str(), first.city.as_str(), first.country.as_str()), ("FIGMP778", "Seoul", "KR"));
    assert_eq!((first.time_zone.name(), first.latitude), ("Asia/Seoul", Some(37.56251)));
    let room = &first.room_types[0];
    assert_eq!((room.code.as_str(), room.name.as_str()), ("REG", "Deluxe room, 1 queen bed"));
    assert_eq!(room.nightly_price.to_string(), "631.00 GBP");
    assert_eq!(hotels[99].room_types[0].nightly_price.to_string(), "730.00 GBP");
    assert!(hotels.iter().all(|hotel| (5..=20).contains(&hotel.room_types[0].rooms)));
}

#[test]
fn a_stay_of_several_nights_is_divided_by_them() {
    let text = std::fs::read_to_string(seed("traveladvisor-ota/hotel.init-data.sql")).expect("reads");
    let lines = read_text("hotel.init-data.sql", &text.replace("'2024-12-17'::date", "'2024-12-19'::date"));
    let Ok(CatalogueItem::Hotel(first)) = &lines[0].item else { panic!("a hotel") };
    assert_eq!(first.room_types[0].nightly_price.to_string(), "210.33 GBP");
}

#[test]
fn a_departure_has_local_times_and_its_lowest_price() {
    let (reference, _) = flights();
    let seoul = reference.iter().find(|flight| flight.code == "6X3605-2024-12-31").expect("listed");
    assert_eq!(seoul.departure_at, utc("2024-12-31T15:30:00Z"));
    assert_eq!(seoul.arrival_at, utc("2024-12-31T23:20:00Z"));
    assert_eq!(seoul.cabins[0].price.to_string(), "391.33 GBP");
    let codes: Vec<_> = reference.iter().map(|flight| flight.code.as_str()).collect();
    assert_eq!(codes[0], "6X3618-2024-12-30");
    assert_eq!(codes[6], "6X9744-2024-12-30");
}

#[test]
fn cars_stand_where_flights_of_the_catalogue_arrive_and_one_fleet_is_small() {
    let (reference, new_york) = flights();
    let reached: HashSet<_> = reference.iter().chain(&new_york).map(|flight| flight.destination.as_str()).collect();
    let cars = cars();
    let codes: Vec<_> = cars.iter().map(|car| car.code.as_str()).collect();
    assert_eq!(codes, ["CAR-BU-1", "CAR-FC-2", "VAN-BU-3", "CAR-ST-4", "VAN-ST-5", "SUV-ST-6", "CAR-BU-7", "CAR-ST-8"]);
    assert!(cars.iter().all(|car| reached.contains(car.location.as_str()) && (2..=9).contains(&car.vehicles)));
    assert!(cars.iter().any(|car| car.vehicles <= 3));
    let cities: HashSet<_> = hotels().into_iter().map(|hotel| hotel.city).collect();
    let city_of = |car: &CarDetails| airports::lookup(&car.location).expect("an airport").city.clone();
    assert!(cars.iter().filter(|car| cities.contains(&city_of(car))).count() >= 4);
    assert_eq!((cars[0].car_class.as_str(), cars[0].daily_price.to_string().as_str()), ("BUSINESS", "101.22 GBP"));
}

#[test]
fn new_york_is_moved_by_whole_weeks_of_local_time() {
    let (_, new_york) = flights();
    let first = &new_york[0];
    assert_eq!(first.code, "UA1545-EWR-2024-12-31");
    assert_eq!(first.departure_at, utc("2024-12-31T10:15:00Z"));
    assert_eq!(first.arrival_at, utc("2024-12-31T14:19:00Z"));
    assert_eq!(first.cabins[0].seats, 149);
    let days: HashSet<_> =
        new_york.iter().map(|flight| flight.departure_at.with_timezone(&flight.origin_zone).date_naive()).collect();
    assert_eq!(days.len(), 7);
    let block = |flight: &FlightDetails| flight.arrival_at - flight.departure_at;
    assert!(new_york.iter().all(|flight| block(flight) > TimeDelta::zero() && block(flight) < TimeDelta::hours(13)));
}

fn read_text(name: &str, text: &str) -> Vec<Line> {
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
    let lost: Vec<_> = lines.iter().filter(|line| line.item.is_err()).collect();
    assert_eq!((lines.len(), lost.len(), lost[0].line), (8, 1, 42), "{lost:?}");
    let Ok(CatalogueItem::Car(last)) = &lines[7].item else { panic!("a car") };
    assert_eq!(last.code, "CAR-ST-8");
    let lines = read_text("car.init-data.sql", &text.replace("'Mercedes V Class or similar'", "'Mercedes V Class"));
    assert_eq!(lines.iter().filter(|line| line.item.is_err()).count(), 1);
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
    let text = format!("{}\nUA,1545,N1,EWR,IAH,2013-01-01T05:15,819,NA,1400,NA\n", super::new_york::HEADER);
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
fn what_is_no_catalogue_says_what_is_understood() {
    for path in [seed("airports/airports.csv"), seed("airports")] {
        let error = read(&path).expect_err("not understood");
        assert!(error.to_string().contains("upsertHotel"), "{error}");
    }
    assert!(matches!(read(&seed("nothing")), Err(CatalogError::Unreadable { .. })));
}

#[tokio::test]
async fn an_import_counts_what_became_of_every_line() {
    let mut lines = embedded();
    lines.truncate(150);
    lines[3].item = Err("broken".to_owned());
    let seen = RefCell::new(Vec::new());
    let submit = async |item: CatalogueItem| match item {
        CatalogueItem::Hotel(hotel) if hotel.city == "Seoul" => Ok(false),
        CatalogueItem::Car(_) => Err("refused".to_owned()),
        _ => Ok(true),
    };
    let report = import(lines, submit, |progress| seen.borrow_mut().push(progress)).await;
    assert_eq!((report.hotels.changed, report.hotels.unchanged, report.flights.changed), (96, 3, 42));
    assert_eq!((report.changed(), report.unchanged(), report.listed()), (138, 3, 141));
    assert_eq!(report.rejected.len(), 9);
    assert_eq!((report.rejected[0].reason.as_str(), report.rejected[8].reason.as_str()), ("broken", "refused"));
    let seen = seen.into_inner();
    assert_eq!((seen[0], seen.len()), (Progress { done: 0, total: 150 }, 151));
}
