//! Trips that want the last rooms of one night, step by step in any order: every message is a step, and so is every wish and every
//! cancellation.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::address::address;
use crate::aggregate::{Aggregate, Command, Event};
use crate::booking::BookingCommand;
use crate::failure::Code;
use crate::hotel::{HotelCommand, HotelEvent};
use crate::id::{BookingId, StreamId};
use crate::message::{Message, messages};
use crate::occasion::Occasion;
use crate::personal::{Personal, Traveller};
use crate::testing::at;
use crate::testing::samples::{NOW, booking, hotel_details, hotel_id, room_type, rooms, trip};
use crate::trip::PaymentPlan;
use crate::trip_saga::TripSaga;

/// One wish for rooms of the night.
#[derive(Debug, Clone, Copy)]
struct Wish {
    rooms: u32,
    /// The traveller cancels at some moment.
    is_cancelled: bool,
}

/// A hotel, the trips that want its rooms, and a book kept beside it of who has how many.
struct Town {
    streams: BTreeMap<StreamId, Aggregate>,
    outbox: Vec<Message>,
    on_sale: u32,
    held: BTreeMap<BookingId, u32>,
    refused: Vec<u32>,
}

impl Town {
    fn with(on_sale: u32) -> Self {
        let mut town =
            Self { streams: BTreeMap::new(), outbox: Vec::new(), on_sale, held: BTreeMap::new(), refused: Vec::new() };
        let mut details = hotel_details();
        details.room_types = vec![room_type("DBL", on_sale)];
        let upsert = HotelCommand::Upsert { details, occasion: now() };
        town.give(hotel_id().stream(), Command::Hotel(upsert));
        town
    }

    fn left(&self) -> u32 {
        self.on_sale - self.held.values().sum::<u32>()
    }

    fn give(&mut self, stream: StreamId, command: Command) {
        let state = self.streams.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        let events = state.decide(command).unwrap_or_default();
        for event in events {
            self.note(&event);
            let state = self.streams.get_mut(&stream).expect("it decided");
            assert!(state.apply(&event));
            self.outbox.extend(messages(stream, &event));
        }
    }

    /// Judges every answer of the hotel by the book.
    fn note(&mut self, event: &Event) {
        let Event::Hotel(event) = event else { return };
        match event {
            HotelEvent::RoomsReserved { booking, part, .. } => {
                assert!(part.rooms <= self.left(), "sold twice");
                assert!(self.held.insert(*booking, part.rooms).is_none(), "sold twice to one");
            }
            HotelEvent::RoomsRefused { part, failure, .. } if failure.code == Code::SoldOut => {
                assert!(part.rooms > self.left(), "refused falsely");
                self.refused.push(part.rooms);
            }
            HotelEvent::RoomsReleased { booking, .. } => assert!(self.held.remove(booking).is_some()),
            _ => {}
        }
    }

    fn book(&mut self, number: u128, wish: Wish) {
        let mut plan = trip([true, false, false], PaymentPlan::None);
        let part = rooms("2024-12-24", "2024-12-26", wish.rooms);
        plan.total = part.price;
        plan.hotel = Some(part);
        let value = Traveller { email: "traveller@example.com".into(), name: "Pat Example".into(), phone: None };
        let traveller = Personal { subject: booking(number).to_string(), value };
        let request = BookingCommand::Request { owner: "someone".into(), traveller, plan };
        self.give(booking(number).stream(), Command::Booking(request));
    }

    fn cancel(&mut self, number: u128) {
        let cancel = BookingCommand::Cancel { reason: None, at: now().at };
        self.give(booking(number).stream(), Command::Booking(cancel));
    }

    /// Delivers one waiting message; some come twice.
    fn deliver(&mut self, choice: usize) {
        let place = choice % self.outbox.len();
        let message =
            if choice.is_multiple_of(5) { self.outbox[place].clone() } else { self.outbox.swap_remove(place) };
        let addressed = address(&message, now()).expect("nobody pays by card");
        self.give(addressed.stream, addressed.command);
    }

    fn saga(&self, number: u128) -> &TripSaga {
        match &self.streams[&booking(number).saga()] {
            Aggregate::TripSaga(saga) => saga,
            _ => unreachable!("a saga's stream"),
        }
    }
}

fn now() -> Occasion {
    at(NOW)
}

/// A step that somebody outside takes.
#[derive(Debug, Clone, Copy)]
enum Step {
    Book(u128, Wish),
    Cancel(u128),
}

fn steps(number: u128, wish: Wish) -> Vec<Step> {
    let cancel = wish.is_cancelled.then_some(Step::Cancel(number));
    cancel.into_iter().chain([Step::Book(number, wish)]).collect()
}

/// Lets all happen in the order that `choices` say, and then the rest.
fn run(on_sale: u32, wishes: &[Wish], choices: &[usize]) -> Town {
    let mut town = Town::with(on_sale);
    // Of each traveller what is still to come, the next step last.
    let mut outside: Vec<Vec<Step>> = (1..).zip(wishes).map(|(number, wish)| steps(number, *wish)).collect();
    let mut choices = choices.iter().copied().chain((1..).map(|n| 5 * n + 1));
    while !(outside.is_empty() && town.outbox.is_empty()) {
        let choice = choices.next().expect("without end");
        if !outside.is_empty() && (town.outbox.is_empty() || choice % 3 == 0) {
            let traveller = choice / 3 % outside.len();
            match outside[traveller].pop() {
                Some(Step::Book(number, wish)) => town.book(number, wish),
                Some(Step::Cancel(number)) => town.cancel(number),
                None => drop(outside.swap_remove(traveller)),
            }
        } else {
            town.deliver(choice);
        }
    }
    town
}

fn wishes(rooms: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Vec<Wish>> {
    let wish = (rooms, any::<bool>()).prop_map(|(rooms, is_cancelled)| Wish { rooms, is_cancelled });
    prop::collection::vec(wish, 2..7)
}

proptest! {
    #[test]
    fn of_two_that_want_the_last_room_one_gets_it(choices in prop::collection::vec(0..1_000_usize, 60)) {
        let wish = Wish { rooms: 1, is_cancelled: false };
        let town = run(1, &[wish, wish], &choices);
        prop_assert_eq!((town.held.len(), town.refused.len()), (1, 1));
        let ends = [1, 2].map(|number| matches!(town.saga(number), TripSaga::Succeeded { .. }));
        prop_assert_eq!(ends.iter().filter(|succeeded| **succeeded).count(), 1);
    }

    #[test]
    fn rooms_are_sold_to_the_last_and_nobody_is_refused_while_there_are_enough(
        on_sale in 1..5_u32, wishes in wishes(1..=3), choices in prop::collection::vec(0..1_000_usize, 0..300),
    ) {
        // `Town::note` judges every answer at its moment.
        let town = run(on_sale, &wishes, &choices);
        for (number, wish) in (1..).zip(&wishes) {
            let holds = town.held.contains_key(&booking(number));
            match town.saga(number) {
                TripSaga::Succeeded { .. } => prop_assert!(holds && !wish.is_cancelled),
                TripSaga::Compensated { .. } => prop_assert!(!holds),
                open => prop_assert!(false, "trip {} has not come to its end: {:?}", number, open),
            }
        }
    }
}
