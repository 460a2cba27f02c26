//! The broker is killed, or says nothing for long: bookings are accepted meanwhile and finish later.

use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::engine::limits::{BROKER_SILENT_AFTER, WAKEUPS_POLL};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::RELAY;
use traveladvisor_infra::testing::broker::Broker;
use traveladvisor_infra::testing::chaos;

use crate::bus::{ALL_END, Cluster};
use crate::timers::SetForward;

/// Trips of each part of a test.
const TRIPS: usize = 10;
/// How long a broker says nothing: longer than a session of its groups.
const SILENCE: Duration = Duration::from_secs(7);
/// The same in a long run.
const LONG_SILENCE: Duration = Duration::from_mins(1);
/// When it is killed: at the moment at which one more of these stands in that log, and what it causes is on its way. A short run has the
/// first two, a long one all of them and some again.
const MOMENTS: [(Context, &str); 8] = [
    (Context::Hotel, "RoomsReserved"),
    (Context::Payment, "PaymentFailed"),
    (Context::Booking, "SagaStarted"),
    (Context::Car, "VehicleReleased"),
    (Context::Payment, "PaymentCompleted"),
    (Context::Flight, "SeatsReserved"),
    (Context::Booking, "StepRefused"),
    (Context::Booking, "BookingApproved"),
];
/// Longer than any step is waited for.
const BEYOND_DEADLINES: TimeDelta = TimeDelta::minutes(2);
/// So often timers would have looked while it is made sure that they wait.
const LOOKS: u32 = 4;
/// Moments of a short run.
const MOMENTS_SHORT: usize = 2;

/// One broker for all, as a cluster is not made in no time.
#[tokio::test(flavor = "multi_thread")]
async fn trips_are_accepted_while_the_broker_is_dead_or_silent_and_finish_once_it_is_back() {
    let broker = Broker::start().await;
    let clock = SetForward::new();
    let mut cluster = Cluster::without_engines(broker.settings()).await;
    cluster.clock = clock.clone();
    let mut cluster = cluster.with_plenty().await;
    let mut booked = 0;
    let moments = if chaos() > 1 { MOMENTS.len().max(chaos() as usize) } else { MOMENTS_SHORT };
    for (round, (context, event)) in MOMENTS.into_iter().cycle().take(moments).enumerate() {
        booked += dies(&cluster, &broker, (context, event), (round, booked)).await;
    }
    for round in 0..chaos() {
        booked += says_nothing(&cluster, &broker, (round, booked)).await;
    }
    booked += keeps_an_answer_back(&mut cluster, (&broker, &clock), booked).await;
    cluster.judged(booked).await;
    cluster.no_letters().await;
    cluster.stop().await;
}

/// How many trips it has booked.
async fn dies(cluster: &Cluster, broker: &Broker, moment: (Context, &str), (round, before): (usize, usize)) -> usize {
    let seen = times(cluster, moment).await;
    cluster.book_some(&format!("before {round}"), TRIPS).await;
    let happens = async {
        while times(cluster, moment).await == seen {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(ALL_END, happens).await.unwrap_or_else(|_| panic!("{moment:?} never happened"));
    broker.kill();
    cluster.book_some(&format!("dead {round}"), TRIPS).await;
    let ended = cluster.ended().await;
    assert!(ended < before + 2 * TRIPS, "what needs the broker waits for it");
    broker.start_again().await;
    cluster.book_some(&format!("back {round}"), TRIPS).await;
    cluster.until_ended(before + 3 * TRIPS).await;
    3 * TRIPS
}

/// How often it stands in the log.
async fn times(cluster: &Cluster, (context, name): (Context, &str)) -> usize {
    cluster.events(context).await.iter().filter(|event| event.event_type == name).count()
}

/// How many trips it has booked.
async fn says_nothing(cluster: &Cluster, broker: &Broker, (round, before): (u32, usize)) -> usize {
    let silent = broker.freeze();
    cluster.book_some(&format!("silent {round}"), TRIPS).await;
    tokio::time::sleep(if chaos() > 1 { LONG_SILENCE } else { SILENCE }).await;
    assert_eq!(cluster.ended().await, before, "what needs the broker waits for it");
    assert!(cluster.events(Context::Booking).await.len() > before, "and is in the log");
    drop(silent);
    cluster.until_ended(before + TRIPS).await;
    TRIPS
}

/// It dies when a request is with it and no answer is: nothing is left to be sent, and nobody is to blame for the deadline that passes.
async fn keeps_an_answer_back(cluster: &mut Cluster, (broker, clock): (&Broker, &SetForward), before: usize) -> usize {
    cluster.stop_all(Context::Hotel).await;
    let booking = cluster.book("unanswered", PaymentPlan::None).await.expect("accepted");
    let log = cluster.logs[&Context::Booking].clone();
    let sent = async {
        while log.consumed_offset(RELAY).await.expect("read") < log.head().await.expect("read").0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, sent).await.expect("its request leaves");
    broker.kill();
    // Long enough for the silence to be noticed, also where nobody is quick.
    tokio::time::sleep(BROKER_SILENT_AFTER * 4).await;
    clock.by(BEYOND_DEADLINES);
    tokio::time::sleep(WAKEUPS_POLL * LOOKS).await;
    let story = cluster.story(Context::Booking, booking).await;
    assert!(!story.contains(&"StepTimedOut".to_owned()), "its answer may be with the broker: {story:?}");
    broker.start_again().await;
    cluster.start(Context::Hotel).await;
    cluster.until_ended(before + 1).await;
    1
}
