//! Rows that an earlier program left behind: read as they are, and made anew.

use std::time::Duration;

use sqlx::Executor;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_domain::trip_saga::steps::TRIES_BEFORE_ATTENTION;
use traveladvisor_infra::postgres::{MigrationOutcome, migrate, migrations};
use traveladvisor_projections::reads::{Page, Reads, SagaFilter};
use traveladvisor_projections::runtime::rebuild::REBUILD_BYTES_MAX;
use traveladvisor_projections::runtime::{ProjectionName, ProjectionState, Projectors};
use traveladvisor_projections::views::{BookingStatus, PartStatus, SagaStatus};

use crate::rebuild::rebuild_some;
use crate::support::{House, PLENTY, Supply, card};

/// What the program of the first schema wrote of a trip whose car was refused and whose flight is being given back.
const STATE: &str = include_str!("earlier.json");

/// What today's log calls, for as long as it writes into the first schema.
const TODAYS_APPEND: &str = "CREATE FUNCTION append_events(text, text[], text[], bigint[], bigint, text[], text[], bigint[], text[], text[], text[], text[], text[], text[], text[], \
     bytea[], text[], bigint[], bigint[], timestamptz, text[], text[], text[], timestamptz[], text[], bigint[], text[], bigint[], bigint[], text[], text[], bigint[], text[], uuid[], text[], text[], text[], text[], text[], text[], \
     OUT first_position bigint, OUT last_position bigint, OUT appended_at timestamptz, OUT conflicts json) LANGUAGE sql VOLATILE AS \
     'SELECT * FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
     $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)';";
/// Takes it away again, as no earlier program had it.
const NO_APPEND: &str = "DROP FUNCTION append_events(text, text[], text[], bigint[], bigint, text[], text[], bigint[], text[], text[], text[], text[], text[], text[], text[], \
     bytea[], text[], bigint[], bigint[], timestamptz, text[], text[], text[], timestamptz[], text[], bigint[], text[], bigint[], bigint[], text[], text[], bigint[], text[], uuid[], text[], text[], text[], text[], text[], text[])";

/// A database of the first schema with the rows of its program, up to the log's end.
async fn left_behind() -> (House, BookingId) {
    let first = "CREATE TABLE schema_version (version integer NOT NULL); INSERT INTO schema_version VALUES (1);";
    let mut house = House::with_schema(&format!("{}{first}{TODAYS_APPEND}", migrations()[0])).await;
    let plan = house.offer(Supply { vehicles: 0, ..PLENTY }, card()).await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_until("StepRefused").await;
    let pool = &house.database.pool;
    pool.execute(NO_APPEND).await.expect("it was only for this");
    sqlx::query(
        "INSERT INTO bookings (id, owner, email_key, status, saga_status, created_at, state) \
         SELECT $1, $2::json ->> 'owner', 'ada@example.org', 'CANCELLING', 'COMPENSATING', \
                ($2::json ->> 'created_at')::timestamptz, $2::json",
    )
    .bind(booking.0)
    .bind(STATE)
    .execute(pool)
    .await
    .expect("the row is written");
    sqlx::query(
        "INSERT INTO booking_timeline (booking_id, position, at, stream_kind, event_type, summary, status, saga_status) \
         VALUES ($1, $2, '2024-12-01T12:00:11Z', 'trip_saga', 'StepRefused', 'The car failed.', 'CANCELLING', \
                 'COMPENSATING')",
    )
    .bind(booking.0)
    .bind(house.last.0.cast_signed())
    .execute(pool)
    .await
    .expect("the line is written");
    let checkpoint = format!("INSERT INTO projection_checkpoints VALUES ('booking', 1, {}, 1, NULL)", house.last);
    pool.execute(checkpoint.as_str()).await.expect("the checkpoint is written");
    (house, booking)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_an_earlier_program_left_are_read_as_they_are_until_they_are_made_anew_and_then_go_on() {
    let (mut house, booking) = left_behind().await;
    let migrated = migrate(&house.database.pool).await.expect("the schema is brought up to date");
    assert_eq!(migrated, MigrationOutcome::Upgraded { from: 1 });
    let projectors = Projectors::start(house.log.clone());
    let reads = Reads::new(&house.log, &projectors);
    house.catch_up(&reads).await;
    let status = || projectors.status().into_iter().find(|status| status.name == "booking").expect("its status");
    while status().state != ProjectionState::Stopped {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(status().reason.as_deref(), Some("its rows are of version 1: rebuild it"));
    let left = reads.booking(booking).await.expect("readable").expect("known");
    assert_eq!(left.status, BookingStatus::Cancelling, "as it was left");
    assert_eq!(reads.saga(booking).await.expect("readable").expect("known").definition, "trip 1");
    rebuild_some(&house.log, &[ProjectionName::Booking], REBUILD_BYTES_MAX).await.expect("made anew");
    while status().state != ProjectionState::Live {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let trip = reads.booking(booking).await.expect("readable").expect("known");
    assert_eq!((trip.status, trip.saga_status), (BookingStatus::Cancelling, SagaStatus::Compensating));
    assert_eq!(trip.flight.expect("a flight").status, PartStatus::Cancelling);
    let page = Page::first(10);
    let open = SagaFilter { status: vec![SagaStatus::Compensating], ..SagaFilter::default() };
    let listed = reads.sagas(&open, &page).await.expect("readable");
    assert_eq!(listed.items.iter().map(|(_, saga)| saga.booking).collect::<Vec<_>>(), [booking]);

    house.faults.insert((Step::Flight, Direction::Undo), 1);
    house.deliver_until("UndoFaulted").await;
    house.catch_up(&reads).await;
    let saga = reads.saga(booking).await.expect("readable").expect("known");
    let waiting = saga.waiting.expect("it says what it waits for");
    assert_eq!((waiting.step, waiting.direction, waiting.for_answer), (Step::Flight, Direction::Undo, false));
    assert!(saga.reason.is_some() && saga.next_wake_up.is_some());

    house.faults.insert((Step::Flight, Direction::Undo), TRIES_BEFORE_ATTENTION);
    house.run_to_attention(booking).await;
    house.resolve(booking, Resolution::GiveUp).await;
    house.catch_up(&reads).await;
    let trip = reads.booking(booking).await.expect("readable").expect("known");
    assert_eq!(trip.flight.expect("a flight").status, PartStatus::Booked, "it was reserved, and is left so");
    house.deliver_all().await;
    reads.wait_for(ProjectionName::Booking, house.last, crate::support::LIMIT).await.expect("it comes there");
    let saga = reads.saga(booking).await.expect("readable").expect("known");
    assert_eq!((saga.status, saga.waiting), (SagaStatus::Failed, None));
}
