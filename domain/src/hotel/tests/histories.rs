//! Random and long histories: never oversold, always repeatable, always small.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};
use proptest::prelude::*;

use crate::hotel::{Hotel, HotelCommand, HotelDetails, HotelEvent};
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::reservation::REMEMBERED_DAYS;
use crate::stay::Stay;
use crate::testing::samples::{NOW, booking, day, hotel_details, instant, room_type, rooms_for};
use crate::testing::{at, given, stored_and_read};
use crate::trip::HotelPart;

/// Days over which the stays of random histories begin.
const SPAN_DAYS: u64 = 6;

#[derive(Debug, Clone)]
enum Act {
    Reserve { trip: u128, attempt: u32, part: HotelPart },
    Release { trip: u128, attempt: u32 },
    Allot { from: u64, nights: u64, rooms: Option<u32>, stop_sell: Option<bool> },
    List { rooms: u32 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (0..12u128, 1..3u32, 0..SPAN_DAYS, 1..4u64, 1..4u32).prop_map(|(trip, attempt, from, nights, rooms)| {
            Act::Reserve { trip, attempt, part: rooms_for(stay(from, nights), rooms) }
        }),
        3 => (0..12u128, 1..3u32).prop_map(|(trip, attempt)| Act::Release { trip, attempt }),
        2 => (0..SPAN_DAYS, 1..5u64, prop::option::of(0..6u32), prop::option::of(any::<bool>()))
            .prop_map(|(from, nights, rooms, stop_sell)| Act::Allot { from, nights, rooms, stop_sell }),
        1 => (0..6u32).prop_map(|rooms| Act::List { rooms }),
    ]
}

fn first_night() -> NaiveDate {
    day("2024-12-24")
}

fn stay(from: u64, nights: u64) -> Stay {
    let check_in = first_night() + Days::new(from);
    Stay::new(check_in, check_in + Days::new(nights)).expect("a stay")
}

/// What a careful clerk would keep: who holds what, and what is on sale.
#[derive(Debug, Default)]
struct Clerk {
    held: BTreeMap<BookingId, HotelPart>,
    default_rooms: u32,
    rooms: BTreeMap<NaiveDate, u32>,
    closed: BTreeMap<NaiveDate, bool>,
}

impl Clerk {
    fn left(&self, night: NaiveDate) -> i64 {
        let sold: u32 = self.held.values().filter(|part| part.stay.nights().any(|n| n == night)).map(|p| p.rooms).sum();
        i64::from(self.rooms.get(&night).copied().unwrap_or(self.default_rooms)) - i64::from(sold)
    }

    fn can_sell(&self, part: &HotelPart) -> bool {
        part.stay.nights().all(|night| {
            self.left(night) >= i64::from(part.rooms) && !self.closed.get(&night).copied().unwrap_or(false)
        })
    }

    fn note(&mut self, event: &HotelEvent) {
        match event {
            HotelEvent::HotelListed { details, .. } | HotelEvent::HotelChanged { details, .. } => {
                self.default_rooms = details.room_types[0].rooms;
            }
            HotelEvent::AllotmentChanged { from, to, rooms, stop_sell, .. } => {
                for night in from.iter_days().take_while(|night| night < to) {
                    rooms.map(|rooms| self.rooms.insert(night, rooms));
                    stop_sell.map(|stop_sell| self.closed.insert(night, stop_sell));
                }
            }
            HotelEvent::RoomsReserved { booking, part, .. } => {
                assert!(self.can_sell(part), "sold above the allotment in force: {part:?}");
                assert!(self.held.insert(*booking, part.clone()).is_none(), "sold twice to one trip");
            }
            HotelEvent::RoomsRefused { booking, part, failure, .. } => {
                let barred = failure.code == crate::failure::Code::Conflict;
                assert!(barred || !self.can_sell(part), "refused what could be sold: {failure:?}");
                assert!(!self.held.contains_key(booking));
            }
            HotelEvent::RoomsReleased { booking, part, .. } => {
                assert_eq!(self.held.remove(booking).as_ref(), Some(part), "gave back what was not held");
            }
            HotelEvent::ReservationBarred { booking, .. } => assert!(!self.held.contains_key(booking)),
            HotelEvent::AnswerRepeated { .. } => {}
        }
    }
}

fn command(act: Act) -> HotelCommand {
    let occasion = at(NOW);
    match act {
        Act::Reserve { trip, attempt, part } => {
            HotelCommand::Reserve { booking: booking(trip), attempt, part, occasion }
        }
        Act::Release { trip, attempt } => {
            let part = rooms_for(stay(0, 1), 1);
            HotelCommand::Release { booking: booking(trip), attempt, part, occasion }
        }
        Act::Allot { from, nights, rooms, stop_sell } => HotelCommand::ChangeAllotment {
            room_type: "DBL".into(),
            from: first_night() + Days::new(from),
            to: first_night() + Days::new(from + nights),
            rooms,
            stop_sell,
            occasion,
        },
        Act::List { rooms } => {
            let details = HotelDetails { room_types: vec![room_type("DBL", rooms)], ..hotel_details() };
            HotelCommand::Upsert { details, occasion }
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_ever_sold_above_the_allotment_in_force(acts in prop::collection::vec(act(), 1..80)) {
        let mut clerk = Clerk::default();
        let mut log = Vec::new();
        let mut hotel = Hotel::default();
        for act in std::iter::once(Act::List { rooms: 3 }).chain(acts) {
            for event in hotel.decide(command(act)).unwrap_or_default() {
                clerk.note(&event);
                hotel.apply(&event);
                log.push(event);
            }
            // A snapshot at any moment goes on as the state itself would.
            hotel = stored_and_read(&hotel);
        }
        for night in stay(0, SPAN_DAYS + 4).nights() {
            let closed = clerk.closed.get(&night).copied().unwrap_or(false);
            let left = if closed { 0 } else { clerk.left(night).max(0) };
            prop_assert_eq!(hotel.rooms_left("DBL", night).map(i64::from), Some(left));
        }
        prop_assert_eq!(given::<Hotel>(&log).state, hotel);
    }
}

/// The `day_number`th day's job: a stay of two nights in a fortnight, a cancellation of every third.
fn daily_jobs(day_number: i64) -> Vec<HotelCommand> {
    let occasion = Occasion { at: instant(NOW) + TimeDelta::days(day_number), entropy: 0 };
    let check_in = occasion.at.date_naive() + Days::new(14);
    let part = rooms_for(Stay::new(check_in, check_in + Days::new(2)).expect("a stay"), 1);
    let booking = booking(day_number.unsigned_abs().into());
    let mut jobs = vec![HotelCommand::Reserve { booking, attempt: 1, part: part.clone(), occasion }];
    if day_number % 3 == 0 {
        jobs.push(HotelCommand::Release { booking, attempt: 1, part, occasion });
    }
    jobs
}

#[test]
fn years_of_history_leave_a_small_state_that_replay_repeats() {
    let mut log = vec![HotelEvent::HotelListed { details: hotel_details(), business_date: day("2024-12-01") }];
    let mut hotel = given::<Hotel>(&log).state;
    let mut restarted = None;
    for job in (0..5 * 365).flat_map(daily_jobs) {
        for event in hotel.decide(job).expect("no error") {
            hotel.apply(&event);
            log.push(event);
        }
        if log.len() == 1_000 {
            restarted = Some((stored_and_read(&hotel), log.len()));
        }
    }
    // What is ahead (a fortnight and the stay), what is remembered, and no more.
    let bookings_max = usize::try_from(14 + 2 + REMEMBERED_DAYS + 2).expect("small");
    assert!(hotel.memory().bookings.len() <= bookings_max, "{} bookings", hotel.memory().bookings.len());
    assert!(serde_json::to_string(&hotel).expect("JSON").len() < 20_000);
    assert_eq!(given::<Hotel>(&log).state, hotel);
    let (mut from_snapshot, read) = restarted.expect("a thousand events");
    log[read..].iter().for_each(|event| from_snapshot.apply(event));
    assert_eq!(from_snapshot, hotel);
}
