//! Readers have taken all connections of the pool: what is in memory is decided on and appended all the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};
use traveladvisor_commands::engine::limits::PARKED_JOBS_MAX;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_commands::{CallerCommand, Request};
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::HotelId;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres::{self, ACQUIRE_TIMEOUT, CONNECTIONS_MAX};

use crate::overload::{until, wait_for_money};
use crate::support::{AT_LAST, World, book, car, hotel, request, trip};

/// From its next start on the engine has a pool as the program has it.
fn with_the_programs_pool(world: &mut World) {
    world.log = EventLog::new("public", postgres::pool(world.options().clone()));
}

/// All connections that the pool may have.
async fn take_all_connections(world: &World) -> Vec<PoolConnection<Postgres>> {
    let pool = world.log.pool();
    let taking = join_all((0..CONNECTIONS_MAX).map(|_| async { pool.acquire().await.expect("a connection") }));
    tokio::time::timeout(AT_LAST, taking).await.expect("all are had at last")
}

fn code(n: usize) -> String {
    format!("N{n}")
}

/// A trip to one of many hotels, and to nothing else.
fn trip_to(n: usize) -> Request {
    let mut wanted = trip(PaymentPlan::None);
    (wanted.flight, wanted.car) = (None, None);
    if let Some(rooms) = &mut wanted.hotel {
        rooms.hotel = HotelId::of("own", &code(n));
    }
    request(book(wanted), Some(&code(n)))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_nothing_from_disk_is_served_while_a_hotel_cannot_be_loaded() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    for n in 0..3 {
        let details = HotelDetails { code: code(n), ..hotel(1) };
        world.submit(CallerCommand::UpsertHotel(details), None).await.expect("listed");
    }
    with_the_programs_pool(&mut world);
    world.restart(Delivery::Elsewhere).await;
    let listing = || world.submit(CallerCommand::UpsertCar(car(1)), None);
    listing().await.expect("it is in memory from now on");
    let readers = take_all_connections(&world).await;
    let cold: Vec<_> = (0..3)
        .map(|n| {
            let engine = world.engine.clone();
            tokio::spawn(async move { engine.submit(trip_to(n)).await })
        })
        .collect();
    // The first try to load them has met its end by then.
    tokio::time::sleep(ACQUIRE_TIMEOUT + Duration::from_secs(1)).await;
    for _ in 0..3 {
        let answer = tokio::time::timeout(ACQUIRE_TIMEOUT, listing()).await;
        answer.expect("nobody waits for what others cannot have").expect("listed");
    }
    drop(readers);
    for caller in cold {
        caller.await.expect("no panic").expect("it was tried again as soon as there was a connection");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_taken_while_callers_wait_for_more_hotels_than_may_wait() {
    const TRIPS: usize = 3;
    let mut world = World::begin(Delivery::Elsewhere).await;
    with_the_programs_pool(&mut world);
    let (open, answered) = wait_for_money(&mut world, TRIPS, Faults::default()).await;
    let mut outside = PgConnection::connect_with(world.options()).await.expect("a connection of the test's own");
    let readers = take_all_connections(&world).await;
    let engine = Arc::new(world.engine.clone());
    let callers: Vec<_> = (0..2 * PARKED_JOBS_MAX)
        .map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.submit(trip_to(n)).await })
        })
        .collect();
    // From a caller it is a step to where it waits.
    tokio::time::sleep(Duration::from_millis(500)).await;
    open.send_replace(true);
    tokio::time::timeout(AT_LAST, until(&answered, TRIPS)).await.expect("the gateway is asked");
    let paid = async {
        let counting = "SELECT count(*) FROM events WHERE event_type = 'PaymentCompleted'";
        while sqlx::query_scalar::<_, i64>(counting).fetch_one(&mut outside).await.expect("counted") < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Long before those who wait are told that nothing could be loaded.
    tokio::time::timeout(2 * ACQUIRE_TIMEOUT, paid).await.expect("the money that came is written down");
    assert_eq!(answered.load(Ordering::Relaxed), TRIPS);
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    drop(readers);
}
