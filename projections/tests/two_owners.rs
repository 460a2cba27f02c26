//! Two owners after a pause: one that stood still in the middle of its work goes on as if no time had passed.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::{oneshot, watch};
use traveladvisor_infra::event_log::{EventLog, Lease, PROJECTIONS, Position};
use traveladvisor_infra::postgres::pool;
use traveladvisor_projections::runtime::{Projector, Tail};

use crate::dead_letters::{Fussy, change, fussy_house, letters, run, told};
use crate::retry::start_in_turns;
use crate::runtime::{fill, reaches};
use crate::support::{House, LIMIT};

/// Rows can be written while nobody holds this lock alone.
const HOLD: &str = "SELECT pg_advisory_lock(4711)";
const HELD_UP: &str = "CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$ \
     BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$; \
     CREATE TRIGGER holds_up AFTER INSERT ON told FOR EACH STATEMENT EXECUTE FUNCTION hold_up()";

/// A process with one thread and connections of its own: when that stands still, nothing of it goes on, neither rows nor lease.
struct Process {
    freeze: oneshot::Sender<()>,
    frozen: mpsc::Receiver<()>,
    thaw: mpsc::Sender<()>,
    end: oneshot::Sender<()>,
    positions: watch::Receiver<Position>,
    thread: JoinHandle<()>,
}

impl Process {
    fn start(options: PgConnectOptions) -> Self {
        let ((freeze, freezes), (end, ends)) = (oneshot::channel(), oneshot::channel());
        let ((tell, frozen), (thaw, thawed), (hand, handed)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let log = EventLog::new("public", pool(options));
                let lease = Lease::compete(&log, PROJECTIONS);
                let projector = Projector::in_turns(Fussy::default(), Tail::new(log), lease.turns());
                hand.send(projector.positions()).expect("the test waits");
                freezes.await.expect("it is frozen once");
                tell.send(()).expect("the test waits");
                thawed.recv().expect("it is thawed");
                ends.await.expect("it ends");
                projector.stop().await;
                lease.let_go().await;
            });
        });
        Self { freeze, frozen, thaw, end, positions: handed.recv().expect("it starts"), thread }
    }
}

async fn until(house: &House, sql: &str) {
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&house.database.pool).await.expect("the database answers") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, asked).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_after_a_pause_take_every_event_in_once_and_in_order() {
    let mut house = fussy_house().await;
    run(&house, HELD_UP).await;
    fill(&mut house, 0..3).await;
    let options = house.database.options.clone();
    let mut former = tokio::task::spawn_blocking(|| Process::start(options)).await.expect("it starts");
    let began = tokio::time::timeout(LIMIT, former.positions.wait_for(|reached| reached.0 == 3));
    began.await.expect("in time").expect("alive");

    // It stands still with rows written and not committed.
    let mut holder = PgConnection::connect_with(&house.database.options).await.expect("a session");
    holder.execute(HOLD).await.expect("held");
    change(&mut house, 1).await;
    until(
        &house,
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')",
    )
    .await;
    former.freeze.send(()).expect("it is there");
    let frozen = former.frozen;
    tokio::task::spawn_blocking(move || frozen.recv().expect("it stands still")).await.expect("joined");
    holder.close().await.expect("let go");

    let (owner, lease) = start_in_turns(&house, &Fussy::default());
    change(&mut house, 2).await;
    reaches(&owner, house.last).await;
    former.thaw.send(()).expect("it is there");
    for number in [1, 2, 0, 1] {
        change(&mut house, number).await;
    }
    reaches(&owner, house.last).await;
    let all: Vec<i64> = (1..=house.last.0.cast_signed()).collect();
    assert_eq!(told(&house, None).await, all);

    // And it is of use again: it takes its turn when the other has gone.
    owner.stop().await;
    lease.let_go().await;
    let last = change(&mut house, 1).await;
    let goes_on = tokio::time::timeout(LIMIT, former.positions.wait_for(|reached| *reached == last)).await;
    goes_on.expect("in time").expect("alive");
    let all: Vec<i64> = (1..=house.last.0.cast_signed()).collect();
    assert_eq!(told(&house, None).await, all);
    assert_eq!(letters(&house, "fussy").await, []);
    former.end.send(()).expect("it is there");
    tokio::task::spawn_blocking(|| former.thread.join().expect("it ends well")).await.expect("joined");
}
