//! A topic is missing: what is for it waits in its order, deadlines go on, and everything else goes on as if nothing were.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::bus::{TOPICS, topic_of};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::{message_id, messages};
use traveladvisor_infra::kafka::Incoming;
use traveladvisor_infra::testing::broker;

use crate::bus::records::read_all;
use crate::bus::upkeep::{delete, make_missing};
use crate::bus::{ALL_END, Cluster};
use crate::support::{book, card, decoded, request, trip};
use crate::timers::SetForward;

/// What is asked of flights.
const MISSING: &str = "booking_request_flow.booking.flight.request_booking";
/// Trips of each part of the test.
const TRIPS: usize = 4;
/// How long the program's clock is set forward at once: no deadline is jumped over by much.
const SET_FORWARD_BY: TimeDelta = TimeDelta::seconds(20);

impl Cluster {
    /// A trip that has nothing to do with flights, paid by card.
    async fn book_without_flight(&self, key: &str) -> BookingId {
        let wanted = TripRequest { flight: None, ..trip(card("approves")) };
        let receipt = self.engine(Context::Booking).submit(request(book(wanted), Some(key))).await.expect("accepted");
        BookingId(receipt.subject.uuid)
    }

    /// Ids of what booking has for a topic, in the order of its log.
    async fn told(&self, topic: &str) -> Vec<String> {
        let log = &self.logs[&Context::Booking];
        let mut ids = Vec::new();
        for event in self.events(Context::Booking).await {
            for (place, message) in messages(event.stream, &decoded(&event)).iter().enumerate() {
                if topic_of(message).is_some_and(|of| of.name == topic) {
                    ids.push(message_id(log.name(), event.stream, event.sequence, place).to_string());
                }
            }
        }
        ids
    }
}

fn ids(records: &[Incoming]) -> Vec<String> {
    records.iter().filter_map(|record| record.header("id")).map(str::to_owned).collect()
}

/// As whoever receives them takes them: each at its first coming.
fn without_repeats(ids: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_missing_topic_waits_in_order_and_all_else_goes_on() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    let clock = SetForward::new();
    cluster.clock = clock.clone();
    let mut cluster = cluster.with_plenty().await;
    delete(&cluster.kafka, MISSING).await;
    let turns = cluster.turns().await;

    // Trips that need it wait, and hold nobody up: not those behind them, nor the gateway's.
    let late = cluster.book("late", card("approves")).await.expect("accepted");
    for number in 0..TRIPS {
        let booking = cluster.book_without_flight(&format!("beside {number}")).await;
        cluster.until(booking, &["SagaSucceeded"]).await;
    }
    // Deadlines go on: this one is taken back, with what it had.
    let passed = async {
        while !cluster.story(Context::Booking, late).await.contains(&"StepTimedOut".to_owned()) {
            clock.by(SET_FORWARD_BY);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let in_time = tokio::time::timeout(ALL_END, passed).await.is_ok();
    assert!(in_time, "{:?}", cluster.story(Context::Booking, late).await);
    cluster.until(late, &["SagaCompensated"]).await;
    let mut waiting = Vec::new();
    for number in 0..TRIPS {
        waiting.push(cluster.book(&format!("waits {number}"), card("approves")).await.expect("accepted"));
    }
    for booking in &waiting {
        cluster.until(*booking, &["StepSucceeded"]).await;
    }

    make_missing(&cluster.kafka).await;
    for booking in &waiting {
        cluster.until(*booking, &["SagaSucceeded"]).await;
    }
    // All that waited came, in order, also what came too late for its trip.
    let sent = read_all(&cluster.kafka, MISSING).await;
    assert_eq!(without_repeats(ids(&sent)), cluster.told(MISSING).await);
    let cancelled =
        cluster.submit(Context::Booking, CallerCommand::CancelBooking { booking: waiting[0], reason: None });
    cancelled.await.expect("it can be cancelled");
    cluster.until(waiting[0], &["SagaCompensated"]).await;
    for topic in TOPICS {
        let sent = ids(&read_all(&cluster.kafka, topic.name).await);
        let once = without_repeats(sent.clone());
        let is_once = once.len() == sent.len() || cluster.turns().await != turns;
        assert!(is_once, "{}: nothing is sent twice while another topic is missing", topic.name);
    }
    cluster.judged(1 + 2 * TRIPS).await;
    cluster.no_letters().await;
    cluster.stop().await;
}
