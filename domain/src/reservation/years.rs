//! Histories over years: replay repeats the forgetting exactly, from any snapshot, and what is left is small.

use chrono::{DateTime, Days, TimeDelta, Utc};
use proptest::prelude::*;

use super::REMEMBERED_DAYS;
use crate::aggregate::Aggregate;
use crate::car::{Car, CarCommand, CarDetails};
use crate::flight::{Flight, FlightCommand, FlightDetails};
use crate::hotel::{Hotel, HotelCommand, HotelDetails};
use crate::occasion::Occasion;
use crate::rental::Rental;
use crate::stay::Stay;
use crate::testing::samples::{
    NOW, booking, car_details, flight_details, hotel_details, instant, room_type, rooms_for, seats, vehicle_for,
};
use crate::testing::{Decider, given, stored_and_read};

/// What happens next to a participant.
#[derive(Debug, Clone)]
struct Act {
    /// Hours since what happened before; a little negative where clocks differ.
    hours: i64,
    kind: Kind,
    trip: u128,
    attempt: u32,
    /// Days until the stay or rental begins, and its length.
    lead_days: u64,
    days: u64,
    /// Rooms, seats or vehicles.
    count: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Reserve,
    Release,
    List,
    Allot,
}

fn act() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![
        6 => Just(Kind::Reserve),
        3 => Just(Kind::Release),
        1 => Just(Kind::List),
        1 => Just(Kind::Allot),
    ];
    // Mostly within a day, sometimes weeks or seasons later: what is remembered goes at once or bit by bit.
    let hours = prop_oneof![5 => -2..24i64, 3 => 24..300i64, 1 => 300..4_000i64];
    (hours, kind, 0..30u128, 1..4u32, 0..80u64, 1..40u64, 1..5u32).prop_map(
        |(hours, kind, trip, attempt, lead_days, days, count)| Act {
            hours,
            kind,
            trip,
            attempt,
            lead_days,
            days,
            count,
        },
    )
}

impl Act {
    fn stay(&self, now: DateTime<Utc>) -> Stay {
        let check_in = now.date_naive() + Days::new(self.lead_days);
        Stay::new(check_in, check_in + Days::new(self.days)).expect("a stay")
    }

    fn rental(&self, now: DateTime<Utc>) -> Rental {
        let pick_up = now + Days::new(self.lead_days);
        Rental::new(pick_up, pick_up + Days::new(self.days)).expect("a rental")
    }
}

fn on_hotel(act: &Act, now: DateTime<Utc>) -> HotelCommand {
    let (booking, attempt, part) = (booking(act.trip), act.attempt, rooms_for(act.stay(now), act.count));
    let occasion = Occasion { at: now, entropy: 0 };
    match act.kind {
        Kind::Reserve => HotelCommand::Reserve { booking, attempt, part, occasion },
        Kind::Release => HotelCommand::Release { booking, attempt, part, occasion },
        Kind::List => {
            let latitude = Some(51.5 + f64::from(act.count) / 7.0);
            let room_types = vec![room_type("DBL", act.count * 3)];
            HotelCommand::Upsert { details: HotelDetails { latitude, room_types, ..hotel_details() }, occasion }
        }
        Kind::Allot => HotelCommand::ChangeAllotment {
            room_type: "DBL".into(),
            from: part.stay.check_in(),
            to: part.stay.check_out(),
            rooms: Some(act.count * 4),
            stop_sell: Some(act.attempt == 3),
            occasion,
        },
    }
}

fn on_flight(act: &Act, now: DateTime<Utc>) -> FlightCommand {
    let (booking, attempt, part) = (booking(act.trip), act.attempt, seats(act.count));
    let occasion = Occasion { at: now, entropy: 0 };
    match act.kind {
        Kind::Reserve => FlightCommand::Reserve { booking, attempt, part, occasion },
        Kind::Release => FlightCommand::Release { booking, attempt, part, occasion },
        Kind::List | Kind::Allot => {
            let departure_at = now + Days::new(act.lead_days);
            let arrival_at = departure_at + TimeDelta::hours(7);
            FlightCommand::Upsert { details: FlightDetails { departure_at, arrival_at, ..flight_details() }, occasion }
        }
    }
}

fn on_car(act: &Act, now: DateTime<Utc>) -> CarCommand {
    let (booking, attempt, part) = (booking(act.trip), act.attempt, vehicle_for(act.rental(now)));
    let occasion = Occasion { at: now, entropy: 0 };
    match act.kind {
        Kind::Reserve => CarCommand::Reserve { booking, attempt, part, occasion },
        Kind::Release => CarCommand::Release { booking, attempt, part, occasion },
        Kind::List | Kind::Allot => {
            CarCommand::Upsert { details: CarDetails { vehicles: act.count * 2, ..car_details() }, occasion }
        }
    }
}

/// Lives through a history, then takes it up again from every point: the same state each time.
fn replays_the_same<A: Decider>(acts: &[Act], command: fn(&Act, DateTime<Utc>) -> A::Command) {
    let mut now = instant(NOW);
    let (mut live, mut log) = (A::default(), Vec::new());
    let mut snapshots = vec![stored_and_read(&live)];
    for act in acts {
        now += TimeDelta::hours(act.hours);
        for event in live.decide_on(command(act, now)).unwrap_or_default() {
            live.take_in(&event);
            log.push(event);
            snapshots.push(stored_and_read(&live));
        }
    }
    assert_eq!(given::<A>(&log).state, live, "the whole stream");
    for (read, mut state) in snapshots.into_iter().enumerate() {
        for event in &log[read..] {
            state.take_in(event);
        }
        assert_eq!(state, live, "the snapshot after {read} events and the rest");
    }
}

fn listed_and_then(acts: Vec<Act>) -> Vec<Act> {
    let listing = Act { hours: 0, kind: Kind::List, trip: 0, attempt: 1, lead_days: 60, days: 1, count: 3 };
    std::iter::once(listing).chain(acts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_hotel_is_the_same_live_replayed_and_from_any_snapshot(acts in prop::collection::vec(act(), 1..70)) {
        replays_the_same::<Hotel>(&listed_and_then(acts), on_hotel);
    }

    #[test]
    fn a_flight_is_the_same_live_replayed_and_from_any_snapshot(acts in prop::collection::vec(act(), 1..70)) {
        replays_the_same::<Flight>(&listed_and_then(acts), on_flight);
    }

    #[test]
    fn a_fleet_is_the_same_live_replayed_and_from_any_snapshot(acts in prop::collection::vec(act(), 1..70)) {
        replays_the_same::<Car>(&listed_and_then(acts), on_car);
    }

    #[test]
    fn what_is_not_listed_is_the_same_as_well(acts in prop::collection::vec(act(), 1..40)) {
        let acts: Vec<Act> = acts.into_iter().filter(|act| matches!(act.kind, Kind::Reserve | Kind::Release)).collect();
        replays_the_same::<Hotel>(&acts, on_hotel);
        replays_the_same::<Flight>(&acts, on_flight);
        replays_the_same::<Car>(&acts, on_car);
    }
}

/// Trips that begin on each day of the long histories.
const TRIPS_A_DAY: u64 = 4;
/// Days ahead at which they are booked, and their length.
const LEAD_DAYS: u64 = 60;
const LENGTH_DAYS: u64 = 3;
/// What one booking may take: in memory, with the nights or steps that it touches, and in a snapshot.
const BOOKING_BYTES_MAX: usize = 1_024;
/// What the rest may take: the listing.
const LISTING_BYTES_MAX: usize = 4_096;

/// Bytes of a state in memory and in its snapshot, at the end of each of five years of daily bookings, every fifth of them cancelled.
fn yearly_sizes<A: Decider>(
    command: fn(&Act, DateTime<Utc>) -> A::Command,
    wrap: fn(A) -> Aggregate,
) -> Vec<(usize, usize)> {
    let mut state = A::default();
    let mut give = |kind, trip: u64, now| {
        let act =
            Act { hours: 0, kind, trip: trip.into(), attempt: 1, lead_days: LEAD_DAYS, days: LENGTH_DAYS, count: 1 };
        // On sale are more than are ever taken at once.
        let act = if matches!(kind, Kind::List) { Act { count: 50, ..act } } else { act };
        let events = state.decide_on(command(&act, now)).unwrap_or_default();
        for event in &events {
            state.take_in(event);
        }
        state.clone()
    };
    let mut sizes = Vec::new();
    give(Kind::List, 0, instant(NOW));
    for day in 0..5 * 365 {
        let now = instant(NOW) + Days::new(day);
        let mut state = None;
        for trip in day * TRIPS_A_DAY..(day + 1) * TRIPS_A_DAY {
            state = Some(give(Kind::Reserve, trip, now));
            if trip % 5 == 0 {
                state = Some(give(Kind::Release, trip, now));
            }
        }
        if day % 365 == 364 {
            let state = state.expect("a busy day");
            let snapshot = serde_json::to_string(&state).expect("JSON").len();
            sizes.push((wrap(state).footprint(), snapshot));
        }
    }
    sizes
}

fn stays_small(sizes: &[(usize, usize)]) {
    let remembered = (LEAD_DAYS + LENGTH_DAYS + REMEMBERED_DAYS + 2) * TRIPS_A_DAY;
    let most = usize::try_from(remembered).expect("small") * BOOKING_BYTES_MAX + LISTING_BYTES_MAX;
    for (in_memory, in_snapshot) in sizes {
        assert!(*in_memory < most && *in_snapshot < most, "{in_memory} and {in_snapshot} of {most}");
        assert!(
            *in_memory > in_snapshot / 3 && *in_memory < in_snapshot * 3,
            "an estimate: {in_memory} for {in_snapshot}"
        );
    }
    let ((memory_2, snapshot_2), (memory_5, snapshot_5)) = (sizes[1], sizes[4]);
    assert!(memory_5 <= memory_2 + BOOKING_BYTES_MAX, "grew from {memory_2} to {memory_5} in memory");
    assert!(snapshot_5 <= snapshot_2 + BOOKING_BYTES_MAX, "grew from {snapshot_2} to {snapshot_5}");
}

#[test]
fn a_hotel_with_years_of_history_stays_small_in_memory_and_in_its_snapshot() {
    stays_small(&yearly_sizes::<Hotel>(on_hotel, Aggregate::Hotel));
}

#[test]
fn a_fleet_with_years_of_history_stays_small_in_memory_and_in_its_snapshot() {
    stays_small(&yearly_sizes::<Car>(on_car, Aggregate::Car));
}

#[test]
fn a_flight_that_departed_long_ago_remembers_nobody() {
    let job = |kind, trip, hours| Act { hours, kind, trip, attempt: 1, lead_days: 20, days: 1, count: 1 };
    let mut flight = Flight::default();
    let mut give = |act: Act| {
        let events = flight.decide(on_flight(&act, instant(NOW) + TimeDelta::hours(act.hours))).expect("no error");
        for event in &events {
            flight.apply(event);
        }
        Aggregate::Flight(flight.clone()).footprint()
    };
    let empty = give(job(Kind::List, 0, 0));
    let full = (1..4).map(|trip| give(job(Kind::Reserve, trip, 0))).last().expect("three trips");
    assert!(full > empty, "{full} after {empty}");
    // The cabins keep their count; it is small.
    let late = give(job(Kind::Release, 9, 24 * i64::try_from(20 + REMEMBERED_DAYS + 2).expect("small")));
    assert!(late <= empty + 200, "{late} after {empty}");
}
