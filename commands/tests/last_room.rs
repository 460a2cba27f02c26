//! Two processes race for the last room, again and again: one wins, and whoever is refused was refused rightly.
//!
//! Every round has a night of its own in one of some hotels with a single room. In every fourth round that room is taken before, and the
//! one who has it cancels while both ask for it.

use std::collections::{BTreeMap, HashMap};

use futures::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Request};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::quote::{RoomsWanted, TripRequest};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::hotel::{HotelDetails, HotelEvent};
use traveladvisor_domain::id::{BookingId, HotelId, StreamKind};
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{HotelPart, PaymentPlan};
use traveladvisor_infra::event_log::{Position, StoredEvent};
use traveladvisor_infra::testing::chaos;

use crate::child::{Inside, OtherProcess};
use crate::crowd::AT_LAST;
use crate::support::{World, book, decoded, hotel, metadata, request, trip};

/// Rounds; with `CHAOS=<n>` n times as many.
const ROUNDS: usize = 2_000;
/// Rounds that are run at once.
const ROUNDS_AT_ONCE: usize = 200;
const HOTELS: usize = 50;
/// In each of so many rounds the room is taken before.
const TAKEN_EVERY: usize = 4;
/// Events read at once when the log is judged.
const PAGE: usize = 10_000;

fn rounds() -> usize {
    chaos() as usize * ROUNDS
}

const fn is_taken_before(round: usize) -> bool {
    round.is_multiple_of(TAKEN_EVERY)
}

fn hotel_number(number: usize) -> HotelDetails {
    HotelDetails { code: format!("LAST{number}"), ..hotel(1) }
}

/// The night that a round is about, in its hotel.
fn wanted(round: usize) -> RoomsWanted {
    let first = trip(PaymentPlan::None).hotel.expect("a stay").stay.check_in();
    let night = first + chrono::Days::new((round / HOTELS) as u64);
    RoomsWanted {
        hotel: HotelId::of("own", &format!("LAST{}", round % HOTELS)),
        room_type: "DBL".into(),
        stay: Stay::new(night, night + chrono::Days::new(1)).expect("a night"),
        rooms: 1,
    }
}

fn ask_for_room(round: usize, caller: &str) -> Request {
    let wanted = TripRequest { hotel: Some(wanted(round)), flight: None, car: None, ..trip(PaymentPlan::None) };
    Request { caller: caller.to_owned(), ..request(book(wanted), Some(&round.to_string())) }
}

/// The other process: on `hold`, takes the rooms that are to be taken before; on `race`, asks for the room of every round in an order of its
/// own, and whoever took some before cancels these.
pub(crate) async fn race(mut inside: Inside, name: &str) {
    let mut held: HashMap<usize, BookingId> = HashMap::new();
    while let Some(order) = inside.order().await {
        let (what, first) = order.split_once(' ').expect("an order and a round");
        let first: usize = first.parse().expect("a round");
        let mut rounds: Vec<usize> = (first..first + ROUNDS_AT_ONCE).collect();
        if what == "hold" {
            rounds.retain(|round| is_taken_before(*round));
            let asked = rounds.iter().map(|round| until_accepted(&inside.engine, ask_for_room(*round, "before")));
            for (round, receipt) in rounds.iter().zip(join_all(asked).await) {
                held.insert(*round, BookingId(receipt.subject.uuid));
            }
        } else {
            rounds.shuffle(&mut StdRng::seed_from_u64(first as u64 ^ u64::from(std::process::id())));
            let asked: Vec<Request> = rounds.iter().flat_map(|round| requests(*round, name, &mut held)).collect();
            join_all(asked.into_iter().map(|request| until_accepted(&inside.engine, request))).await;
        }
        inside.answer("done");
    }
    inside.running.stop().await;
}

/// Whoever is told CONFLICT because others were faster too often asks again, as callers do.
async fn until_accepted(engine: &Engine, request: Request) -> Receipt {
    loop {
        match engine.submit(request.clone()).await {
            Ok(receipt) => return receipt,
            Err(rejection) => assert_eq!(rejection.code, Code::Conflict, "{rejection}"),
        }
    }
}

fn requests(round: usize, name: &str, held: &mut HashMap<usize, BookingId>) -> Vec<Request> {
    let cancels = held.remove(&round).map(|booking| CallerCommand::CancelBooking { booking, reason: None });
    let mut requests = vec![ask_for_room(round, name)];
    // Before or after its own wish, by turns.
    let at = usize::from(round.is_multiple_of(2 * TAKEN_EVERY));
    requests.extend(cancels.map(|command| request(command, None)));
    let first = at % requests.len();
    requests.rotate_left(first);
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_want_the_last_room_one_gets_it_and_no_refusal_is_false() {
    let world = World::begin(Delivery::Elsewhere).await;
    for number in 0..HOTELS {
        world.submit(CallerCommand::UpsertHotel(hotel_number(number)), None).await.expect("listed");
    }
    world.stop().await;
    let mut one = OtherProcess::start("races and delivers", &world);
    let mut other = OtherProcess::start("races", &world);
    for first in (0..rounds()).step_by(ROUNDS_AT_ONCE) {
        one.ask(&format!("hold {first}")).await;
        let order = format!("race {first}");
        tokio::join!(one.tell(&order), other.tell(&order));
        tokio::join!(one.answer(), other.answer());
    }
    let events = when_all_is_settled(&world).await;
    let mut judge = Judge::default();
    for event in &events {
        judge.see(event);
    }
    judge.conclude();
}

/// Waits until every trip has come to its end, and reads the whole log.
async fn when_all_is_settled(world: &World) -> Vec<StoredEvent> {
    let asked = 2 * rounds() + rounds() / TAKEN_EVERY;
    let cancelled = rounds() / TAKEN_EVERY;
    let settled = async {
        loop {
            let ends: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM events WHERE event_type IN ('SagaCompensated', 'SagaSucceeded')",
            )
            .fetch_one(world.log.pool())
            .await
            .expect("counted");
            // A trip that was cancelled after its success ends twice.
            if ends >= (asked + cancelled) as i64 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(AT_LAST, settled).await.expect("every trip comes to its end");
    let mut events = Vec::new();
    loop {
        let last = events.last().map_or(Position::START, |event: &StoredEvent| event.position);
        let page = world.log.read_after(last, PAGE).await.expect("read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Reads the log as a book of who has which room, without asking the program's own idea of a hotel.
#[derive(Default)]
struct Judge {
    /// Whether somebody has the room, and how many got it and were refused in all; by hotel and night.
    rounds: BTreeMap<String, Round>,
    /// How often each caller got the room.
    winners: HashMap<String, usize>,
}

#[derive(Default)]
struct Round {
    is_held: bool,
    got: usize,
    refused: usize,
}

impl Judge {
    fn see(&mut self, stored: &StoredEvent) {
        if stored.stream.kind != StreamKind::Hotel {
            return;
        }
        let Event::Hotel(event) = decoded(stored) else { panic!("a hotel's event") };
        match &event {
            HotelEvent::RoomsReserved { part, .. } => {
                let round = self.rounds.entry(round_of(part)).or_default();
                assert!(!round.is_held, "sold twice: {stored:?}");
                round.is_held = true;
                round.got += 1;
                *self.winners.entry(metadata(stored).actor).or_default() += 1;
            }
            HotelEvent::RoomsRefused { part, failure, .. } => {
                assert_eq!(failure.code, Code::SoldOut);
                let round = self.rounds.entry(round_of(part)).or_default();
                assert!(round.is_held, "refused falsely: {stored:?}");
                round.refused += 1;
            }
            HotelEvent::RoomsReleased { part, .. } => {
                let round = self.rounds.entry(round_of(part)).or_default();
                assert!(round.is_held, "given back twice: {stored:?}");
                round.is_held = false;
            }
            other => assert!(matches!(other, HotelEvent::HotelListed { .. }), "{other:?}"),
        }
    }

    fn conclude(self) {
        let won = |name| self.winners.get(name).copied().unwrap_or(0);
        assert!(won("one").min(won("other")) > rounds() / 20, "it was a race: {:?}", self.winners);
        for round in 0..rounds() {
            let wanted = wanted(round);
            let name = format!("{} {}", wanted.hotel, wanted.stay.check_in());
            let Round { got, refused, .. } = self.rounds[&name];
            if is_taken_before(round) {
                assert_eq!(got + refused, 3, "all three were answered in round {round}");
                assert!((1..=2).contains(&got), "round {round}: {got}");
            } else {
                assert_eq!((got, refused), (1, 1), "round {round}");
            }
        }
    }
}

fn round_of(part: &HotelPart) -> String {
    format!("{} {}", part.hotel, part.stay.check_in())
}
