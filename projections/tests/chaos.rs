//! Chaos at the read side: nothing is skipped, nothing is taken in twice, nothing out of order, and nobody waits for transactions that have
//! nothing to do with the log. What tails see alone is proved with the log's own tests.
//!
//! With `CHAOS=<n>` it goes on n times as long: with ten for a minute.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::{TestDatabase, chaos};
use traveladvisor_projections::runtime::rebuild::Rebuilt;
use traveladvisor_projections::runtime::{ProjectionName, Projector, Tail};

use crate::rebuild::verify::verified;
use crate::rebuild::writing::{Writing, assert_all_in_the_rows};
use crate::rebuild::{CRAMPED, ROOMY, rebuild_some};
use crate::runtime::{Counting, Orders, counting_house, reaches};
use crate::support::House;
use crate::support::random::Dice;

/// How long it goes on, unless there is to be more chaos.
const GOES_ON_FOR: Duration = Duration::from_secs(6);
/// Writers.
const WRITERS: u128 = 32;
/// Longest pause of a writer before it writes again, in milliseconds.
const PAUSE_MS_MAX: u64 = 100;
/// So long at most a projector lives before it is killed, in milliseconds.
const LIFE_MS_MAX: u64 = 150;

/// A transaction that has written something and is idle, and one in another database of the server: both hold back what waits for all
/// transactions that are older.
async fn bystander(database: &TestDatabase) -> (PgConnection, i32) {
    let mut idle = PgConnection::connect_with(&database.options).await.expect("a connection");
    for sql in ["CREATE TABLE bystander (n integer)", "BEGIN", "INSERT INTO bystander VALUES (1)"] {
        idle.execute(sql).await.expect(sql);
    }
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut idle).await.expect("a number");
    (idle, pid)
}

/// Both have been open since before the first event that a writer wrote.
async fn assert_open(house: &House, pids: [i32; 2], since: Position) {
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity, (SELECT min(recorded_at) AS at FROM events WHERE position > $2) AS first \
          WHERE pid = ANY ($1) AND backend_xid IS NOT NULL AND xact_start < first.at",
    )
    .bind(pids)
    .bind(since.0.cast_signed())
    .fetch_one(&house.database.pool)
    .await
    .expect("asked");
    assert_eq!(open, 2, "both are still open");
}

/// Appends and rolls back at random until it is told to stop; the last position that stands, and how many appends do.
fn writer(
    house: &House,
    writing: &Writing,
    number: u128,
    stopping: watch::Receiver<bool>,
) -> JoinHandle<(Position, u64)> {
    // Some hear of each other at once, the others are processes of their own.
    let log =
        if number.is_multiple_of(2) { house.log.clone() } else { EventLog::new("public", house.database.pool.clone()) };
    let (pool, writing) = (house.database.pool.clone(), writing.clone());
    tokio::spawn(async move {
        let mut dice = Dice::new(u64::try_from(number).expect("small"));
        let (mut last, mut count) = (Position::START, 0_u64);
        while !*stopping.borrow() {
            let next = (number << 32) + u128::from(count) + 1;
            if dice.roll(3) == 0 {
                let mut open = pool.begin().await.expect("begun");
                writing.write_in(&mut open, next).await;
                tokio::time::sleep(Duration::from_millis(dice.roll(3))).await;
                open.rollback().await.expect("rolled back");
            }
            last = writing.write(&log, next).await;
            count += 1;
            tokio::time::sleep(Duration::from_millis(dice.roll(PAUSE_MS_MAX))).await;
        }
        (last, count)
    })
}

/// A projector that is killed at random and started again, until it is told to stop; how often.
fn killed_reader(house: &House, stopping: watch::Receiver<bool>) -> JoinHandle<u32> {
    let pool = house.database.pool.clone();
    tokio::spawn(async move {
        let (mut dice, mut kills) = (Dice::new(7), 0);
        while !*stopping.borrow() {
            let projector = Projector::start(Counting, Tail::new(EventLog::new("public", pool.clone())));
            tokio::time::sleep(Duration::from_millis(dice.roll(LIFE_MS_MAX))).await;
            projector.abort().await;
            kills += 1;
        }
        kills
    })
}

/// Makes rows anew all the time.
fn rebuilder(house: &House, stopping: watch::Receiver<bool>) -> JoinHandle<Vec<Rebuilt>> {
    let log = EventLog::new("public", house.database.pool.clone());
    tokio::spawn(async move {
        let mut rebuilt = Vec::new();
        for bytes_max in [ROOMY, CRAMPED].into_iter().cycle() {
            if *stopping.borrow() {
                return rebuilt;
            }
            let names = [ProjectionName::Booking, ProjectionName::HotelAvailability];
            rebuilt.extend(rebuild_some(&log, &names, bytes_max).await.expect("rebuilt"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        rebuilt
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_twice_or_out_of_order_whoever_rolls_back_idles_and_is_killed() {
    let mut house = counting_house(Orders::default()).await;
    sqlx::query("ALTER TABLE seen ADD nth bigserial").execute(&house.database.pool).await.expect("altered");
    let writing = Writing::like(&mut house).await;
    let (_projectors, reads) = house.read().await;
    let before = house.last;
    let elsewhere = TestDatabase::create(SCHEMA).await;
    let ((idle, first), (mut busy, second)) = (bystander(&house.database).await, bystander(&elsewhere).await);

    let (stop, stopping) = watch::channel(false);
    let reader = killed_reader(&house, stopping.clone());
    let making = rebuilder(&house, stopping.clone());
    let writers: Vec<_> = (1..=WRITERS).map(|number| writer(&house, &writing, number, stopping.clone())).collect();
    let end = tokio::time::sleep(GOES_ON_FOR * chaos());
    let mut end = std::pin::pin!(end);
    while futures::future::poll_immediate(&mut end).await.is_none() {
        busy.execute("INSERT INTO bystander SELECT generate_series(1, 10)").await.expect("written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send_replace(true);
    let mut count = 0;
    for working in writers {
        let (last, appends) = working.await.expect("it ends well");
        (house.last, count) = (house.last.max(last), count + appends);
    }
    let kills = reader.await.expect("it ends well");
    assert!(count > 100 && kills > 10, "{count} appends, {kills} kills: it proves little");

    // All is seen, and made anew, while both transactions are open.
    let last = Projector::start(Counting, Tail::new(house.log.clone()));
    reaches(&last, house.last).await;
    house.catch_up(&reads).await;
    let rebuilt = making.await.expect("they are rebuilt");
    assert!(rebuilt.iter().any(|made| made.position < house.last), "written meanwhile: {rebuilt:?}");
    let again = rebuild_some(&house.log, &[ProjectionName::Booking], ROOMY).await.expect("rebuilt");
    assert_eq!(again[0].position, house.last);
    assert_open(&house, [first, second], before).await;
    assert_all_in_the_rows(&house).await;
    let asked = "SELECT position FROM seen ORDER BY nth";
    let seen: Vec<i64> = sqlx::query_scalar(asked).fetch_all(&house.database.pool).await.expect("the database answers");
    let asked = "SELECT position FROM events ORDER BY position";
    let log: Vec<i64> = sqlx::query_scalar(asked).fetch_all(&house.database.pool).await.expect("the database answers");
    assert!(house.last.0 > log.len() as u64, "those that rolled back have drawn positions");
    assert!(seen.is_sorted_by(|before, then| before < then), "out of order, or twice");
    assert_eq!(seen, log, "skipped");
    for name in [ProjectionName::Booking, ProjectionName::HotelAvailability] {
        let compared = verified(&house, name).await;
        assert!(!compared.has_drifted(), "{compared:?}");
    }
    drop(idle);
}
