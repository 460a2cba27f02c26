//! Every record that was ever sent can still be read: one whole record for each topic and version in `messages/`, never edited. A new topic, and
//! a new version, fails here until its record lies there: `RECORD=1 cargo test -p traveladvisor-domain -- golden_messages` writes what is
//! missing, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Announcement, Carries, Content, Parcel, Received, Sent, Standing, TOPICS, Topic, Version, parcel_in, read,
};
use crate::aggregate::Event;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::id::{BookingId, CarId, FlightId, HotelId, LetterId, MemberId, RewardId, StreamId, StreamKind};
use crate::message::{Answer, Body, Destination, Direction, Instruction, Message, Order, Outcome};
use crate::money::{Currency, Money};
use crate::points::{Earning, PointsOrder, PointsToRedeem};
use crate::rental::Rental;
use crate::shape::Events;
use crate::stay::Stay;
use crate::trip::{CarPart, CardToken, FlightPart, HotelPart, PaymentPlan, Step, VoucherPart};

const ID: Uuid = Uuid::from_u128(0x0193_8b5e_0000_7000_8000_0000_0000_0001);
const TRIP: BookingId = BookingId(ID);

/// A record as it lies in its file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Golden {
    key: String,
    headers: BTreeMap<String, String>,
    value: Value,
}

impl Golden {
    fn of(parcel: &Parcel) -> Self {
        let headers = parcel.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { key: parcel.key.clone(), headers, value: serde_json::from_str(&parcel.payload).expect("JSON") }
    }
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "messages"].iter().collect()
}

fn file(topic: &Topic, version: Version) -> PathBuf {
    folder().join(format!("{}.v{version}.json", topic.name))
}

fn at<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a date or an instant")
}

const fn price(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn event(kind: StreamKind, name: &str) -> Event {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "events", kind.as_str(), &format!("{name}.v1.json")].iter().collect();
    let payload = fs::read_to_string(path).expect("a golden event");
    Events::read(kind, name, "1", &payload).expect("an event").first().clone()
}

fn order(step: Step) -> Order {
    match step {
        Step::Hotel => Order::Rooms(HotelPart {
            hotel: HotelId(ID),
            room_type: "DBL".into(),
            stay: Stay::new(at("2024-12-24"), at("2024-12-27")).expect("a stay"),
            rooms: 1,
            price: price(24_000),
        }),
        Step::Flight => {
            Order::Seats(FlightPart { flight: FlightId(ID), cabin: "ECONOMY".into(), seats: 2, price: price(18_000) })
        }
        Step::Car => Order::Vehicle(CarPart {
            car: CarId(ID),
            rental: Rental::new(at("2024-12-24T10:00:00Z"), at("2024-12-27T10:00:00Z")).expect("a rental"),
            price: price(12_000),
        }),
        Step::Voucher => Order::Voucher(VoucherPart {
            voucher: RewardId(ID),
            member: MemberId(ID),
            total: price(54_000),
            discount: price(5_400),
        }),
        Step::Payment => {
            let card = CardToken { token: "tok_1".into(), brand: "visa".into(), last_four: "4242".into() };
            Order::Payment { plan: PaymentPlan::Card(card), amount: price(48_600), found: None }
        }
        Step::Approve => Order::Booking { failure: None },
    }
}

/// A request is done and an undo is refused: between them they show an answer whole.
fn answer(step: Step, direction: Direction) -> Body {
    let outcome = match direction {
        Direction::Request => Outcome::Refused(Failure::new(Code::SoldOut, "Nothing is left: choose another one.")),
        Direction::Undo => Outcome::Done,
    };
    Body::Answer(Answer { step, direction, attempt: 1, outcome })
}

fn body(carries: Carries) -> Option<Body> {
    let earning = Earning { member: MemberId(ID), points: 486, until: at("2025-01-03") };
    Some(match carries {
        Carries::Instruction(step, direction) => {
            let answer_by = (direction == Direction::Request).then(|| at("2024-12-01T12:01:00Z"));
            Body::Instruction(Instruction { direction, attempt: 1, order: order(step), answer_by })
        }
        Carries::Answer(step, direction) => answer(step, direction),
        Carries::PointsAnswer(direction) => answer(Step::Payment, direction),
        Carries::Points(direction) => {
            let points = PointsToRedeem { member: MemberId(ID), points: 48_600, until: at("2025-01-03") };
            Body::Points(PointsOrder { direction, attempt: 1, points, value: price(48_600) })
        }
        Carries::Earn => Body::Earn(earning),
        Carries::Reverse => Body::Reverse(earning),
        Carries::Offer | Carries::Standing | Carries::Voucher | Carries::Letter => return None,
    })
}

fn receiver(body: &Body, carries: Carries) -> StreamId {
    match body {
        Body::Instruction(asked) => asked.order.decided_by(TRIP),
        Body::Answer(_) if matches!(carries, Carries::PointsAnswer(_)) => TRIP.payment(),
        Body::Answer(_) => TRIP.saga(),
        _ => MemberId(ID).account(),
    }
}

fn announced(topic: &Topic) -> (StreamId, Announcement) {
    let of = |kind: StreamKind, name: &str| {
        let event = event(kind, name);
        (StreamId::new(kind, ID), super::announcement(&event).expect("it is announced"))
    };
    match (topic.carries, topic.from) {
        (Carries::Offer, Context::Hotel) => of(StreamKind::Hotel, "HotelListed"),
        (Carries::Offer, Context::Flight) => of(StreamKind::Flight, "FlightListed"),
        (Carries::Offer, _) => of(StreamKind::Car, "CarListed"),
        (Carries::Standing, _) => (MemberId(ID).stream(), Announcement::Member(Standing::Active)),
        (Carries::Voucher, _) => of(StreamKind::Reward, "RewardGranted"),
        (Carries::Letter, Context::Booking) => of(StreamKind::DeadLetter, "MessageDeadLettered"),
        (Carries::Letter, Context::Hotel) => of(StreamKind::DeadLetter, "LetterRetried"),
        (Carries::Letter, Context::Flight) => of(StreamKind::DeadLetter, "LetterDiscarded"),
        (Carries::Letter, _) => of(StreamKind::DeadLetter, "RecordDeadLettered"),
        _ => unreachable!("a message"),
    }
}

/// What a topic carries, and what is to come out of it.
fn constructed(topic: &Topic, version: Version) -> (Parcel, Received) {
    let correlation = TRIP.to_string();
    let sent = |stream| Sent {
        log: topic.from.as_str(),
        stream,
        sequence: 3,
        place: 0,
        correlation: &correlation,
        causation: Some("message"),
        occurred_at: at("2024-12-01T12:00:00Z"),
        traceparent: None,
    };
    let Some(body) = body(topic.carries) else {
        let (stream, announcement) = announced(topic);
        let content = Content::Announcement(topic.from, &announcement);
        let parcel = parcel_in(version, sent(stream), content).expect("a topic");
        return (parcel, Received::Announcement(stream, Box::new(announcement)));
    };
    let sender = match topic.from {
        Context::Booking => TRIP.saga(),
        Context::Hotel => HotelId(ID).stream(),
        Context::Flight => FlightId(ID).stream(),
        Context::Car => CarId(ID).stream(),
        Context::Payment => TRIP.payment(),
        Context::Member => MemberId(ID).account(),
    };
    let to = Destination::Stream(receiver(&body, topic.carries));
    let message = Message { booking: TRIP, to, body };
    let parcel = parcel_in(version, sent(sender), Content::Message(&message)).expect("a topic");
    (parcel, Received::Message(Box::new(message)))
}

fn every() -> impl Iterator<Item = (&'static Topic, Version)> {
    TOPICS.iter().flat_map(|topic| Version::ALL.map(|version| (topic, version)))
}

#[test]
fn every_topic_has_a_record_of_every_version_and_no_record_is_without_a_topic() {
    let is_recording = std::env::var_os("RECORD").is_some();
    for (topic, version) in every() {
        let path = file(topic, version);
        if is_recording && !path.exists() {
            let golden = Golden::of(&constructed(topic, version).0);
            let text = serde_json::to_string_pretty(&golden).expect("JSON");
            fs::write(&path, format!("{text}\n")).expect("written");
        }
    }
    let entries = fs::read_dir(folder()).expect("a folder of golden messages");
    let found: BTreeSet<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(found, every().map(|(topic, version)| file(topic, version)).collect());
}

#[test]
fn every_record_that_was_ever_sent_is_read_as_what_it_said() {
    for (topic, version) in every() {
        let text = fs::read_to_string(file(topic, version)).expect("a golden message");
        let golden: Golden = serde_json::from_str(&text).expect("a record");
        let value = golden.value.to_string();
        let (envelope, received) = read(topic, &golden.key, value.as_bytes())
            .unwrap_or_else(|unreadable| panic!("{} v{version}: {unreadable}", topic.name));
        assert_eq!(envelope.version, version.number(), "{}", topic.name);
        let (parcel, expected) = constructed(topic, version);
        assert_eq!(received, expected, "{} v{version}", topic.name);
        assert_eq!(golden, Golden::of(&parcel), "{} v{version} is written otherwise than it was", topic.name);
    }
}

#[test]
fn in_version_2_a_stranger_finds_what_is_asked_and_what_came_of_it_without_knowing_our_events() {
    let value = |verb: &str| {
        let topic = TOPICS.iter().find(|topic| topic.name.ends_with(verb)).expect("a topic");
        Golden::of(&constructed(topic, Version::Two).0).value
    };
    let asked = value("booking.hotel.request_booking");
    assert_eq!((&asked["payload"]["order"], &asked["payload"]["rooms"]), (&"rooms".into(), &1.into()));
    assert_eq!(asked["payload"]["stay"]["check_in"], "2024-12-24");
    let answer = value("hotel.booking.notify_booking_completed");
    assert_eq!(
        (&answer["payload"]["outcome"], &answer["payload"]["failure"]["code"]),
        (&"refused".into(), &"SOLD_OUT".into())
    );
    let letter = LetterId(ID).to_string();
    assert_eq!(Golden::of(&constructed(&TOPICS[TOPICS.len() - 1], Version::Two).0).key, letter);
}
