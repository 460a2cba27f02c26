//! What is written reads back as what it was: by induction over the steps, replaying a log leads to the state that stood.

use crate::aggregate::{Aggregate, Event};
use crate::testing::stored_and_read;

fn read_back<T: serde::Serialize + serde::de::DeserializeOwned>(stored: &T) -> T {
    serde_json::from_str(&serde_json::to_string(stored).expect("it is JSON")).expect("it reads back")
}

pub(super) fn event_read_back(event: &Event) -> Event {
    match event {
        Event::Booking(event) => Event::Booking(read_back(event)),
        Event::TripSaga(event) => Event::TripSaga(read_back(event)),
        Event::Hotel(event) => Event::Hotel(read_back(event)),
        Event::Flight(event) => Event::Flight(read_back(event)),
        Event::Car(event) => Event::Car(read_back(event)),
        Event::Payment(event) => Event::Payment(read_back(event)),
        Event::DeadLetter(event) => Event::DeadLetter(read_back(event)),
        Event::Member(event) => Event::Member(read_back(event)),
        Event::EmailClaim(event) => Event::EmailClaim(read_back(event)),
        Event::PointsAccount(event) => Event::PointsAccount(read_back(event)),
        Event::Campaign(event) => Event::Campaign(read_back(event)),
        Event::Reward(event) => Event::Reward(read_back(event)),
        Event::Programme(event) => Event::Programme(read_back(event)),
    }
}

pub(super) fn state_read_back(state: &Aggregate) -> Aggregate {
    match state {
        Aggregate::Booking(state) => Aggregate::Booking(stored_and_read(state)),
        Aggregate::TripSaga(state) => Aggregate::TripSaga(Box::new(stored_and_read(&**state))),
        Aggregate::Hotel(state) => Aggregate::Hotel(stored_and_read(state)),
        Aggregate::Flight(state) => Aggregate::Flight(stored_and_read(state)),
        Aggregate::Car(state) => Aggregate::Car(stored_and_read(state)),
        Aggregate::Payment(state) => Aggregate::Payment(stored_and_read(state)),
        Aggregate::DeadLetter(state) => Aggregate::DeadLetter(*state),
        Aggregate::Member(state) => Aggregate::Member(stored_and_read(state)),
        Aggregate::EmailClaim(state) => Aggregate::EmailClaim(stored_and_read(state)),
        Aggregate::PointsAccount(state) => Aggregate::PointsAccount(stored_and_read(state)),
        Aggregate::Campaign(state) => Aggregate::Campaign(stored_and_read(state)),
        Aggregate::Reward(state) => Aggregate::Reward(stored_and_read(state)),
        Aggregate::Programme(state) => Aggregate::Programme(stored_and_read(state)),
    }
}
