//! A connector in place of the relay, as far as its replication slot tells of it: nobody reads it here but the test.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Connection, PgConnection};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::bus::{Consumes, Outbox, OutboxRefused};
use traveladvisor_commands::engine::limits::{BROKER_SILENT_AFTER, SLOT_CONFIRMS_WITHIN, WAKEUPS_POLL};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::RELAY;
use traveladvisor_infra::postgres::pool;
use traveladvisor_infra::testing::broker;
use traveladvisor_infra::testing::debezium::LogicalServer;

use super::cluster::slot_of;
use super::courier::Courier;
use super::debezium::log_in;
use super::{ALL_END, Cluster};
use crate::support::hotel;
use crate::timers::SetForward;

/// What is asked of hotels.
const REQUESTS: &str = "booking_request_flow.booking.hotel.request_booking";
/// Longer than any step is waited for.
const BEYOND_DEADLINES: TimeDelta = TimeDelta::minutes(2);
/// So often timers would have looked while it is made sure that they wait.
const LOOKS: u32 = 4;

/// The log of a context gets a slot, and nobody who reads it.
async fn with_a_slot(cluster: &mut Cluster, server: &LogicalServer, context: Context) {
    let options = log_in(server, context.as_str()).await;
    cluster.put_log(context, options.clone(), pool(options));
}

/// As if the connector had carried all.
async fn read_slot(server: &LogicalServer, context: Context) {
    let mut connection = PgConnection::connect_with(&server.connect_options()).await.expect("the server answers");
    let advance = sqlx::query("SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())").bind(slot_of(context));
    advance.execute(&mut connection).await.expect("the slot is there");
    connection.close().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_wait_while_nobody_reads_the_slot_and_pass_once_somebody_has() {
    let server = LogicalServer::start().await;
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    with_a_slot(&mut cluster, &server, Context::Booking).await;
    let clock = SetForward::new();
    cluster.outbox = Outbox::Table;
    cluster.clock = clock.clone();
    let courier = Courier::begin(&cluster, 3, Box::new(|_| {}));
    let mut cluster = cluster.with_plenty().await;
    courier.hold(Some(REQUESTS));
    let booking = cluster.book("waits", PaymentPlan::None).await.expect("accepted");
    // Long enough for the silence to be noticed, also where nobody is quick.
    tokio::time::sleep(SLOT_CONFIRMS_WITHIN + BROKER_SILENT_AFTER * 4).await;
    assert!(cluster.engine(Context::Booking).gauges().unconfirmed_bytes() > 0, "the metric shows it");
    clock.by(BEYOND_DEADLINES);
    tokio::time::sleep(WAKEUPS_POLL * LOOKS).await;
    let story = cluster.story(Context::Booking, booking).await;
    assert!(!story.contains(&"StepTimedOut".to_owned()), "its request has not left: {story:?}");
    read_slot(&server, Context::Booking).await;
    cluster.until(booking, &["StepTimedOut"]).await;
    courier.end().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_outbox_is_taken_over_only_once_nothing_is_left_of_the_former_one() {
    let server = LogicalServer::start().await;
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    with_a_slot(&mut cluster, &server, Context::Hotel).await;
    cluster.consumes = Consumes::Elsewhere;
    let log = cluster.logs[&Context::Hotel].clone();
    let by = |outbox| traveladvisor_commands::engine::bus::Bus { outbox, ..cluster.bus(Context::Hotel) };
    let (by_relay, by_table) = (by(Outbox::Relay), by(Outbox::Table));
    let there = cluster.kafka.clone();

    // The relay has something to send, and no broker.
    cluster.kafka.brokers = "127.0.0.1:1".to_owned();
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, CallerCommand::UpsertHotel(hotel(1))).await.expect("listed");
    let at_work = async {
        while !log.owners().await.expect("read").iter().any(|owner| owner.name == RELAY && owner.held.is_some()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, at_work).await.expect("it delivers");
    let refused = by_table.take_over_outbox(&log).await.expect_err("a process works by the other setting");
    assert!(matches!(refused, OutboxRefused::AtWork { .. }), "{refused}");
    cluster.stop_all(Context::Hotel).await;
    let refused = by_table.take_over_outbox(&log).await.expect_err("the connector would never hear of it");
    assert!(matches!(refused, OutboxRefused::NotSent { .. }), "{refused}");

    // It drains.
    cluster.kafka = there;
    cluster.start(Context::Hotel).await;
    let drained = async {
        while log.consumed_offset(RELAY).await.expect("read") < log.head().await.expect("read").0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, drained).await.expect("the relay sends it");
    cluster.stop_all(Context::Hotel).await;
    by_table.take_over_outbox(&log).await.expect("nothing is left");
    by_table.take_over_outbox(&log).await.expect("and so it is for the next process");

    // The way back.
    cluster.outbox = Outbox::Table;
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, CallerCommand::UpsertHotel(hotel(2))).await.expect("changed");
    cluster.stop_all(Context::Hotel).await;
    let refused = by_relay.take_over_outbox(&log).await.expect_err("the relay would overtake the connector");
    assert!(
        matches!(&refused, OutboxRefused::NotCarried { slot, .. } if *slot == slot_of(Context::Hotel)),
        "{refused}"
    );
    read_slot(&server, Context::Hotel).await;
    by_relay.take_over_outbox(&log).await.expect("all of it is carried");
    assert!(!log.leaves_it_to_a_connector().await.expect("read"));
}
