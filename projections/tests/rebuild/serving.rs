//! Reads and live projectors go on, whatever is made anew and whoever stands in the way of a switch.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::watch;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::reads::{BookingFilter, HotelSearch, Page, Reads, SagaFilter, TravellerTrips};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{
    Begun, Phase, Progress, Rate, Rebuild, RebuildError, rebuild, rollback,
};

use super::writing::{a_switch_gives_way, until};
use super::{CRAMPED, ROOMY, rebuild_all, rebuild_some, rows};
use crate::support::{House, LIMIT, PLENTY, Supply, card};

const FAST: Rate = Rate::Unlimited;
/// Trips of a history that is read while it happens.
const TRIPS: u128 = 24;

/// A connection of somebody who reads live trips and does not end.
async fn long_read(house: &House) -> PgConnection {
    let mut reader = PgConnection::connect_with(&house.database.options).await.expect("a connection");
    reader.execute("BEGIN; SELECT count(*) FROM bookings").await.expect("it reads");
    reader
}

/// One more trip is seen by readers in time.
async fn goes_on(house: &mut House, reads: &Reads, number: u128) {
    let plan = house.offer(PLENTY, card()).await;
    let trip = house.request(number, "ada", "ada@example.org", plan).await;
    house.catch_up(reads).await;
    assert!(reads.booking(trip).await.expect("readable").is_some(), "trip {number}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_gives_way_to_a_long_read_and_comes_through_when_it_has_ended() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let mut reader = long_read(&house).await;
    let (progress, mut told) = watch::channel(Progress::START);
    let log = house.log.clone();
    let how = Rebuild { rate: FAST, ..Rebuild::default() };
    let rebuilding = tokio::spawn(async move { rebuild(&log, &[ProjectionName::Booking], how, &progress).await });
    told.wait_for(|told| told.phase == Phase::Switching).await.expect("it comes there");
    for number in 1..=3 {
        a_switch_gives_way(&house).await;
        goes_on(&mut house, &reads, number).await;
    }
    assert!(!rebuilding.is_finished());
    reader.execute("COMMIT").await.expect("it has read");
    let rebuilt = tokio::time::timeout(LIMIT, rebuilding).await.expect("it ends").expect("no panic").expect("rebuilt");
    assert!(rebuilt[0].switch_tries > 3 && rebuilt[0].generation == 2, "{rebuilt:?}");
    goes_on(&mut house, &reads, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_reads_rows_that_were_switched_away_stalls_no_live_projector_at_the_next_rebuild() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    rebuild_some(&house.log, &[ProjectionName::Booking], ROOMY).await.expect("rebuilt");
    let mut reader = PgConnection::connect_with(&house.database.options).await.expect("a connection");
    reader.execute("BEGIN; SELECT count(*) FROM public_former.bookings").await.expect("it reads");
    let log = house.log.clone();
    let rebuilding = tokio::spawn(async move { rebuild_some(&log, &[ProjectionName::Booking], ROOMY).await });
    let stands = "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    until(&house, stands, true).await;
    for number in 1..=3 {
        goes_on(&mut house, &reads, number).await;
    }
    assert!(!rebuilding.is_finished(), "there is no room for what is live now");
    reader.execute("COMMIT").await.expect("it has read");
    let rebuilt = tokio::time::timeout(LIMIT, rebuilding).await.expect("it ends").expect("no panic").expect("rebuilt");
    assert_eq!((rebuilt[0].generation, rebuilt[0].position), (3, house.last));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_second_is_told_that_the_projection_is_busy_and_what_was_cut_off_leaves_nothing() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    goes_on(&mut house, &reads, 1).await;
    let live = rows(&house.database.pool, "public").await;
    let names = [ProjectionName::Booking, ProjectionName::FlightAvailability];
    let how = Rebuild { rate: FAST, ..Rebuild::default() };
    let first = Begun::begin(&house.log, &names, how).await.expect("begun");
    let second =
        rebuild_some(&house.log, &[ProjectionName::FlightAvailability, ProjectionName::PaymentLedger], ROOMY).await;
    assert!(matches!(second, Err(RebuildError::Busy { name: "flight_availability" })), "{second:?}");
    let back = rollback(&house.log, ProjectionName::Booking).await;
    assert!(matches!(back, Err(RebuildError::Busy { name: "booking" })), "{back:?}");
    rebuild_some(&house.log, &[ProjectionName::CarAvailability], ROOMY).await.expect("another is nobody's yet");
    let left = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public_rebuild' AND table_name = 'bookings'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&house.database.pool).await.expect("counted");
    assert_eq!(left, 1, "it has begun");
    // As its process would vanish; what it had written is half of the rows, and wrong.
    drop(first);
    let wrong = "INSERT INTO public_rebuild.bookings SELECT * FROM public.bookings";
    sqlx::query(wrong).execute(&house.database.pool).await.expect("written");
    rebuild_all(&house.log, ROOMY).await;
    assert_eq!(rows(&house.database.pool, "public").await, live);
    assert_eq!(rows(&house.database.pool, "public_rebuild").await, Vec::<String>::new());
}

/// What a reader has seen: no trip vanishes, and none goes back in time.
#[derive(Default)]
struct Memory {
    trips: HashMap<BookingId, Position>,
    /// In the traveller's own list, which follows the log by itself.
    listed: usize,
    reads: usize,
}

impl Memory {
    fn sees(&mut self, trip: BookingId, position: Position) {
        let before = self.trips.insert(trip, position);
        assert!(before <= Some(position), "{trip} was seen at {before:?}, and then at {position}");
        self.reads += 1;
    }

    /// All that is read for a page of a trip, from whatever pooled connection, with statements prepared long ago.
    async fn read(&mut self, reads: &Reads) {
        let page = Page::first(100);
        let listed = reads.bookings(&BookingFilter::default(), &page).await.expect("trips are read").items;
        let ids: Vec<BookingId> = listed.iter().map(|(_, trip)| trip.id).collect();
        assert!(self.trips.keys().all(|known| ids.contains(known)), "a trip that was seen is not listed any more");
        for (_, trip) in listed {
            self.sees(trip.id, trip.position);
        }
        for id in ids {
            let trip = reads.booking(id).await.expect("a trip is read").expect("seen before");
            self.sees(id, trip.position);
            let story = reads.story(id).await.expect("a story is read");
            assert!(story.entries().count() >= trip.timeline.len(), "lines are gone");
            reads.payment_ledger(id).await.expect("its money is read");
        }
        reads.sagas(&SagaFilter::default(), &page).await.expect("sagas are read");
        let mine = reads
            .traveller_bookings(&TravellerTrips::of("ada@example.org"), &page)
            .await
            .expect("a traveller's trips are read");
        assert!(mine.items.len() >= self.listed, "a traveller's trip is gone");
        self.listed = mine.items.len();
        assert_eq!(reads.hotels(&HotelSearch::default(), &page).await.expect("hotels are read").items.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_never_fail_and_never_go_back_in_time_while_rebuilds_and_switches_go_on() {
    let mut house = House::new().await;
    let plan = house.offer(Supply { rooms: 50, seats: 50, vehicles: 50 }, card()).await;
    let (_projectors, reads) = house.read().await;
    let (stop, stopping) = watch::channel(false);
    let readers = (0..4).map(|_| {
        let (reads, stopping) = (reads.clone(), stopping.clone());
        tokio::spawn(async move {
            let mut memory = Memory::default();
            while !*stopping.borrow() {
                memory.read(&reads).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            memory
        })
    });
    let readers: Vec<_> = readers.collect();
    let log = house.log.clone();
    let rebuilding = tokio::spawn(async move {
        let mut rebuilt = Vec::new();
        for bytes_max in [ROOMY, CRAMPED, ROOMY] {
            rebuilt.extend(rebuild_all(&log, bytes_max).await);
        }
        rebuilt
    });
    for number in 1..=TRIPS {
        house.request(number, "ada", "ada@example.org", plan.clone()).await;
        house.deliver_all().await;
        if number % 3 == 0 {
            house.cancel(BookingId(uuid::Uuid::from_u128(number))).await;
            house.deliver_all().await;
        }
        house.catch_up(&reads).await;
    }
    let rebuilt = rebuilding.await.expect("all are rebuilt");
    assert!(rebuilt.iter().any(|made| made.position < house.last), "trips went on between the switches");
    house.catch_up(&reads).await;
    stop.send_replace(true);
    for reader in readers {
        let memory = reader.await.expect("nothing failed, nothing went back");
        assert!(memory.reads > 100, "it has read {}", memory.reads);
    }
}
