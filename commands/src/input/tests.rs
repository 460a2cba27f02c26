use traveladvisor_domain::failure::Code;

use super::{CarInput, FieldError, FlightInput, HotelInput, car, flight, hotel, text};

const HOTEL: &str = r#"{"code": "H1", "name": "Dormy Inn", "city": "Seoul", "country": "KR", "timeZone": "Asia/Seoul",
    "latitude": 37.5, "longitude": 127.0,
    "roomTypes": [{"code": "REG", "name": "Regular", "rooms": 5, "nightlyPrice": {"amount": "80.50", "currency": "GBP"}}]}"#;
const FLIGHT: &str = r#"{"code": "F1", "carrier": "6X", "origin": "HEL", "destination": "ICN",
    "departureAt": "2024-12-31T17:30:00+02:00", "arrivalAt": "2025-01-01T08:20:00+09:00",
    "cabins": [{"cabin": "ECONOMY", "seats": 100, "price": {"amount": "391.33", "currency": "GBP"}}]}"#;
const CAR: &str = r#"{"code": "C1", "name": "Van", "carClass": "STANDARD", "location": "ICN", "vehicles": 3,
    "dailyPrice": {"amount": "90", "currency": "GBP"}}"#;

fn hotel_with(from: &str, to: &str) -> Result<(), FieldError> {
    assert!(HOTEL.contains(from), "{from} is there to be replaced");
    let input: HotelInput = serde_json::from_str(&HOTEL.replace(from, to)).expect("well-formed");
    hotel(&input).map(drop)
}

fn flight_with(from: &str, to: &str) -> Result<(), FieldError> {
    assert!(FLIGHT.contains(from), "{from} is there to be replaced");
    let input: FlightInput = serde_json::from_str(&FLIGHT.replace(from, to)).expect("well-formed");
    flight(&input).map(drop)
}

fn car_with(from: &str, to: &str) -> Result<(), FieldError> {
    assert!(CAR.contains(from), "{from} is there to be replaced");
    let input: CarInput = serde_json::from_str(&CAR.replace(from, to)).expect("well-formed");
    car(&input).map(drop)
}

#[track_caller]
fn assert_refused_at(result: Result<(), FieldError>, path: &str) {
    let error = result.expect_err("refused");
    assert_eq!((error.path.join(".").as_str(), error.code), (path, Code::InvalidInput), "{error}");
    assert!(!error.message.is_empty());
}

#[test]
fn what_keeps_the_rules_becomes_details_of_our_own_supplier() {
    let details = hotel(&serde_json::from_str(HOTEL).expect("well-formed")).expect("accepted");
    assert_eq!((details.supplier.as_str(), details.room_types[0].nightly_price.minor), ("own", 8050));
    let details = flight(&serde_json::from_str(FLIGHT).expect("well-formed")).expect("accepted");
    assert_eq!(details.departure_at.to_rfc3339(), "2024-12-31T15:30:00+00:00");
    assert_eq!((details.origin_zone.name(), details.destination_zone.name()), ("Europe/Helsinki", "Asia/Seoul"));
    let details = car(&serde_json::from_str(CAR).expect("well-formed")).expect("accepted");
    assert_eq!(details.time_zone.name(), "Asia/Seoul");
}

#[test]
fn a_text_has_bounds_and_no_control_characters() {
    assert_eq!(text(&"é".repeat(200), 200).as_deref(), Ok("é".repeat(200).as_str()));
    for bad in ["", "  ", "a\0b", "a\nb", "a\u{7f}", "a\u{85}b", &"x".repeat(201)] {
        assert!(text(bad, 200).is_err(), "{bad:?}");
    }
}

#[test]
fn a_hotels_bad_field_is_named() {
    assert_refused_at(hotel_with("\"H1\"", "\"\""), "code");
    assert_refused_at(hotel_with("\"H1\"", &format!("\"{}\"", "x".repeat(65))), "code");
    assert_refused_at(hotel_with("Dormy Inn", &"x".repeat(300)), "name");
    assert_refused_at(hotel_with("Dormy Inn", "Dormy\\u0000Inn"), "name");
    assert_refused_at(hotel_with("\"Seoul\"", "\" \""), "city");
    assert_refused_at(hotel_with("\"KR\"", "\"KOR\""), "country");
    assert_refused_at(hotel_with("\"KR\"", "\"kr\""), "country");
    assert_refused_at(hotel_with("Asia/Seoul", "Asia/Atlantis"), "timeZone");
    assert_refused_at(hotel_with("37.5", "90.5"), "latitude");
    assert_refused_at(hotel_with("127.0", "-180.5"), "longitude");
    assert_refused_at(hotel_with("\"REG\"", "\"\\u0007\""), "roomTypes.0.code");
    for rooms in ["0", "-1", "10001", "9000000000000000000"] {
        assert_refused_at(hotel_with("\"rooms\": 5", &format!("\"rooms\": {rooms}")), "roomTypes.0.rooms");
    }
    for amount in ["80.505", "-1", "1e3", "", "99999999999999999999"] {
        assert_refused_at(hotel_with("80.50", amount), "roomTypes.0.nightlyPrice.amount");
    }
    assert_refused_at(hotel_with("GBP", "XXX"), "roomTypes.0.nightlyPrice.currency");
}

#[test]
fn a_flights_bad_field_is_named() {
    assert_refused_at(flight_with("HEL", "ZZZ"), "origin");
    assert_refused_at(flight_with("ICN", "icn"), "destination");
    assert_refused_at(flight_with("2024-12-31", "1024-12-31"), "departureAt");
    assert_refused_at(flight_with("2025-01-01", "9025-01-01"), "arrivalAt");
    assert_refused_at(flight_with("\"seats\": 100", "\"seats\": 1001"), "cabins.0.seats");
    assert_refused_at(flight_with("391.33", "391.333"), "cabins.0.price.amount");
}

#[test]
fn a_cars_bad_field_is_named() {
    assert_refused_at(car_with("ICN", "Seoul station"), "timeZone");
    assert_eq!(car_with("\"ICN\"", "\"Seoul station\", \"timeZone\": \"Asia/Seoul\""), Ok(()));
    assert_refused_at(car_with("\"vehicles\": 3", "\"vehicles\": 0"), "vehicles");
    assert_refused_at(car_with("STANDARD", ""), "carClass");
}

#[test]
fn an_unknown_field_is_refused() {
    assert!(serde_json::from_str::<CarInput>(&CAR.replace("\"code\"", "\"colour\": 1, \"code\"")).is_err());
}
