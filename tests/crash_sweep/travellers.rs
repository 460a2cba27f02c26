//! What travellers ask for while the program dies, and again when it is back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use traveladvisor_domain::id::{CampaignId, CarId, FlightId, HotelId, RewardId};

use crate::support::http::ask;

pub(super) const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
/// Whoever asks becomes a member, with the points of the reference campaign.
pub(super) const SIGN_UP: &str =
    "mutation($input: SignUpInput!) { signUp(input: $input) { member { id } errors { code } } }";
/// Opens the campaign whose vouchers an operator grants.
pub(super) const OPEN: &str =
    "mutation($input: OpenCampaignInput!) { openCampaign(input: $input) { errors { code message } } }";
const GRANT: &str =
    "mutation($input: GrantRewardInput!) { grantReward(input: $input) { member { id } errors { code } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";
/// Code of the campaign of the vouchers.
const REVIEWS: &str = "reviews";
/// Longest time until a trip is taken.
const TAKEN_LIMIT: Duration = Duration::from_mins(2);
/// What may be asked again with the same key.
const PASSING: [&str; 3] = ["OVERLOADED", "UNAVAILABLE", "CONFLICT"];

const SOUND: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const FAULTY: &str = "4000000000000119";

/// Trips that a party asks for.
pub(super) const TRIPS: usize = WISHES.len();
/// How many of them stand at the end, but for the one that gets the only car of the first fleet: the first party has one more.
pub(super) const APPROVED: usize = 2;

/// How a traveller pays.
#[derive(Debug, Clone, Copy)]
enum Pays {
    AtTheCounter,
    ByCard(&'static str),
    WithPoints,
    /// With points, and with a voucher of the traveller's own.
    WithVoucher,
}

/// What each traveller of a party wants: which parts, and how they are paid.
const WISHES: [(&[&str], Pays); 10] = [
    (&["hotel", "flight", "car"], Pays::AtTheCounter),
    (&["flight", "other car"], Pays::ByCard(SOUND)),
    (&["hotel", "flight"], Pays::ByCard(DECLINED)),
    (&["hotel", "flight", "car"], Pays::ByCard(SOUND)),
    (&["hotel"], Pays::ByCard(SOUND)),
    (&["car"], Pays::AtTheCounter),
    (&["flight"], Pays::ByCard(FAULTY)),
    (&["flight", "other car"], Pays::WithPoints),
    (&["hotel", "flight"], Pays::WithVoucher),
    (&["flight", "car"], Pays::WithVoucher),
];
/// Who cancels as soon as the trip is taken.
const CHANGE_THEIR_MINDS: [usize; 2] = [1, 8];
/// Vouchers of a party.
pub(super) const VOUCHERS: usize = 2;
/// On sale of all but the one car: more than all parties could hold at the same time, however long their trips are under way.
const PLENTY: usize = super::plan::ROW * TRIPS + 1;
/// Travellers who ask at the same time.
const AT_ONCE: usize = 3;

/// What travellers were told.
#[derive(Default)]
pub(super) struct Told {
    /// Bookings by key.
    bookings: BTreeMap<String, String>,
    /// Contradictions.
    pub(super) faults: Vec<String>,
}

/// How firm travellers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolve {
    /// They go when nobody answers.
    GivesUp,
    /// They ask until they are told.
    Insists,
}

/// Travellers who come together: one party for each death.
#[derive(Clone, Copy)]
pub(super) struct Party<'a> {
    pub(super) number: usize,
    /// The trip that was booked before: somebody cancels it.
    pub(super) earlier: &'a str,
    /// Who all of them are, as nobody is asked.
    pub(super) member: &'a str,
    pub(super) told: &'a Mutex<Told>,
}

impl Party<'_> {
    /// All ask, each under the same key at every time; some of them cancel.
    pub(super) fn travel(self, address: &str, resolve: Resolve) {
        thread::scope(|scope| {
            for first in 0..AT_ONCE {
                scope.spawn(move || {
                    for traveller in (first..TRIPS).step_by(AT_ONCE) {
                        let Some(booking) = self.book(address, traveller, resolve) else { return };
                        if CHANGE_THEIR_MINDS.contains(&traveller) {
                            until_told(address, CANCEL, &json!({ "input": { "bookingId": booking } }), resolve);
                        }
                    }
                });
            }
            let cancelled = json!({ "input": { "bookingId": self.earlier } });
            scope.spawn(move || until_told(address, CANCEL, &cancelled, resolve));
        });
    }

    fn book(self, address: &str, traveller: usize, resolve: Resolve) -> Option<String> {
        let (parts, pays) = WISHES[traveller];
        let key = format!("traveller {traveller} of party {}", self.number);
        let mut wanted = trip(&key, parts, pays);
        if matches!(pays, Pays::WithVoucher) {
            wanted["input"]["voucher"] = json!(self.voucher(address, traveller, resolve)?.to_string());
        }
        let booking = until_told(address, BOOK, &wanted, resolve)?;
        let mut told = self.told.lock().expect("the list");
        let before = told.bookings.insert(key.clone(), booking.clone());
        if before.as_ref().is_some_and(|before| *before != booking) {
            told.faults.push(format!("{key} was told {before:?} and then {booking}"));
        }
        Some(booking)
    }
}

/// The campaign of the vouchers.
pub(super) fn campaign() -> Value {
    json!({ "input": { "idempotencyKey": "reviews", "campaign": {
        "code": REVIEWS, "name": "Reviews", "description": "A tenth off for a review", "action": "REVIEW",
        "reward": { "voucher": { "percent": 10 } }, "opensAt": "2024-11-01T00:00:00Z" } } })
}

impl Party<'_> {
    /// A voucher that an operator grants, asked for under the same key and cause at every time.
    fn voucher(self, address: &str, traveller: usize, resolve: Resolve) -> Option<RewardId> {
        let cause = format!("traveller-{traveller}-of-party-{}", self.number);
        let campaign = CampaignId::of("own", REVIEWS);
        let asked = json!({ "input": { "idempotencyKey": cause, "memberId": self.member, "campaignId": campaign.to_string(),
            "cause": cause } });
        until_told(address, GRANT, &asked, resolve)?;
        Some(RewardId::of(campaign, &cause))
    }
}

/// The booking or member that somebody is told of; none when he gave up, or is told that he is too late to cancel.
fn until_told(address: &str, mutation: &str, variables: &Value, resolve: Resolve) -> Option<String> {
    let begun = Instant::now();
    loop {
        let answer = match ask(address, mutation, variables) {
            Ok(answer) => answer,
            Err(_) if resolve == Resolve::GivesUp => return None,
            Err(error) => {
                json!({ "errors": [{ "extensions": { "code": "UNAVAILABLE" }, "message": error.to_string() }] })
            }
        };
        let payload = &answer["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
        if let Some(id) = [&payload["booking"]["id"], &payload["member"]["id"]].into_iter().find_map(Value::as_str) {
            return Some(id.to_owned());
        }
        let codes = [&answer["errors"][0]["extensions"]["code"], &payload["errors"][0]["code"]];
        let code = codes.into_iter().find_map(Value::as_str).unwrap_or_default();
        if mutation == CANCEL && !PASSING.contains(&code) {
            return None;
        }
        assert!(PASSING.contains(&code), "{variables}: {answer}");
        assert!(begun.elapsed() < TAKEN_LIMIT, "{variables} is not taken: {answer}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The trip that was booked before the program dies.
pub(super) fn earlier() -> Value {
    let mut trip = trip("earlier", &["hotel", "flight", "other car"], Pays::ByCard(SOUND));
    trip["input"]["wait"] = json!("FINISHED");
    trip
}

/// Who signs up before that.
pub(super) fn member() -> Value {
    json!({ "input": { "idempotencyKey": "sign up", "email": "traveller@example.com", "nickname": "traveller",
        "firstName": "A", "lastName": "Traveller", "contactNumber": "+33 1 70 18 99 00" } })
}

fn trip(key: &str, parts: &[&str], pays: Pays) -> Value {
    let payment = match pays {
        Pays::AtTheCounter => json!({ "method": "NONE" }),
        Pays::ByCard(card) => json!({ "method": "CARD", "cardNumber": card }),
        Pays::WithPoints | Pays::WithVoucher => json!({ "method": "POINTS" }),
    };
    let mut trip = json!({
        "idempotencyKey": key,
        "traveller": { "email": "traveller@example.com", "name": "A Traveller" },
        "payment": payment,
    });
    let car = |code: &str| json!({ "carId": CarId::of("sweep", code), "pickUpAt": "2025-01-01T10:00:00Z", "dropOffAt": "2025-01-03T10:00:00Z" });
    for part in parts {
        let (name, value) = match *part {
            "hotel" => (
                "hotel",
                json!({ "hotelId": HotelId::of("sweep", "H"), "roomType": "DBL", "checkIn": "2025-01-01", "checkOut": "2025-01-03" }),
            ),
            "flight" => ("flight", json!({ "flightId": FlightId::of("sweep", "F") })),
            "car" => ("car", car("C1")),
            _ => ("car", car("C2")),
        };
        trip[name] = value;
    }
    json!({ "input": trip })
}

/// What is on sale.
pub(super) fn catalogue() -> String {
    let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let hotel = json!({ "supplier": "sweep", "code": "H", "name": "Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris",
        "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": PLENTY, "nightlyPrice": price("80.00") }] });
    let flight = json!({ "supplier": "sweep", "code": "F", "carrier": "AF", "origin": "CDG", "destination": "LYS",
        "departureAt": "2025-01-01T08:00:00Z", "arrivalAt": "2025-01-01T09:10:00Z",
        "cabins": [{ "cabin": "ECONOMY", "seats": PLENTY, "price": price("60.00") }] });
    let car = |code: &str, vehicles: usize| {
        json!({ "supplier": "sweep", "code": code, "name": "Car", "carClass": "MINI", "location": "LYS", "vehicles": vehicles,
            "dailyPrice": price("30.00") })
    };
    let mut lines = String::new();
    for (name, item) in [
        ("upsertHotel", hotel),
        ("upsertFlight", flight),
        ("upsertCar", car("C1", 1)),
        ("upsertCar", car("C2", PLENTY)),
    ] {
        writeln!(lines, "{}", json!({ name: item })).expect("a text grows");
    }
    lines
}
