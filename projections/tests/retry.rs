//! What was set aside is tried again: in order, exactly once, beside whoever follows the log.

use traveladvisor_infra::event_log::{Lease, PROJECTIONS, Position};
use traveladvisor_projections::runtime::{
    ProjectionName, ProjectionState, Projector, RETRY_EVENTS_MAX, Retried, RetryError, Tail, retry, retry_parked,
};

use crate::dead_letters::{Fussy, Mood, change, fussy_house, inn, leave_room, letters, run, start, told};
use crate::runtime::{becomes, fill, reaches};
use crate::support::House;

/// A projector as the program runs it: what is taken away from it, it takes back.
pub(crate) fn start_in_turns(house: &House, fussy: &Fussy) -> (Projector, Lease) {
    let lease = Lease::compete(&house.log, PROJECTIONS);
    (Projector::in_turns(fussy.clone(), Tail::new(house.log.clone()), lease.turns()), lease)
}

fn done(number: u32, taken_in: u64) -> Retried {
    Retried { key: inn(number).stream(), taken_in, left: 0, reason: None }
}

fn stays(number: u32, taken_in: u64, left: u64, reason: &str) -> Retried {
    Retried { key: inn(number).stream(), taken_in, left, reason: Some(reason.to_owned()) }
}

fn sorted(mut retried: Vec<Retried>) -> Vec<Retried> {
    retried.sort_by_key(|retried| retried.key);
    retried
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_program_is_mended_what_waited_is_taken_in_in_order_and_once() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    fussy.has_against(Position(2), Mood::Errs);
    fussy.has_against(Position(5), Mood::Panics);
    fill(&mut house, 0..4).await;
    for number in [1, 1, 2, 1] {
        change(&mut house, number).await;
    }
    let (projector, lease) = start_in_turns(&house, &fussy);
    reaches(&projector, house.last).await;
    assert_eq!(told(&house, None).await, [1, 3, 4, 7]);
    // As before: nothing is lost by trying.
    let tried = retry(&fussy, &house.log, None).await.expect("tried");
    assert_eq!(tried, [stays(1, 0, 4, "not to its taste")]);
    fussy.is_mended();
    fussy.has_against(Position(6), Mood::Errs);
    let tried = retry(&fussy, &house.log, None).await.expect("tried");
    assert_eq!(tried, [stays(1, 2, 2, "not to its taste")], "as far as it goes");
    fussy.is_mended();
    assert_eq!(retry(&fussy, &house.log, None).await.expect("tried"), [done(1, 2)]);
    assert_eq!(told(&house, Some(1)).await, [2, 5, 6, 8]);
    assert_eq!(letters(&house, "fussy").await, []);
    assert_eq!(retry(&fussy, &house.log, None).await.expect("tried"), []);
    // And its owner goes on with the key.
    change(&mut house, 1).await;
    reaches(&projector, house.last).await;
    assert_eq!(told(&house, Some(1)).await, [2, 5, 6, 8, 9]);
    lease.let_go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_events_of_a_key_that_is_being_retried_never_overtake_those_that_waited() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    fussy.has_against(Position(2), Mood::Errs);
    fill(&mut house, 0..3).await;
    let (projector, lease) = start_in_turns(&house, &fussy);
    for _ in 0..30 {
        change(&mut house, 1).await;
    }
    reaches(&projector, house.last).await;
    fussy.is_mended();
    let (log, mended) = (house.log.clone(), fussy.clone());
    let retrying = tokio::spawn(async move {
        for _ in 0..5 {
            retry(&mended, &log, None).await.expect("tried");
        }
    });
    for _ in 0..60 {
        change(&mut house, 1).await;
        change(&mut house, 2).await;
    }
    retrying.await.expect("tried");
    reaches(&projector, house.last).await;
    // What the owner still set aside by what it knew before.
    retry(&fussy, &house.log, None).await.expect("tried");
    for number in [1, 2] {
        let took = told(&house, Some(number)).await;
        let sql = "SELECT position FROM events WHERE aggregate_id = $1 ORDER BY position";
        let written: Vec<i64> = sqlx::query_scalar(sql)
            .bind(inn(number).to_string())
            .fetch_all(&house.database.pool)
            .await
            .expect("the database answers");
        assert_eq!(took, written, "hotel {number}");
    }
    lease.let_go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_alone_can_be_tried_and_more_than_a_page_of_it() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    fussy.has_against(Position(1), Mood::Errs);
    fussy.has_against(Position(2), Mood::Errs);
    fill(&mut house, 0..2).await;
    let more = i64::try_from(RETRY_EVENTS_MAX).expect("few") * 2;
    // The same hotel changing over and over, written by hand: this test is about numbers, not about deciding.
    run(
        &house,
        &format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
             SELECT aggregate_type, aggregate_id, sequence + n, event_type, event_version, payload, metadata, recorded_at \
               FROM events, generate_series(1, {more}) n WHERE position = 1"
        ),
    )
    .await;
    house.last = house.log.head().await.expect("the head");
    let projector = start(&house, &fussy);
    reaches(&projector, house.last).await;
    fussy.is_mended();
    let count = more.unsigned_abs() + 1;
    assert_eq!(retry(&fussy, &house.log, Some(inn(0).stream())).await.expect("tried"), [done(0, count)]);
    assert_eq!(letters(&house, "fussy").await.len(), 1, "the other still waits");
    assert_eq!(retry(&fussy, &house.log, None).await.expect("tried"), [done(1, 1)]);
    assert_eq!(told(&house, None).await.len() as u64, count + 1);
    assert!(told(&house, Some(0)).await.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_still_refuses_stays_and_the_others_are_taken_in() {
    let mut house = fussy_house().await;
    run(&house, "ALTER TABLE told ADD CHECK (position NOT IN (2, 3, 4))").await;
    fill(&mut house, 0..5).await;
    change(&mut house, 2).await;
    let fussy = Fussy::default();
    let projector = start(&house, &fussy);
    reaches(&projector, house.last).await;
    run(&house, "ALTER TABLE told DROP CONSTRAINT told_position_check; ALTER TABLE told ADD CHECK (position <> 3)")
        .await;
    let tried = sorted(retry(&fussy, &house.log, None).await.expect("tried"));
    let refused = "the database refuses what it makes: SQLSTATE 23514";
    assert_eq!(tried, sorted(vec![done(1, 1), stays(2, 0, 2, refused), done(3, 1)]));
    assert_eq!(told(&house, None).await, [1, 5, 2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_makes_room_lets_a_full_projection_go_on_by_itself() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    leave_room(&house, 1).await;
    fussy.has_against(Position(2), Mood::Errs);
    fill(&mut house, 0..3).await;
    change(&mut house, 1).await;
    let (projector, lease) = start_in_turns(&house, &fussy);
    becomes(|| projector.status(), ProjectionState::Paused).await;
    fussy.is_mended();
    assert_eq!(retry(&fussy, &house.log, Some(inn(1).stream())).await.expect("tried"), [done(1, 1)]);
    reaches(&projector, house.last).await;
    assert_eq!(told(&house, Some(1)).await, [2, 4]);
    lease.let_go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_version_or_of_nobody_are_not_retried() {
    let house = House::new().await;
    let unknown = retry_parked(&house.log, ProjectionName::Booking, None).await;
    assert!(matches!(unknown, Err(RetryError::Unknown("booking"))), "{unknown:?}");
    run(&house, "INSERT INTO projection_checkpoints (name, version, position, epoch) VALUES ('booking', 99, 0, 1)")
        .await;
    let other = retry_parked(&house.log, ProjectionName::Booking, None).await;
    assert!(matches!(other, Err(RetryError::OtherVersion { found: 99, .. })), "{other:?}");
}
