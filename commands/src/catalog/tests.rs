mod damage;

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use traveladvisor_domain::campaign::{Action, Campaign, CampaignCommand, CampaignDetails, RewardTerms};
use traveladvisor_domain::car::{Car, CarCommand, CarDetails};
use traveladvisor_domain::discount::{Off, VoucherTerms};
use traveladvisor_domain::flight::{Flight, FlightCommand, FlightDetails};
use traveladvisor_domain::hotel::{Hotel, HotelCommand, HotelDetails};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_infra::airports;

use damage::read_text;

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
    assert_eq!(ids.len(), 100 + 7 + 8 + 2 + 5_112);
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
    assert_eq!(read(&seed("traveladvisor-ota")).expect("reads").len(), 117);
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
            CatalogueItem::Campaign(details) => {
                Campaign::default().decide(CampaignCommand::List { details }).map(drop).expect("accepted");
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

fn campaigns() -> Vec<CampaignDetails> {
    let campaigns = items(embedded()).into_iter();
    campaigns.filter_map(|item| if let CatalogueItem::Campaign(it) = item { Some(it) } else { None }).collect()
}

#[test]
fn who_signs_up_gets_a_million_points_and_who_refers_a_member_a_voucher_of_ten_percent() {
    let [sign_up, referral] = &campaigns()[..] else { panic!("two campaigns: {:?}", campaigns()) };
    assert_eq!((sign_up.code.as_str(), sign_up.action), ("SIGNUP-1", Action::Signup));
    assert_eq!(
        (sign_up.name.as_str(), &sign_up.reward),
        ("회원가입 시 포인트 지급 이벤트", &RewardTerms::Point(1_000_000))
    );
    assert_eq!(sign_up.description, "신규 회원가입 시 1,000,000 포인트 지급");
    let voucher = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: None };
    assert_eq!((referral.code.as_str(), referral.action), ("REFERRAL-2", Action::Referral));
    assert_eq!(referral.reward, RewardTerms::Voucher(voucher));
    for campaign in [sign_up, referral] {
        assert!(campaign.opens_at < utc("2013-01-01T00:00:00Z"), "it has begun on every sandbox's clock");
        assert_eq!((campaign.ends_at, campaign.budget), (Some(utc("2090-12-31T23:59:59Z")), None));
    }
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
    assert_eq!((report.hotels.changed, report.hotels.unchanged, report.flights.changed), (96, 3, 40));
    assert_eq!((report.campaigns.changed, report.campaigns.unchanged), (2, 0));
    assert_eq!((report.changed(), report.unchanged(), report.listed()), (138, 3, 141));
    assert_eq!(report.rejected.len(), 9);
    assert_eq!((report.rejected[0].reason.as_str(), report.rejected[8].reason.as_str()), ("broken", "refused"));
    let seen = seen.into_inner();
    assert_eq!((seen[0], seen.len()), (Progress { done: 0, total: 150 }, 151));
}
