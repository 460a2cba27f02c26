//! A broker that refuses a record: it is set aside with the reason, all else goes on, and an operator has it sent once the broker takes it.

use std::time::Duration;

use traveladvisor_commands::engine::limits::DEAD_LETTER_PAUSE;
use traveladvisor_commands::{CallerCommand, LetterVerb, Request};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::id::{BookingId, LetterId};
use traveladvisor_domain::member::{Gender, Profile};
use traveladvisor_domain::together::Together;
use traveladvisor_infra::event_log::StoredEvent;
use traveladvisor_infra::testing::broker;

use super::poisoned::{letters, until_letters};
use crate::bus::records::read_all;
use crate::bus::upkeep::{refuse_records, take_records};
use crate::bus::{ALL_END, Cluster};
use crate::support::{book, card, decoded, request, trip};

/// Points that a trip brings: no saga waits for them, so nobody asks again.
const POINTS: &str = "booking_request_flow.booking.member.earn_points";
/// Where letters of booking are told.
const LETTERS: &str = "dead_letter_flow.booking.operator.notify_dead_letter";
/// Who books.
const MEMBER: &str = "a member";

impl Cluster {
    /// Somebody signs up, and it is known where trips are priced.
    async fn sign_up(&self) {
        let profile = Profile {
            email: "pat@example.com".into(),
            nickname: "pat".into(),
            first_name: "Pat".into(),
            last_name: "Example".into(),
            contact_number: "+44 20 7946 0000".into(),
            gender: Gender::Undisclosed,
        };
        let known = self.engine(Context::Booking).copies().expect("it prices from copies").count();
        let sign_up = Together::SignUp { identity: MEMBER.to_owned(), profile, referrer: None };
        let asked = Request { caller: MEMBER.to_owned(), ..request(CallerCommand::Together(sign_up), Some("sign up")) };
        self.engine(Context::Member).submit(asked).await.expect("accepted");
        let copied = async {
            while self.engine(Context::Booking).copies().expect("copies").count() <= known {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(ALL_END, copied).await.expect("the member becomes known");
    }

    async fn book_as_member(&self, key: &str) -> BookingId {
        let asked = Request { caller: MEMBER.to_owned(), ..request(book(trip(card("approves"))), Some(key)) };
        BookingId(self.engine(Context::Booking).submit(asked).await.expect("accepted").subject.uuid)
    }

    async fn retry(&self, letter: LetterId) {
        let reason = "the broker takes it now".to_owned();
        let retry = CallerCommand::ResolveLetter { letter, verb: LetterVerb::Retry, reason };
        self.submit(Context::Booking, retry).await.expect("taken");
    }

    /// What happened to this letter, once that is so much.
    async fn until_history(&self, letter: LetterId, length: usize) -> Vec<StoredEvent> {
        let happened = async {
            loop {
                let history = self.logs[&Context::Booking].read_stream(letter.stream(), 0).await.expect("read");
                if history.len() >= length {
                    return history;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(ALL_END, happened).await.expect("it comes to that")
    }

    /// Waits until so many members' points came from trips.
    async fn until_earned(&self, count: usize) {
        let earned = async {
            loop {
                let events = self.events(Context::Member).await;
                if events.iter().filter(|event| event.event_type == "PointsEarned").count() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(ALL_END, earned).await.expect("the points arrive");
    }
}

fn reason(letter: &StoredEvent) -> String {
    let Event::DeadLetter(DeadLetterEvent::MessageDeadLettered { failure, .. }) = decoded(letter) else {
        panic!("set aside: {letter:?}")
    };
    failure.message
}

/// Ids of the messages that the topic has.
async fn ids(cluster: &Cluster) -> Vec<String> {
    let sent = read_all(&cluster.kafka, POINTS).await;
    sent.iter().filter_map(|record| record.header("id")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_broker_refuses_is_set_aside_and_sent_with_its_id_once_an_operator_says_so() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.sign_up().await;
    // Not even what tells of the letter is taken: that must not bring another letter, and so on.
    for topic in [POINTS, LETTERS] {
        refuse_records(&cluster.kafka, topic).await;
    }
    let booking = cluster.book_as_member("refused").await;
    cluster.until(booking, &["SagaSucceeded"]).await;
    let set_aside = until_letters(&cluster, Context::Booking, 1).await.remove(0);
    let letter = LetterId(set_aside.stream.uuid);
    assert!(reason(&set_aside).contains("could not be sent to other logs"), "{}", reason(&set_aside));
    // All else goes on, also of the same log.
    cluster.book_some("beside", 3).await;
    cluster.until_ended(4).await;

    cluster.retry(letter).await;
    let history = cluster.until_history(letter, 3).await;
    let names: Vec<&str> = history.iter().map(|event| &*event.event_type).collect();
    assert_eq!(names, ["MessageDeadLettered", "LetterRetried", "MessageDeadLettered"], "it is refused again");
    assert!(reason(&history[2]).contains("could not be sent to other logs"), "{}", reason(&history[2]));
    let comes_again = cluster.logs[&Context::Booking].wakeup(letter.stream()).await.expect("read").expect("it does");
    let refused_at = history[2].occurred_at().expect("an instant");
    assert!(comes_again <= refused_at + DEAD_LETTER_PAUSE, "after one pause: {refused_at} {comes_again}");
    assert_eq!(letters(&cluster, Context::Booking).await.len(), 3, "no letter tells of a letter");
    assert_eq!(ids(&cluster).await, Vec::<String>::new());

    take_records(&cluster.kafka, POINTS).await;
    cluster.retry(letter).await;
    cluster.until_earned(1).await;
    assert_eq!(ids(&cluster).await, [letter.0.to_string()], "under the id that it always had");
    let settled = async {
        while cluster.logs[&Context::Booking].wakeup(letter.stream()).await.expect("read").is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(ALL_END, settled).await.expect("it is settled: nobody brings it again");
    // The topic is as good as before.
    let later = cluster.book_as_member("taken").await;
    cluster.until(later, &["SagaSucceeded"]).await;
    cluster.until_earned(2).await;
    cluster.judged(5).await;
    cluster.stop().await;
}
