//! Copies of an append that arrive late: after the next copy, or while somebody holds the order lock.

use sqlx::Executor;

use super::*;

/// What an append waits for.
const ORDER_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('traveladvisor.log.' || current_schema(), 0))";

#[tokio::test(flavor = "multi_thread")]
async fn a_first_copy_that_arrives_after_the_second_changes_nothing() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in [(1, Step::RequestUnsent), (2, Step::RequestHalf)] {
        let lab = Lab::before(&database.options).await;
        let wanted = busy(number);
        let struck = lab.proxy.arm(Fault::new(step, Fate::Late));
        let first = first_of(&answered(lab.log.append(&wanted)).await);
        lab.others_go_on(&[stream(number * 10 + 1)]).await;
        let before = lab.all().await;
        struck.wait().await.deliver().await;
        assert_eq!(lab.all().await, before, "{step:?}: the late copy is recognised");
        lab.assert_once(&wanted, first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_proves_that_no_earlier_copy_can_ever_commit() {
    let database = TestDatabase::create(SCHEMA).await;
    for (number, step) in [(1, Step::RequestUnsent), (2, Step::RequestHalf)] {
        let lab = Lab::before(&database.options).await;
        let wanted = busy(number);
        let struck = lab.proxy.arm(Fault::new(step, Fate::Late).shutting());
        let asked = tokio::spawn({
            let (log, wanted) = (lab.log.clone(), wanted.clone());
            async move { log.append(&wanted).await }
        });
        let strike = struck.wait().await;
        lab.others_go_on(&[stream(number * 10 + 2)]).await;
        lab.proxy.open();
        let answer = answered(async { asked.await.expect("not broken off") }).await;
        assert!(matches!(answer, Appended::Conflicts(_)), "{step:?}: {answer:?}");
        strike.deliver().await;
        lab.assert_nothing_of(&wanted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_waits_for_its_turn_while_its_caller_is_gone_is_the_one_that_counts() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let mut holder = database.pool.begin().await.expect("a transaction");
    holder.execute(ORDER_LOCK).await.expect("the lock");
    let wanted = busy(1);
    let struck = lab.proxy.arm(Fault::new(Step::RequestWhole, Fate::Closed));
    let asked = tokio::spawn({
        let (log, wanted) = (lab.log.clone(), wanted.clone());
        async move { log.append(&wanted).await }
    });
    struck.wait().await;
    // Both copies are in the queue now.
    let waiting = async {
        let count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while sqlx::query_scalar::<_, i64>(count).fetch_one(&database.pool).await.expect("locks") < 2 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(AT_LAST, waiting).await.expect("both wait for the order lock");
    holder.rollback().await.expect("released");
    let first = first_of(&answered(async { asked.await.expect("not broken off") }).await);
    lab.assert_once(&wanted, first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_last_bytes_are_late_is_the_one_that_counts() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let wanted = busy(1);
    let struck = lab.proxy.arm(Fault::new(Step::RequestUnfinished, Fate::Late));
    let asked = tokio::spawn({
        let (log, wanted) = (lab.log.clone(), wanted.clone());
        async move { log.append(&wanted).await }
    });
    struck.wait().await.deliver().await;
    let first = first_of(&answered(async { asked.await.expect("not broken off") }).await);
    lab.assert_once(&wanted, first).await;
}
