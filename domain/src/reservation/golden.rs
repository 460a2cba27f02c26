//! Stored states mean what they meant: the golden events of each participant still lead to the state that lies in `domain/states`.
//!
//! When this fails, what `apply` makes of events or how a state is written has changed. Raise [`STATE_VERSION`], so that snapshots written
//! before are ignored, and put the new state there under its version. Only the present version's states are kept.

use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::STATE_VERSION;
use crate::campaign::Campaign;
use crate::car::Car;
use crate::flight::Flight;
use crate::hotel::Hotel;
use crate::points_account::{EarnedFor, PointsAccount, PointsAccountEvent};
use crate::testing::samples::{booking, day};
use crate::testing::{Decider, given};

/// An event by its name, the trip that it is about, and its business date.
type Happened = (&'static str, u8, &'static str);

const DECIDED: &str = "2024-12-01";
/// The first night of the stays is forgotten on this day, the bookings are not.
const LATER: &str = "2025-01-24";

fn read(path: &[&str]) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR")].iter().chain(path).collect();
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The golden event, told of another trip on another day.
fn event<E: DeserializeOwned>(kind: &str, (name, trip, business_date): Happened) -> E {
    let json = read(&["events", kind, &format!("{name}.v1.json")])
        .replace("booking_01je5nw000e008000000000001", &format!("booking_01je5nw000e00800000000000{trip}"))
        .replace("booking_01h455vb4pex5vsknk084sn02q", &format!("booking_01je5nw000e00800000000000{trip}"))
        .replace(&format!("\"business_date\": \"{DECIDED}\""), &format!("\"business_date\": \"{business_date}\""));
    serde_json::from_str(&json).expect("an event")
}

fn leads_to_its_golden_state<A: Decider>(kind: &str, happened: &[Happened])
where
    A::Event: DeserializeOwned,
{
    let events: Vec<A::Event> = happened.iter().map(|happened| event(kind, *happened)).collect();
    is_golden::<A>(kind, &events);
}

fn is_golden<A: Decider>(kind: &str, events: &[A::Event]) {
    let state = given::<A>(events).state;
    let golden: Value =
        serde_json::from_str(&read(&["states", &format!("{kind}.v{STATE_VERSION}.json")])).expect("JSON");
    let now = serde_json::to_value(&state).expect("JSON");
    assert_eq!(now, golden, "a stored {kind} is no longer what it was:\n{now:#}");
    assert_eq!(serde_json::from_value::<A>(golden).expect("it is read"), state);
}

#[test]
fn of_hotels() {
    let happened = [
        ("HotelListed", 1, DECIDED),
        ("AllotmentChanged", 1, DECIDED),
        ("RoomsReserved", 1, DECIDED),
        ("RoomsReserved", 2, DECIDED),
        ("RoomsReleased", 2, DECIDED),
        ("RoomsRefused", 3, DECIDED),
        ("ReservationBarred", 4, DECIDED),
        ("HotelChanged", 1, DECIDED),
        ("AnswerRepeated", 2, LATER),
    ];
    leads_to_its_golden_state::<Hotel>("hotel", &happened);
}

#[test]
fn of_flights() {
    let happened = [
        ("FlightListed", 1, DECIDED),
        ("SeatsReserved", 1, DECIDED),
        ("SeatsReserved", 2, DECIDED),
        ("SeatsReleased", 2, DECIDED),
        ("SeatsRefused", 3, DECIDED),
        ("ReservationBarred", 4, DECIDED),
        ("FlightChanged", 1, DECIDED),
        ("AnswerRepeated", 2, "2025-01-20"),
    ];
    leads_to_its_golden_state::<Flight>("flight", &happened);
}

#[test]
fn of_fleets() {
    let happened = [
        ("CarListed", 1, DECIDED),
        ("VehicleReserved", 1, DECIDED),
        ("VehicleReserved", 2, DECIDED),
        ("VehicleReleased", 2, DECIDED),
        ("VehicleRefused", 3, DECIDED),
        ("ReservationBarred", 4, DECIDED),
        ("CarChanged", 1, DECIDED),
        ("AnswerRepeated", 2, LATER),
    ];
    leads_to_its_golden_state::<Car>("car", &happened);
}

#[test]
fn of_accounts() {
    let happened = [
        ("PointsEarned", 1, DECIDED),
        ("PointsRedeemed", 1, DECIDED),
        ("PointsRedeemed", 2, DECIDED),
        ("PointsRestored", 2, DECIDED),
        ("RedemptionRefused", 3, DECIDED),
        ("RedemptionBarred", 4, DECIDED),
        ("EarningBarred", 5, DECIDED),
        ("PointsReversed", 6, DECIDED),
        ("AnswerRepeated", 2, LATER),
    ];
    let mut events: Vec<PointsAccountEvent> =
        happened.iter().map(|happened| event("points_account", *happened)).collect();
    // The golden event is of a campaign; what a trip brings is remembered by the trip.
    let earned_for = EarnedFor::Booking { booking: booking(7), until: day("2025-12-24") };
    events.push(PointsAccountEvent::PointsEarned { points: 715, earned_for, business_date: day(LATER) });
    is_golden::<PointsAccount>("points_account", &events);
}

#[test]
fn of_campaigns() {
    let happened = [
        ("CampaignListed", 1, DECIDED),
        ("CampaignChanged", 1, DECIDED),
        ("CampaignOpened", 1, DECIDED),
        ("RewardCounted", 1, DECIDED),
        ("RewardCounted", 1, DECIDED),
        ("CampaignClosed", 1, DECIDED),
    ];
    leads_to_its_golden_state::<Campaign>("campaign", &happened);
}
