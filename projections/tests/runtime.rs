//! The runtime: rows and checkpoint stand or fall together, and one projection's trouble is its own.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::PgConnection;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::postgres::pool;
use traveladvisor_infra::testing::Frozen;
use traveladvisor_projections::hotel_availability::HotelAvailability;
use traveladvisor_projections::reads::{HotelSearch, Page, ReadError, Reads};
use traveladvisor_projections::runtime::{
    BATCH_EVENTS_MAX, Changes, FoldError, Holds, Meeting, Part, Projection, ProjectionName, ProjectionState,
    ProjectionStatus, Projector, Projectors, Recorded, Rows, Table, Tail, column,
};

use crate::support::{House, LIMIT, hotel_details, room_type};

/// Counts the events it has seen; its rows are the table `seen`.
pub(crate) struct Counting;

static SEEN: Table = Table { name: "seen", columns: &[column("position", Holds::Int)], meeting: Meeting::Never };

impl Projection for Counting {
    const NAME: &'static str = "counting";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &StreamKind::ALL;
    const TABLES: &'static [&'static Table] = &[&SEEN];
    type Batch = Vec<i64>;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        Some(recorded.stream)
    }

    async fn load(&self, _: &BTreeSet<StreamId>, _: &mut Vec<i64>, _: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_: &Vec<i64>, _: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut Vec<i64>, recorded: &Recorded) -> Result<(), FoldError> {
        batch.push(recorded.position.0.cast_signed());
        Ok(())
    }

    fn flush(&self, batch: &mut Vec<i64>, _: Part, changes: &mut Changes) {
        assert!(batch.len() <= BATCH_EVENTS_MAX);
        write_seen(batch, changes);
    }

    fn bytes(_: &Vec<i64>) -> usize {
        0
    }
}

fn write_seen(batch: &mut Vec<i64>, changes: &mut Changes) {
    let mut seen = Rows::new(&SEEN);
    for position in batch.drain(..) {
        seen.row().int(position);
    }
    changes.write(seen);
}

/// What goes wrong in the database right after rows were written, before the transaction commits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Orders {
    /// So many flushes fail.
    failures: u32,
    /// So many flushes hang.
    hangs: u32,
    /// Flushes of more rows fail.
    rows_max: Option<u32>,
}

/// A house whose table `seen` does as it is told. What a sequence has counted stays counted when a transaction is undone.
pub(crate) async fn counting_house(orders: Orders) -> House {
    let house = House::new().await;
    let Orders { failures, hangs, rows_max } = orders;
    let rows_max = rows_max.unwrap_or(u32::MAX);
    let statements = format!(
        "CREATE TABLE seen (position bigint); \
         CREATE SEQUENCE flushes; \
         CREATE FUNCTION misbehave() RETURNS trigger LANGUAGE plpgsql AS $$ \
         DECLARE flush bigint := nextval('flushes'); \
         BEGIN \
             IF flush <= {hangs} THEN PERFORM pg_sleep(600); END IF; \
             IF flush <= {failures} OR (SELECT count(*) FROM written) > {rows_max} THEN \
                 RAISE EXCEPTION 'as ordered' USING ERRCODE = 'query_canceled'; \
             END IF; \
             RETURN NULL; \
         END $$; \
         CREATE TRIGGER misbehaves AFTER INSERT ON seen REFERENCING NEW TABLE AS written \
             FOR EACH STATEMENT EXECUTE FUNCTION misbehave()"
    );
    sqlx::raw_sql(&statements).execute(&house.database.pool).await.expect("the database answers");
    house
}

/// Waits until a flush hangs.
pub(crate) async fn hangs(house: &House) {
    let hanging = async {
        let asked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())";
        while !sqlx::query_scalar::<_, bool>(asked).fetch_one(&house.database.pool).await.expect("the database answers")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, hanging).await.expect("it flushes");
}

pub(crate) async fn fill(house: &mut House, hotels: std::ops::Range<u32>) {
    for number in hotels {
        let kinds = vec![room_type("DBL", 1, 100)];
        house.list_hotel(hotel_details(&number.to_string(), "Inn", "London", kinds)).await;
    }
}

fn start(house: &House) -> Projector {
    Projector::start(Counting, Tail::new(house.log.clone()))
}

pub(crate) async fn reaches(projector: &Projector, position: Position) {
    let mut positions = projector.positions();
    let reached = tokio::time::timeout(LIMIT, positions.wait_for(|reached| *reached >= position)).await;
    assert!(reached.is_ok(), "it stands at {:?}", projector.status());
}

pub(crate) async fn becomes(status: impl Fn() -> ProjectionStatus, state: ProjectionState) -> ProjectionStatus {
    let waiting = async {
        while status().state != state {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("it is {:?}", status()));
    status()
}

/// Every event of the log is in the rows once, and the checkpoint is at the last.
async fn assert_seen_once(house: &House) {
    let seen: Vec<i64> = sqlx::query_scalar("SELECT position FROM seen ORDER BY position")
        .fetch_all(&house.database.pool)
        .await
        .expect("the database answers");
    let written = house.log.read_after(Position::START, 100_000).await.expect("the database answers");
    let written: Vec<i64> = written.iter().map(|event| event.position.0.cast_signed()).collect();
    assert_eq!(seen, written);
    assert_eq!(checkpoint(house, "counting").await.0, house.last.0.cast_signed());
}

/// Position, epoch and reason.
pub(crate) async fn checkpoint(house: &House, name: &str) -> (i64, i64, Option<String>) {
    sqlx::query_as("SELECT position, epoch, stopped_reason FROM projection_checkpoints WHERE name = $1")
        .bind(name)
        .fetch_one(&house.database.pool)
        .await
        .expect("the database answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_much_for_the_server_is_taken_in_by_smaller_ones() {
    let mut house = counting_house(Orders { rows_max: Some(3), ..Orders::default() }).await;
    fill(&mut house, 0..20).await;
    let projector = start(&house);
    reaches(&projector, house.last).await;
    assert_seen_once(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_flush_leaves_nothing_and_is_made_again() {
    let mut house = counting_house(Orders { failures: 2, ..Orders::default() }).await;
    fill(&mut house, 0..5).await;
    let projector = start(&house);
    reaches(&projector, house.last).await;
    assert_seen_once(&house).await;
    becomes(|| projector.status(), ProjectionState::Live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_rows_and_checkpoint_loses_and_repeats_nothing() {
    let mut house = counting_house(Orders { hangs: 1, ..Orders::default() }).await;
    fill(&mut house, 0..5).await;
    let killed = start(&house);
    hangs(&house).await;
    killed.abort().await;
    // The server would only notice when the statement ends.
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE wait_event = 'PgSleep' AND datname = current_database()";
    sqlx::query(ended).execute(&house.database.pool).await.expect("the database answers");
    fill(&mut house, 5..8).await;
    let next = start(&house);
    reaches(&next, house.last).await;
    assert_seen_once(&house).await;
    next.stop().await;
    fill(&mut house, 8..10).await;
    let last = start(&house);
    reaches(&last, house.last).await;
    assert_seen_once(&house).await;
    assert_eq!(checkpoint(&house, "counting").await.1, 3, "each owner raised the epoch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposed_owner_writes_nothing_and_says_so() {
    let mut house = counting_house(Orders::default()).await;
    fill(&mut house, 0..3).await;
    let former = start(&house);
    reaches(&former, house.last).await;
    let owner = start(&house);
    becomes(|| owner.status(), ProjectionState::Live).await;
    fill(&mut house, 3..9).await;
    reaches(&owner, house.last).await;
    let status = becomes(|| former.status(), ProjectionState::Deposed).await;
    assert!(status.reason.is_some());
    assert_seen_once(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_batch_is_taken_in_batches_and_by_all_alike() {
    let mut house = counting_house(Orders::default()).await;
    fill(&mut house, 0..20).await;
    let count = BATCH_EVENTS_MAX as i64 * 5;
    // The same hotel changing over and over, written by hand: this test is about numbers, not about deciding.
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         SELECT aggregate_type, aggregate_id, sequence + n, event_type, event_version, payload, metadata, recorded_at \
           FROM events, generate_series(1, $1) n WHERE position = 1",
    )
    .bind(count)
    .execute(&house.database.pool)
    .await
    .unwrap();
    house.last = house.log.head().await.unwrap();
    let projector = start(&house);
    let (_projectors, reads) = house.read().await;
    reaches(&projector, house.last).await;
    assert_seen_once(&house).await;
    assert_eq!(reads.hotels(&HotelSearch::default(), &Page::default()).await.unwrap().items.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_version_are_not_touched() {
    let mut house = House::new().await;
    fill(&mut house, 0..1).await;
    let sql =
        "INSERT INTO projection_checkpoints (name, version, position, epoch) VALUES ('hotel_availability', 99, 0, 1)";
    sqlx::query(sql).execute(&house.database.pool).await.unwrap();
    let projector = Projector::start(HotelAvailability, Tail::new(house.log.clone()));
    let status = becomes(|| projector.status(), ProjectionState::Stopped).await;
    assert!(status.reason.is_some_and(|reason| reason.contains("99")));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM hotels").fetch_one(&house.database.pool).await.unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_when_it_is_there_and_in_time_when_it_is_not() {
    let mut house = House::new().await;
    let (projectors, reads) = house.read().await;
    let mut changes = reads.booking_changes();
    let far = Position(1_000_000);
    let behind = reads.wait_for(ProjectionName::Booking, far, Duration::from_millis(20)).await;
    assert_eq!(
        behind,
        Err(ReadError::Behind { projection: "booking", reached: Position::START, wanted: far, why: None })
    );
    let waiting = {
        let (reads, next): (Reads, _) = (reads.clone(), Position(1));
        tokio::spawn(async move { reads.wait_for(ProjectionName::HotelAvailability, next, LIMIT).await })
    };
    fill(&mut house, 0..1).await;
    assert_eq!(waiting.await.unwrap(), Ok(()));
    tokio::time::timeout(LIMIT, changes.changed()).await.expect("in time").expect("alive");
    assert_eq!(projectors.positions().len(), ProjectionName::ALL.len());
    projectors.stop().await;
    let ended = reads.wait_for(ProjectionName::Booking, far, LIMIT).await;
    assert!(matches!(ended, Err(ReadError::Behind { .. })), "nobody reads any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_processes_are_found_without_being_told() {
    let mut house = House::new().await;
    let other = EventLog::new("public", house.database.pool.clone());
    let projectors = Projectors::start(other.clone());
    let reads = Reads::new(&other, &projectors);
    fill(&mut house, 0..1).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it looks by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_program_has_written_is_told_as_that_and_nothing_before_it_is_missed() {
    let mut house = House::new().await;
    fill(&mut house, 0..3).await;
    let newer = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
        VALUES ('loyalty_tier', 'loyalty_tier_00000000000000000000000001', 1, 'TierReached', '1', '{}', '{}', now())";
    sqlx::query(newer).execute(house.log.pool()).await.expect("another program writes");
    let projectors = Projectors::start(house.log.clone());
    let reads = Reads::new(&house.log, &projectors);
    house.catch_up(&reads).await;
    let status = || projectors.status().into_iter().find(|status| status.name == "members").expect("its status");
    let waiting = becomes(status, ProjectionState::Waiting).await;
    let wanted = format!(
        "event {} is of a stream of the kind `loyalty_tier`, which this program does not know: a newer program has written it, \
         go on with that one",
        house.last.0 + 1
    );
    assert_eq!(waiting.reason, Some(wanted));
    assert!(projectors.status().iter().all(|status| status.position == house.last), "no further than that");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_outlived() {
    let mut house = counting_house(Orders::default()).await;
    let projector = start(&house);
    for round in 0..5 {
        fill(&mut house, round * 10..round * 10 + 10).await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(sql).execute(&house.database.pool).await.unwrap();
    }
    reaches(&projector, house.last).await;
    assert_seen_once(&house).await;
}

/// A commit of a projector is answered before it is on disk.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_of_the_server_takes_back_is_taken_in_again() {
    let mut house = counting_house(Orders::default()).await;
    let projector = start(&house);
    fill(&mut house, 0..5).await;
    let on_disk = house.last;
    fill(&mut house, 5..10).await;
    reaches(&projector, house.last).await;
    let (pool, kept) = (&house.database.pool, on_disk.0.cast_signed());
    let mut crash = pool.begin().await.expect("the database answers");
    let taken_back = "WITH gone AS (DELETE FROM seen WHERE position > $1) \
                      UPDATE projection_checkpoints SET position = $1 WHERE name = 'counting'";
    sqlx::query(taken_back).bind(kept).execute(&mut *crash).await.expect("taken back");
    crash.commit().await.expect("taken back");
    // Nothing is appended that would make it look.
    let complete = async {
        while checkpoint(&house, "counting").await.0 < house.last.0.cast_signed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, complete).await.expect("it goes on");
    assert_seen_once(&house).await;
    becomes(|| projector.status(), ProjectionState::Live).await;
}

/// So long a connection must have rested to be tried before it is used again, and a little more.
const RESTED: Duration = Duration::from_millis(1_200);

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_network_forgot_does_not_stall_the_read_models() {
    let mut house = counting_house(Orders::default()).await;
    let log = EventLog::new("public", pool(house.database.options.clone()));
    let projector = Projector::start(Counting, Tail::new(log));
    fill(&mut house, 0..2).await;
    reaches(&projector, house.last).await;
    let sql = "SELECT pid FROM pg_stat_activity \
                WHERE datname = current_database() AND state = 'idle' AND query = 'COMMIT'";
    let processes: Vec<i32> = sqlx::query_scalar(sql).fetch_all(&house.database.pool).await.unwrap();
    assert_eq!(processes.len(), 1, "the projector's own connection rests");
    let _frozen = Frozen::these(processes);
    tokio::time::sleep(RESTED).await;
    fill(&mut house, 2..4).await;
    reaches(&projector, house.last).await;
    assert_seen_once(&house).await;
}

/// The answer to COMMIT was lost, the checkpoint was read while the server was still at it, and the same events came again.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_lands_after_its_owner_gave_it_up_deposes_nobody() {
    let mut house = counting_house(Orders::default()).await;
    fill(&mut house, 0..2).await;
    let projector = start(&house);
    reaches(&projector, house.last).await;
    let mut late = house.database.pool.begin().await.unwrap();
    let next = house.last.0.cast_signed() + 1;
    sqlx::query("UPDATE projection_checkpoints SET position = $1 WHERE name = 'counting'")
        .bind(next)
        .execute(&mut *late)
        .await
        .unwrap();
    sqlx::query("INSERT INTO seen VALUES ($1)").bind(next).execute(&mut *late).await.unwrap();
    fill(&mut house, 2..6).await;
    let waits = async {
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity \
                    WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&house.database.pool).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, waits).await.expect("the projector waits for the row");
    late.commit().await.unwrap();
    reaches(&projector, house.last).await;
    becomes(|| projector.status(), ProjectionState::Live).await;
    assert_seen_once(&house).await;
}
