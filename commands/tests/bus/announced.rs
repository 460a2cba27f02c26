//! What is on offer, announced once more after its topic was lost.

use std::time::Duration;

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::bus::Announced;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::testing::broker;

use super::records::read_all;
use super::upkeep::{delete, make_missing};
use super::{ALL_END, Cluster};
use crate::support::{book, hotel, request, trip};

const OFFERS: &str = "supply_flow.hotel.booking.notify_offer_changed";

#[tokio::test(flavor = "multi_thread")]
async fn offers_whose_topic_was_lost_are_booked_again_once_they_are_announced_again() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    for context in [Context::Hotel, Context::Booking, Context::Payment] {
        cluster.start(context).await;
    }
    for rooms in [1, 2] {
        cluster.submit(Context::Hotel, CallerCommand::UpsertHotel(hotel(rooms))).await.expect("listed");
    }
    knows_offers(&cluster).await;
    let before = until_records(&cluster, 2).await;
    // As after the loss of a broker's disk.
    delete(&cluster.kafka, OFFERS).await;
    make_missing(&cluster.kafka).await;
    let hotels = &cluster.logs[&Context::Hotel];
    let told = cluster.bus(Context::Hotel).announce_again(hotels).await.expect("announced");
    assert_eq!(told, Announced { announced: 1, ..Announced::default() });
    let after = until_records(&cluster, 1).await;
    assert_eq!((&after[0].key, &after[0].payload), (&before[1].key, &before[1].payload), "the last word counts");
    // A process that knew nothing prices trips from it.
    cluster.stop_all(Context::Booking).await;
    cluster.start(Context::Booking).await;
    knows_offers(&cluster).await;
    let wanted = TripRequest { flight: None, car: None, ..trip(PaymentPlan::None) };
    let booked = cluster.engine(Context::Booking).submit(request(book(wanted), Some("k"))).await.expect("accepted");
    cluster.until(BookingId(booked.subject.uuid), &["SagaSucceeded"]).await;
    cluster.stop().await;
}

async fn knows_offers(cluster: &Cluster) {
    let copies = cluster.engine(Context::Booking).copies().expect("it prices from copies");
    let known = async {
        while !copies.is_complete() || copies.count() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(ALL_END, known).await.expect("the offer becomes known");
}

/// Waits until the topic has so many records.
async fn until_records(cluster: &Cluster, count: usize) -> Vec<traveladvisor_infra::kafka::Incoming> {
    let there = async {
        loop {
            let records = read_all(&cluster.kafka, OFFERS).await;
            if records.len() >= count {
                return records;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(ALL_END, there).await.expect("records come")
}
