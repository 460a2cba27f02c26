//! The famous bugs of other event-sourced systems, one test each: none of them is here.

use std::num::NonZeroUsize;
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::watch;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_projections::hotel_availability::HotelAvailability;
use traveladvisor_projections::runtime::rebuild::{
    Phase, Progress, Rate, Rebuild, RebuildError, SWITCH_EVENTS_MAX, rebuild,
};
use traveladvisor_projections::runtime::{ProjectionName, ProjectionState, Projector, Tail, retry_parked};

use super::verify::verified;
use super::writing::{Writing, a_switch_gives_way, assert_all_in_the_rows, until};
use super::{CRAMPED, ROOMY, rebuild_all, rebuild_some, rows};
use crate::runtime::{becomes, checkpoint, reaches};
use crate::support::{House, LIMIT, PLENTY, card, hotel_details, room_type};

/// Projections of which each takes in what writers write, or some of it.
const WRITTEN: [ProjectionName; 3] =
    [ProjectionName::Booking, ProjectionName::HotelAvailability, ProjectionName::TravellerBookings];
/// More positions than one COPY of a rebuild looks at.
const FAR: i64 = 250_000;

/// A handle of the log as another process has it: it hears nothing of what this one appends.
fn another(house: &House) -> EventLog {
    EventLog::new("public", house.database.pool.clone())
}

/// A writer appends, draws so many positions more, and rolls back.
async fn burn(house: &House, writing: &Writing, positions: i64) {
    let mut open = house.database.pool.begin().await.expect("begun");
    writing.write_in(&mut open, 999).await;
    let draw =
        "SELECT count(nextval(pg_get_serial_sequence('events', 'position')::regclass)) FROM generate_series(1, $1)";
    sqlx::query(draw).bind(positions).execute(&mut *open).await.expect("drawn");
    open.rollback().await.expect("rolled back");
}

/// Known of systems that number events by a sequence: Marten's high-water mark and the gap detection of `SqlStreamStore` halt at the hole of
/// a writer that rolled back and wait until it counts as stale; whoever does not wait skips the events of a slow writer. Here a hole is
/// final at once (L2).
#[tokio::test(flavor = "multi_thread")]
async fn famous_1_a_sequence_gap_from_a_rolled_back_writer_stops_nobody_and_costs_no_event() {
    let mut house = House::new().await;
    let writing = Writing::like(&mut house).await;
    let (projectors, reads) = house.read().await;
    for (number, positions) in [(1, 1), (2, 700), (3, FAR), (4, 2)] {
        burn(&house, &writing, positions).await;
        house.last = writing.write(&house.log, number).await;
        house.catch_up(&reads).await;
    }
    burn(&house, &writing, FAR).await;
    projectors.stop().await;
    assert_all_in_the_rows(&house).await;
    let live = rows(&house.database.pool, "public").await;
    for bytes_max in [ROOMY, CRAMPED] {
        let rebuilt = rebuild_all(&house.log, bytes_max).await;
        assert!(rebuilt.iter().all(|made| made.position == house.last), "{rebuilt:?}");
        assert_eq!(rows(&house.database.pool, "public").await, live);
    }
    let events: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&house.database.pool).await.expect("counted");
    assert!(house.last.0.cast_signed() > events + FAR, "there are holes");
}

/// Known of Emmett, which orders by transaction and resumes by position, and of every reader of a plain sequence: a writer with a lower
/// number commits after one with a higher number was read, and is never seen. Here the second one waits for its turn (L2); that tails see
/// all is proved with the log's own tests as well.
#[tokio::test(flavor = "multi_thread")]
async fn famous_2_commit_order_against_number_order_skips_nothing() {
    let mut house = House::new().await;
    let writing = Writing::like(&mut house).await;
    let (projectors, reads) = house.read().await;
    let before = house.last;
    let mut slow = house.database.pool.begin().await.expect("begun");
    writing.write_in(&mut slow, 1).await;
    let quick = (2..8).map(|number| {
        let (writing, log) = (writing.clone(), another(&house));
        tokio::spawn(async move { writing.write(&log, number).await })
    });
    let quick: Vec<_> = quick.collect();
    let queued = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(&house, queued, true).await;
    // A rebuild neither waits for them nor takes their places for passed.
    let rebuilt = rebuild_some(&another(&house), &WRITTEN, ROOMY).await.expect("rebuilt");
    assert!(rebuilt.iter().all(|made| made.position == before), "{rebuilt:?}");
    slow.commit().await.expect("committed at last");
    for writer in quick {
        let position = tokio::time::timeout(LIMIT, writer).await.expect("it ends").expect("it ends well");
        house.last = house.last.max(position);
    }
    house.catch_up(&reads).await;
    assert_all_in_the_rows(&house).await;
    let rebuilt = rebuild_some(&another(&house), &WRITTEN, ROOMY).await.expect("rebuilt");
    assert!(rebuilt.iter().all(|made| made.position == house.last), "{rebuilt:?}");
    assert_all_in_the_rows(&house).await;
    projectors.stop().await;
}

/// Known of Marten, whose inline projections are written by the appends while a rebuild writes the same rows: what is appended at the wrong
/// moment is missing afterwards. Here it may be appended between the bulk read, the catch-up and the switch.
#[tokio::test(flavor = "multi_thread")]
async fn famous_3_what_is_appended_in_every_phase_of_a_rebuild_is_in_the_new_rows() {
    let mut house = House::new().await;
    let writing = Writing::like(&mut house).await;
    let (_projectors, reads) = house.read().await;
    let (progress, mut told) = watch::channel(Progress::START);
    let mut reader = PgConnection::connect_with(&house.database.options).await.expect("a connection");
    reader.execute("BEGIN; SELECT count(*) FROM bookings").await.expect("it reads");
    let how = Rebuild { rate: Rate::PerSecond(20), ..Rebuild::default() };
    let log = another(&house);
    let rebuilding = tokio::spawn(async move { rebuild(&log, &WRITTEN, how, &progress).await });
    let mut numbers = 1_u128..;
    let mut write = async |count: usize| {
        let mut last = Position::START;
        for number in numbers.by_ref().take(count) {
            last = writing.write(&house.log, number).await;
        }
        last
    };
    told.wait_for(|told| told.until > Position::START).await.expect("it reads in bulk, slowly");
    let while_reading = write(SWITCH_EVENTS_MAX).await;
    // Caught up with that, it is to switch.
    let is_to_switch = |told: &Progress| told.phase == Phase::Switching && told.position >= while_reading;
    tokio::time::timeout(LIMIT, told.wait_for(is_to_switch)).await.expect("it catches up").expect("it is at work");
    // As much as a switch takes in by itself, while it tries again and again, and more than that.
    let mut last = write(SWITCH_EVENTS_MAX / 2 - 10).await;
    a_switch_gives_way(&house).await;
    last = last.max(write(SWITCH_EVENTS_MAX).await);
    reader.execute("COMMIT").await.expect("it has read");
    last = last.max(write(20).await);
    let rebuilt = tokio::time::timeout(LIMIT, rebuilding).await.expect("it ends").expect("no panic").expect("rebuilt");
    assert!(rebuilt[0].switch_tries > 1, "{rebuilt:?}");
    house.last = last;
    house.catch_up(&reads).await;
    assert_all_in_the_rows(&house).await;
    for name in WRITTEN {
        let compared = verified(&house, name).await;
        assert!(!compared.has_drifted(), "{compared:?}");
    }
}

/// Known of systems whose owners hold a claim by time, as Axon's token claims: one sleeps through a pause, another takes over, and both
/// write. Between processes that is proved with the runtime's own tests (`a_deposed_owner_writes_nothing_and_says_so`); here the owner
/// sleeps through a switch, and the rows are no longer those that it knew.
#[tokio::test(flavor = "multi_thread")]
async fn famous_4_of_two_owners_after_a_pause_the_one_of_the_former_rows_writes_nothing() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let asleep = Projector::start(HotelAvailability, Tail::new(another(&house)));
    house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    reaches(&asleep, house.last).await;
    let rebuilt = rebuild_some(&house.log, &[ProjectionName::HotelAvailability], ROOMY).await.expect("rebuilt");
    house.request(2, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    becomes(|| asleep.status(), ProjectionState::Deposed).await;
    assert_eq!(checkpoint(&house, "hotel_availability").await.0, rebuilt[0].position.0.cast_signed());
    let owner = Projector::start(HotelAvailability, Tail::new(another(&house)));
    reaches(&owner, house.last).await;
    let compared = verified(&house, ProjectionName::HotelAvailability).await;
    assert!(!compared.has_drifted(), "rooms are sold once: {compared:?}");
}

/// Name, position, key and reason of what is set aside of live rows.
async fn set_aside(house: &House) -> Vec<(String, i64, String, Option<String>)> {
    sqlx::query_as(
        "SELECT name, l.position, key, reason FROM projection_dead_letters l JOIN projection_checkpoints USING (name, generation) \
          ORDER BY name, l.position",
    )
    .fetch_all(&house.database.pool)
    .await
    .expect("the database answers")
}

/// Known of `KurrentDB`, whose projection is faulted by the first event that it cannot take in and stands still until it is made anew, and
/// made anew stops at the same event. Of a live projector that is proved with dead letters; here of a rebuild.
#[tokio::test(flavor = "multi_thread")]
async fn famous_5_a_poison_event_stops_no_rebuild_and_is_set_aside_as_the_live_rows_have_it() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let kinds = |rooms| vec![room_type("DBL", rooms, 100)];
    let inn = house.list_hotel(hotel_details("X", "Inn", "London", kinds(1))).await;
    house.list_hotel(hotel_details("X", "Inn", "London", kinds(2))).await;
    let before = house.log.read_stream(inn.stream(), 1).await.expect("readable").remove(0);
    let twice = house.request(1, "ada", "ada@example.org", plan.clone()).await;
    house.deliver_all().await;
    let asked = house.log.read_stream(twice.stream(), 0).await.expect("readable").remove(0);
    let (projectors, reads) = house.read().await;
    let unread = house.append_raw(inn.stream(), "RoomsDanced", r#"{"RoomsDanced":{}}"#.to_owned()).await;
    house.append_raw(twice.stream(), "BookingRequested", asked.payload.to_string()).await;
    house.cancel(twice).await;
    house.list_hotel(hotel_details("X", "Inn", "London", kinds(3))).await;
    house.request(2, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    projectors.stop().await;
    let (live, letters) = (rows(&house.database.pool, "public").await, set_aside(&house).await);
    assert!(letters.iter().any(|letter| letter.3.as_deref() == Some("the trip was asked for twice")), "{letters:?}");
    assert!(letters.iter().any(|letter| letter.1 > unread.0.cast_signed() && letter.3.is_none()), "{letters:?}");
    for (generation, bytes_max) in [(2, ROOMY), (3, CRAMPED)] {
        let rebuilt = rebuild_all(&another(&house), bytes_max).await;
        assert!(rebuilt.iter().all(|made| made.generation == generation && made.position == house.last));
        assert_eq!(rebuilt.iter().map(|made| made.dead_letters).sum::<usize>(), letters.len());
        assert_eq!(set_aside(&house).await, letters);
        assert_eq!(rows(&house.database.pool, "public").await, live);
    }
    // Mended: what nobody could read is an event that everybody can.
    let (event_type, payload) = (&*before.event_type, &*before.payload);
    let mend = format!(
        "ALTER TABLE events DISABLE TRIGGER USER; \
         UPDATE events SET event_type = '{event_type}', payload = '{payload}' WHERE position = {unread}; \
         ALTER TABLE events ENABLE TRIGGER USER"
    );
    sqlx::raw_sql(&mend).execute(&house.database.pool).await.expect("mended");
    let log = another(&house);
    for name in ProjectionName::ALL {
        retry_parked(&log, name, None).await.expect("tried again");
    }
    let left = set_aside(&house).await;
    assert!(!left.is_empty() && left.iter().all(|letter| letter.2 == twice.stream().to_string()), "{left:?}");
    for name in ProjectionName::ALL {
        let compared = verified(&house, name).await;
        assert!(!compared.has_drifted(), "{compared:?}");
    }
}

/// The backend that reads the log in bulk.
const READER: &str = "query LIKE 'COPY (SELECT position%'";
/// Those that write the new rows: they hold the lock of a rebuild.
const WRITERS: &str = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886547818)";

/// Ends backends of the house's database; how many.
async fn end_backends(house: &House, which: &str) -> i64 {
    let ended = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    sqlx::query_scalar(&ended).fetch_one(&house.database.pool).await.expect("ended")
}

/// Known of postgres-es, whose replay hides errors of the database: it ends in the middle and says that it is done.
#[tokio::test(flavor = "multi_thread")]
async fn famous_6_a_rebuild_that_the_database_broke_off_says_so_and_changes_nothing() {
    let mut house = House::new().await;
    let writing = Writing::like(&mut house).await;
    let (projectors, reads) = house.read().await;
    // So far apart that each pair is a page of its own.
    for number in 1..12 {
        burn(&house, &writing, FAR / 2).await;
        house.last = writing.write(&house.log, number).await;
    }
    house.catch_up(&reads).await;
    projectors.stop().await;
    let live = rows(&house.database.pool, "public").await;
    let workers = NonZeroUsize::MIN;
    let slowly = Rebuild { rate: Rate::PerSecond(20), workers, ..Rebuild::default() };
    for (which, count) in [(READER, 1), (WRITERS, WRITTEN.len() as i64)] {
        let (progress, mut told) = watch::channel(Progress::START);
        let log = another(&house);
        let rebuilding = tokio::spawn(async move { rebuild(&log, &WRITTEN, slowly, &progress).await });
        told.wait_for(|told| told.events >= 5).await.expect("it is in the middle");
        assert!(told.borrow().position < told.borrow().until);
        assert_eq!(end_backends(&house, which).await, count, "{which}");
        let ended = tokio::time::timeout(LIMIT, rebuilding).await.expect("it ends").expect("no panic");
        assert!(matches!(ended, Err(RebuildError::Log(_) | RebuildError::Database(_))), "{ended:?}");
        assert_eq!(rows(&house.database.pool, "public").await, live);
        assert_eq!(rows(&house.database.pool, "public_former").await, Vec::<String>::new());
    }
    let rebuilt = rebuild_some(&house.log, &WRITTEN, ROOMY).await.expect("rebuilt");
    assert!(rebuilt.iter().all(|made| made.generation == 2 && made.position == house.last), "{rebuilt:?}");
    assert_eq!(rows(&house.database.pool, "public").await, live);
    assert_all_in_the_rows(&house).await;
}

/// Known of Emmett, whose rebuilds left out thousands of events that concurrent writers had written, and of systems whose projections share
/// a reader but not their place: while one is behind, the other moves both on.
#[tokio::test(flavor = "multi_thread")]
async fn famous_7_rebuilds_of_several_projections_lose_nothing_that_eight_writers_write_meanwhile() {
    let mut house = House::new().await;
    let writing = Writing::like(&mut house).await;
    let (_projectors, reads) = house.read().await;
    let (stop, stopping) = watch::channel(false);
    let writers = (1..=8_u128).map(|writer| {
        let (writing, stopping) = (writing.clone(), stopping.clone());
        let log = if writer.is_multiple_of(2) { house.log.clone() } else { another(&house) };
        tokio::spawn(async move {
            let (mut last, mut count) = (Position::START, 0);
            while !*stopping.borrow() {
                count += 1;
                last = writing.write(&log, (writer << 32) + count).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            last
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut positions = vec![house.last];
    for (names, bytes_max) in
        [(&WRITTEN[..], ROOMY), (&WRITTEN[..2], CRAMPED), (&WRITTEN[..], CRAMPED), (&WRITTEN[1..], ROOMY)]
    {
        let rebuilt = rebuild_some(&another(&house), names, bytes_max).await.expect("rebuilt");
        positions.extend(rebuilt.iter().map(|made| made.position));
    }
    stop.send_replace(true);
    for writer in writers {
        house.last = house.last.max(writer.await.expect("it ends well"));
    }
    assert!(positions.is_sorted() && positions.first() < positions.last(), "they wrote meanwhile: {positions:?}");
    house.catch_up(&reads).await;
    assert_all_in_the_rows(&house).await;
    for name in WRITTEN {
        let compared = verified(&house, name).await;
        assert!(!compared.has_drifted(), "{compared:?}");
    }
}
