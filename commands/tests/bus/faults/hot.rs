//! Two processes of one role on one hotel that everybody wants.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::hotel::{HotelDetails, HotelEvent};
use traveladvisor_domain::id::StreamKind;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::testing::broker;

use crate::bus::cluster::{PARTITIONS, PLENTY};
use crate::bus::{ALL_END, Cluster};
use crate::support::{allot, book, card, count, decoded, hotel, hotel_id, metadata, request, trip};

/// Trips that want a room.
const TRIPS: usize = 300;
/// Rooms for them.
const ROOMS: usize = 100;
/// Rooms at the beginning where callers put more of them on sale, one by one.
const ROOMS_FIRST: u32 = 10;
/// How many more.
const ROOMS_MORE: u32 = 60;

/// Only a room, paid so.
fn room(payment: PaymentPlan) -> TripRequest {
    TripRequest { flight: None, car: None, ..trip(payment) }
}

/// Waits until each process has its share: while they still divide the partitions, one of them may go on where the other has.
async fn divided(cluster: &Cluster) {
    let divided = async {
        loop {
            let shares: Vec<usize> =
                cluster.engines[&Context::Hotel].iter().map(|(engine, _)| engine.gauges().partitions().len()).collect();
            if shares.iter().all(|share| *share > 0) && shares.iter().sum::<usize>() == 2 * PARTITIONS as usize {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, divided).await.expect("both take part");
}

/// How many appends were refused because somebody else was faster, and how many there were.
async fn conflicts(cluster: &Cluster) -> (u64, u64) {
    let events = cluster.events(Context::Hotel).await;
    let appends = events.iter().map(|event| metadata(event).batch).collect::<BTreeSet<_>>().len();
    (cluster.engines[&Context::Hotel].iter().map(|(engine, _)| engine.gauges().contended()).sum(), appends as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_that_everybody_wants_is_never_oversold_by_two_processes_and_they_hardly_meet() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, allot(u32::try_from(ROOMS).expect("small"))).await.expect("changed");
    divided(&cluster).await;
    for number in 0..TRIPS {
        let asked = request(book(room(PaymentPlan::None)), Some(&number.to_string()));
        cluster.engine(Context::Booking).submit(asked).await.expect("accepted");
    }
    cluster.until_ended(TRIPS).await;
    let verdict = cluster.judged(TRIPS).await;
    assert_eq!((verdict.approved, verdict.cancelled), (ROOMS, TRIPS - ROOMS), "as many as there are rooms");
    let events = cluster.events(Context::Hotel).await;
    assert_eq!(count(&events, StreamKind::Hotel, "RoomsReserved"), ROOMS);
    let (refused, appends) = conflicts(&cluster).await;
    assert!(refused * 100 < appends, "{refused} of {appends} appends were refused");
    cluster.stop().await;
}

/// All requests of a hotel come to one process. So callers change it at both, one after the other, while a third one comes and goes: now
/// they do meet on its stream.
#[tokio::test(flavor = "multi_thread")]
async fn callers_who_change_a_hotel_at_each_process_and_a_rebalance_in_mid_flight_sell_no_room_that_is_not_there() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, allot(ROOMS_FIRST)).await.expect("changed");
    divided(&cluster).await;
    let mut booked = 0;
    for more in 1..=ROOMS_MORE {
        for payment in [PaymentPlan::None, card("declines")] {
            let asked = request(book(room(payment)), Some(&booked.to_string()));
            cluster.engine(Context::Booking).submit(asked).await.expect("accepted");
            booked += 1;
        }
        if more == ROOMS_MORE / 3 {
            cluster.start(Context::Hotel).await;
        }
        if more == ROOMS_MORE / 3 * 2 {
            // The first one, who may be in the middle of it.
            let (_, running) = cluster.engines.get_mut(&Context::Hotel).expect("three of them").remove(0);
            running.stop().await;
        }
        let details = HotelDetails { name: format!("Hotel {more}"), ..hotel(PLENTY) };
        change(&cluster, more, CallerCommand::UpsertHotel(details)).await;
        change(&cluster, more + 1, allot(ROOMS_FIRST + more)).await;
    }
    cluster.until_ended(booked).await;
    cluster.judged(booked).await;
    cluster.no_letters().await;
    never_oversold(&cluster).await;
    let (refused, appends) = conflicts(&cluster).await;
    // Past the test runner, which keeps what a test that went well has printed.
    let told =
        format!("hot hotel: {refused} of {appends} appends were refused while callers changed it at both processes");
    writeln!(std::io::stdout(), "{told}").expect("standard output");
    cluster.stop().await;
}

/// Changes the hotel at one of the processes, again when others are faster for too long.
async fn change(cluster: &Cluster, turn: u32, command: CallerCommand) {
    let processes = &cluster.engines[&Context::Hotel];
    let (engine, _) = &processes[turn as usize % processes.len()];
    loop {
        match engine.submit(request(command.clone(), None)).await {
            Ok(receipt) => return assert!(receipt.changed),
            Err(refused) => assert_eq!(refused.code, Code::Conflict, "{refused:?}"),
        }
    }
}

/// In the order of the hotel's events nobody was given a room beyond the rooms on sale at that moment, and no change was lost.
async fn never_oversold(cluster: &Cluster) {
    let (mut on_sale, mut sold, mut changes) = (0, 0, Vec::new());
    let events = cluster.events(Context::Hotel).await;
    for event in events.iter().filter(|event| event.stream == hotel_id().stream()) {
        let Event::Hotel(event) = decoded(event) else { panic!("of this kind") };
        match event {
            HotelEvent::AllotmentChanged { rooms: Some(rooms), .. } => {
                on_sale = rooms;
                changes.push(rooms);
            }
            HotelEvent::RoomsReserved { .. } => sold += 1,
            HotelEvent::RoomsReleased { .. } => sold -= 1,
            _ => {}
        }
        assert!(sold <= on_sale || changes.is_empty(), "{sold} of {on_sale}");
    }
    assert_eq!(
        changes,
        (ROOMS_FIRST..=ROOMS_FIRST + ROOMS_MORE).collect::<Vec<_>>(),
        "every change stands, in its order"
    );
    assert!(sold > ROOMS_FIRST, "what was put on sale was sold: {sold}");
}
