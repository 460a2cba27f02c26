//! The demo does what it says, again and again.

use serde_json::Value;

use crate::support::Home;

#[test]
fn the_demo_books_five_trips_and_does_so_again_on_the_same_data() {
    let home = Home::new();
    let first = run(&home);
    let listed = listings(&home);
    let second = run(&home);
    assert_eq!(listings(&home), listed, "the second import appends nothing");
    let ids = |report: &Value| {
        report["trips"].as_array().expect("trips").iter().map(|trip| trip["bookingId"].clone()).collect::<Vec<_>>()
    };
    assert!(ids(&first).iter().all(|id| !ids(&second).contains(id)), "each run books trips of its own");
}

#[test]
fn people_get_tables_and_a_way_to_go_on_also_after_an_import() {
    let home = Home::new();
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/seed-data");
    assert_eq!(home.json(&["catalog", "import", seed, "--quiet"])["rejected"], serde_json::json!([]));
    let printed = home.printed(&["demo", "--listen", "127.0.0.1:0", "--quiet"]);
    for words in [
        "A trip whose car is sold out",
        "SeatsReleased",
        "A trip that a new member pays with points",
        "PointsRestored",
        "Checked against the log",
        "curl -s http://",
        "events tail",
    ] {
        assert!(printed.contains(words), "{words} is missing in:\n{printed}");
    }
    let widest = printed.lines().filter(|line| !line.contains("hotels(filter")).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "a line has {widest:?} characters");
    let query = printed.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body to paste");
    let body: Value = serde_json::from_str(query).expect("the body is JSON");
    assert!(body["query"].as_str().is_some_and(|query| query.contains("hotels")));
}

fn run(home: &Home) -> Value {
    let report = home.json(&["demo", "--listen", "127.0.0.1:0"]);
    let fields: Vec<&String> = report.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["checks", "trips"]);
    let trips = report["trips"].as_array().expect("trips");
    let ended: Vec<_> = trips
        .iter()
        .map(|trip| ["name", "status", "sagaStatus"].map(|field| trip[field].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        ended,
        [
            ["approved", "APPROVED", "SUCCEEDED"],
            ["car_sold_out", "CANCELLED", "COMPENSATED"],
            ["card_declined", "CANCELLED", "COMPENSATED"],
            ["cancelled_by_traveller", "CANCELLED", "COMPENSATED"],
            ["paid_with_points", "CANCELLED", "COMPENSATED"],
        ]
    );
    for trip in trips {
        let mut fields: Vec<&String> = trip.as_object().expect("an object").keys().collect();
        fields.sort();
        assert_eq!(fields, ["bookingId", "name", "sagaStatus", "status", "timeline"]);
        assert!(trip["bookingId"].as_str().is_some_and(|id| id.starts_with("booking_")));
        assert!(trip["timeline"].as_array().is_some_and(|entries| entries.len() >= 13));
    }
    let checks = report["checks"].as_array().expect("checks");
    assert!(
        !checks.is_empty() && checks.iter().all(|check| check["ok"] == true && check["name"].is_string()),
        "{checks:?}"
    );
    let with_points = &trips[4]["timeline"];
    for event in ["PointsRedeemed", "PaymentCompleted", "PointsRestored", "SagaCompensated"] {
        let told = with_points.as_array().expect("a timeline").iter().filter(|entry| entry["type"] == event);
        assert_eq!(told.count(), 1, "{event} in {with_points}");
    }
    report
}

/// How many events of the catalogue there are.
fn listings(home: &Home) -> usize {
    let events = home.events();
    let of_campaigns = ["CampaignListed", "CampaignChanged", "CampaignAdded"];
    let kinds = ["HotelListed", "HotelChanged", "FlightListed", "FlightChanged", "CarListed", "CarChanged"];
    let is_listing = |name: &str| kinds.contains(&name) || of_campaigns.contains(&name);
    events.iter().filter(|event| is_listing(event["type"].as_str().unwrap_or_default())).count()
}
