use chrono_tz::Tz;

use super::{lookup, rows};

#[test]
fn every_line_of_the_table_is_an_airport_of_its_own() {
    let codes: Vec<String> = rows().map(|row| row.expect("reads").0).collect();
    assert_eq!(codes.len(), 7_884);
    for code in codes {
        let airport = lookup(&code).expect("known");
        assert!((-90.0..=90.0).contains(&airport.latitude) && (-180.0..=180.0).contains(&airport.longitude), "{code}");
    }
}

#[test]
fn an_airport_has_place_and_zone() {
    let seoul = lookup("ICN").expect("known");
    assert_eq!((seoul.city.as_str(), seoul.country.as_str(), seoul.zone), ("Seoul", "KR", Tz::Asia__Seoul));
    assert_eq!(lookup("DCA").expect("known").city, "Washington");
}

#[test]
fn what_is_no_code_finds_nothing() {
    for code in ["", "icn", "ZZZ", "ICN ", "\0"] {
        assert_eq!(lookup(code), None, "{code:?}");
    }
}
