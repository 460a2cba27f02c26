//! One owner at a time, and nothing of a former one can follow (L12).

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use traveladvisor_infra::event_log::{
    Append, Appended, CLAIM_EVERY, Conflict, EventLog, LEASE, Lease, PROJECTIONS, RELAY, RENEW_EVERY, Turn,
    UNHELD_PATIENCE,
};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// What holds the order lock in these tests.
const ORDER_LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('traveladvisor.log.' || current_schema(), 0))";

async fn log() -> (EventLog, TestDatabase) {
    let database = TestDatabase::create(SCHEMA).await;
    (EventLog::new("public", database.pool.clone()), database)
}

async fn next(lease: &Lease) -> Turn {
    let mut turns = lease.turns();
    tokio::time::timeout(AT_LAST, turns.next()).await.expect("a turn comes").expect("it competes")
}

async fn relay(log: &EventLog) -> (u64, bool) {
    let owners = log.owners().await.expect("read");
    let relay = owners.into_iter().find(|owner| owner.name == RELAY).expect("the relay");
    (relay.epoch, relay.held.is_some())
}

/// A process that competes, on a thread and connections of its own, and can be frozen.
struct Process {
    turn: Turn,
    thaw: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Process {
    /// Begins its turn and stands still.
    fn frozen_in_its_turn(options: PgConnectOptions) -> Self {
        let (thaw, thawed) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let log = EventLog::new("public", PgPool::connect_lazy_with(options));
                let lease = Lease::compete(&log, RELAY);
                let turn = next(&lease).await;
                tell.send(turn.clone()).expect("the test waits");
                // The only thread of its runtime: nothing of this process goes on.
                thawed.recv().expect("it is thawed");
                tokio::time::timeout(AT_LAST, turn.lost()).await.expect("it finds out");
                tell.send(next(&lease).await).ok();
            });
        });
        Self { turn: told.recv().expect("its turn"), thaw, thread }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_owner_is_none_by_its_own_clock_when_another_has_its_turn() {
    let (log, database) = log().await;
    let options = database.options.clone();
    let frozen = tokio::task::spawn_blocking(|| Process::frozen_in_its_turn(options)).await.expect("it begins");
    assert_eq!(relay(&log).await, (1, true));
    let lease = Lease::compete(&log, RELAY);
    let turn = next(&lease).await;
    assert_eq!(turn.epoch(), 2);
    assert!(!frozen.turn.is_held(), "asked while it stands still: its clock says so, no message does");
    frozen.thaw.send(()).expect("it is there");
    // It finds out, competes again, and its next turn is another one.
    tokio::time::sleep(CLAIM_EVERY * 3).await;
    assert!(turn.is_held(), "whoever comes back takes nothing away");
    lease.let_go().await;
    tokio::task::spawn_blocking(|| frozen.thread.join().expect("it goes on")).await.expect("joined");
    assert_eq!(relay(&log).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_over_waits_for_the_appends_before_it_and_binds_those_after_it() {
    let (log, database) = log().await;
    let mut holder = PgConnection::connect_with(&database.options).await.expect("a session");
    holder.execute(ORDER_LOCK).await.expect("the lock");
    let lease = Lease::compete(&log, RELAY);
    let mut turns = lease.turns();
    let early = tokio::time::timeout(Duration::from_millis(500), turns.next()).await;
    assert!(early.is_err(), "somebody may be in the middle of an append of the former owner's");
    assert_eq!(relay(&log).await, (0, false));
    holder.execute("SELECT pg_advisory_unlock_all()").await.expect("unlocked");
    assert_eq!(next(&lease).await.epoch(), 1);

    let carrying = |epochs: &[u64]| Append {
        owners: epochs.iter().map(|epoch| (RELAY.to_owned(), *epoch)).collect(),
        ..Append::default()
    };
    let passed = Conflict::Owner { name: RELAY.to_owned(), expected: 0 };
    assert_eq!(log.append(&carrying(&[0, 1])).await.expect("checked"), Appended::Conflicts(vec![passed]));
    assert_eq!(log.append(&carrying(&[1])).await.expect("checked"), Appended::Committed { first: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_turn_holds_no_append_up_and_takes_a_free_one_at_once() {
    let (log, database) = log().await;
    let first = Lease::compete(&log, RELAY);
    let turn = next(&first).await;
    let mut holder = PgConnection::connect_with(&database.options).await.expect("a session");
    holder.execute(ORDER_LOCK).await.expect("the lock");
    let second = Lease::compete(&log, RELAY);
    // While the order lock is taken: neither renewing nor asking in vain needs it.
    tokio::time::sleep(LEASE + RENEW_EVERY).await;
    assert!(turn.is_held());
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut holder).await.expect("read"), 0);
    holder.execute("SELECT pg_advisory_unlock_all()").await.expect("unlocked");

    first.let_go().await;
    assert!(!turn.is_held());
    // Free, not run out: nobody has to wait for a lease.
    let held_until: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("SELECT held_until FROM owners WHERE name = 'relay' AND epoch = 1")
            .fetch_optional(&mut holder)
            .await
            .expect("read")
            .flatten();
    assert_eq!(held_until, None);
    assert_eq!(next(&second).await.epoch(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_cost_no_turn() {
    let (log, database) = log().await;
    let lease = Lease::compete(&log, RELAY);
    let turn = next(&lease).await;
    for _ in 0..4 {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(sql).execute(&database.pool).await.expect("terminated");
        tokio::time::sleep(RENEW_EVERY).await;
    }
    assert!(turn.is_held());
    assert_eq!(relay(&log).await, (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_cannot_renew_stops_by_itself_and_goes_on_in_a_new_turn() {
    let (log, database) = log().await;
    let lease = Lease::compete(&log, RELAY);
    let turn = next(&lease).await;
    let mut blocker = database.pool.begin().await.expect("a transaction");
    blocker.execute("SELECT FROM owners WHERE name = 'relay' FOR UPDATE").await.expect("locked");
    tokio::time::timeout(AT_LAST, turn.lost()).await.expect("nobody told it, its clock did");
    blocker.rollback().await.expect("unlocked");
    assert_eq!(next(&lease).await.epoch(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_does_not_keep_everybody_out() {
    let (log, database) = log().await;
    sqlx::query("UPDATE owners SET epoch = 7, holder = 'gone', held_until = clock_timestamp() + interval '1 hour'")
        .execute(&database.pool)
        .await
        .expect("set");
    assert_eq!(next(&Lease::compete(&log, RELAY)).await.epoch(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposed_owner_moves_no_checkpoint() {
    let (log, _database) = log().await;
    let lease = Lease::compete(&log, RELAY);
    let epoch = next(&lease).await.epoch();
    assert_eq!(log.move_offset(RELAY, epoch - 1, 0, 5).await.expect("asked"), Some(0));
    assert_eq!(log.move_offset(RELAY, epoch, 0, 5).await.expect("asked"), None);
    assert_eq!(log.consumed_offset(RELAY).await.expect("read"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_owned_for_long_is_known() {
    let (log, database) = log().await;
    assert_eq!(log.unheld().await.expect("read"), [PROJECTIONS, RELAY], "nobody ever has");
    let relay = Lease::compete(&log, RELAY);
    next(&relay).await;
    assert_eq!(log.unheld().await.expect("read"), [PROJECTIONS]);
    for (ago, expected) in [(LEASE, Vec::new()), (UNHELD_PATIENCE * 2, vec![PROJECTIONS])] {
        sqlx::query("UPDATE owners SET held_until = clock_timestamp() - $1 WHERE name = 'projections'")
            .bind(ago)
            .execute(&database.pool)
            .await
            .expect("set");
        assert_eq!(log.unheld().await.expect("read"), expected, "{ago:?} after the lease has run out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_has_deleted_keeps_nobody_out_and_no_epoch_comes_twice() {
    let (log, database) = log().await;
    let first = Lease::compete(&log, RELAY);
    let before = next(&first).await.epoch();
    drop(first);
    database.pool.execute("DELETE FROM owners WHERE name = 'relay'").await.expect("deleted");
    let second = Lease::compete(&log, RELAY);
    assert!(next(&second).await.epoch() > before);
}
