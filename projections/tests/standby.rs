//! Two processes at the read models of one log: one folds, both answer.

use std::time::Duration;

use traveladvisor_domain::id::HotelId;
use traveladvisor_infra::event_log::{EventLog, PROJECTIONS};
use traveladvisor_projections::reads::{HotelSearch, Page, ReadError, Reads};
use traveladvisor_projections::runtime::rebuild::{REBUILD_BYTES_MAX, rollback};
use traveladvisor_projections::runtime::{Paused, ProjectionName, ProjectionState, Projectors, pause, resume};

use crate::rebuild::rebuild_some;
use crate::support::{House, LIMIT, hotel_details, room_type};

/// Another process: its own handle of the log, which hears nothing of appends by others.
fn process(house: &House) -> (Projectors, Reads) {
    let log = EventLog::new("public", house.database.pool.clone());
    let projectors = Projectors::start(log.clone());
    let reads = Reads::new(&log, &projectors);
    (projectors, reads)
}

async fn all_are(projectors: &Projectors, state: ProjectionState) {
    let waiting = async {
        while projectors.status().iter().any(|status| status.state != state) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let became = tokio::time::timeout(LIMIT, waiting).await;
    assert!(became.is_ok(), "they are {:?}", projectors.status());
}

async fn list(house: &mut House, number: u32) -> HotelId {
    let details = hotel_details(&number.to_string(), "Inn", "London", vec![room_type("DBL", 1, 100)]);
    house.list_hotel(details).await;
    HotelId::of("own", &number.to_string())
}

/// Which turn it is, and whether somebody has it.
async fn turn(house: &House) -> (u64, bool) {
    let owners = house.log.owners().await.expect("read");
    let owner = owners.into_iter().find(|owner| owner.name == PROJECTIONS).expect("there");
    (owner.epoch, owner.held.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_fold_still_answers_at_the_position_that_was_asked() {
    let mut house = House::new().await;
    let (owner, owners_reads) = process(&house);
    all_are(&owner, ProjectionState::Live).await;
    let (other, reads) = process(&house);
    all_are(&other, ProjectionState::Standby).await;
    for number in 0..5 {
        let hotel = list(&mut house, number).await;
        for reads in [&reads, &owners_reads] {
            reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
            assert!(reads.hotel(hotel).await.expect("read").is_some(), "hotel {number}");
        }
    }
    // Whoever waits for changes hears of them as well, and metrics follow without anybody waiting.
    let mut changes = reads.booking_changes();
    changes.borrow_and_update();
    list(&mut house, 9).await;
    tokio::time::timeout(LIMIT, changes.changed()).await.expect("in time").expect("alive");
    drop(changes);
    let followed = async {
        while other.positions().iter().any(|(_, position)| *position < house.last) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, followed).await.expect("it looks by itself");
    assert_eq!(turn(&house).await.0, 1, "nobody took anything away");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_is_followed_at_once_and_who_is_killed_when_its_lease_has_run_out() {
    let mut house = House::new().await;
    let (first, _) = process(&house);
    all_are(&first, ProjectionState::Live).await;
    let (second, _) = process(&house);
    let (third, reads) = process(&house);
    list(&mut house, 1).await;
    first.stop().await;
    list(&mut house, 2).await;
    // Either nobody has it any more, or another already has: nobody waits for a lease to run out.
    let (now, held) = turn(&house).await;
    assert!(!held || now == 2, "{now}, {held}");
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("another goes on");
    let one_is_live = async {
        while [&second, &third].iter().all(|projectors| projectors.status()[1].state != ProjectionState::Live) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, one_is_live).await.expect("one of them folds");
    // Whichever of the two it was: it goes without a word.
    let (folds, looks_on) =
        if second.status()[1].state == ProjectionState::Live { (second, third) } else { (third, second) };
    all_are(&folds, ProjectionState::Live).await;
    drop(folds);
    list(&mut house, 3).await;
    all_are(&looks_on, ProjectionState::Live).await;
    let reads = Reads::new(&house.log, &looks_on);
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it goes on");
    assert_eq!(reads.hotels(&HotelSearch::default(), &Page::default()).await.expect("read").items.len(), 3);
    assert_eq!(turn(&house).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_known_in_every_process_and_reads_go_on_until_it_is_resumed() {
    let mut house = House::new().await;
    let pool = house.database.pool.clone();
    assert_eq!(pause(&pool, "hotel_availability").await.expect("asked"), Paused::Unknown, "nobody has it yet");
    let (owner, owners_reads) = process(&house);
    all_are(&owner, ProjectionState::Live).await;
    let (other, reads) = process(&house);
    all_are(&other, ProjectionState::Standby).await;
    let known = list(&mut house, 1).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
    assert_eq!(pause(&pool, "hotel_availability").await.expect("asked"), Paused::Done);
    assert_eq!(pause(&pool, "hotel_availability").await.expect("asked"), Paused::Already);
    let later = list(&mut house, 2).await;
    // Nothing is written meanwhile: its owner hears of it all the same.
    for (projectors, reads) in [(&owner, &owners_reads), (&other, &reads)] {
        is(projectors, ProjectionState::Paused).await;
        assert!(reads.hotel(known).await.expect("read").is_some(), "what is there is served");
        assert!(reads.hotel(later).await.expect("read").is_none());
        let behind = reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await;
        let Err(ReadError::Behind { why: Some(why), .. }) = behind else { panic!("no use in waiting: {behind:?}") };
        assert!(why.contains("projections resume"), "{why}");
        reads.wait_for(ProjectionName::CarAvailability, house.last, LIMIT).await.expect("the others go on");
    }
    // Whoever takes over keeps it so.
    owner.stop().await;
    all_are_owned(&other).await;
    is(&other, ProjectionState::Paused).await;
    assert!(reads.hotel(later).await.expect("read").is_none());
    assert_eq!(resume(&pool, "hotel_availability").await.expect("asked"), Paused::Done);
    assert_eq!(resume(&pool, "hotel_availability").await.expect("asked"), Paused::Already);
    is(&other, ProjectionState::Live).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it goes on");
    assert!(reads.hotel(later).await.expect("read").is_some());
}

/// Waits until the projection of hotels is so.
async fn is(projectors: &Projectors, state: ProjectionState) {
    let waiting = async {
        while projectors.status()[1].state != state {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let became = tokio::time::timeout(LIMIT, waiting).await;
    assert!(became.is_ok(), "they are {:?}", projectors.status());
}

/// Waits until the projections, but for that of hotels, are followed here.
async fn all_are_owned(projectors: &Projectors) {
    let waiting = async {
        while projectors.status().iter().filter(|status| status.state == ProjectionState::Live).count()
            < ProjectionName::ALL.len() - 1
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let became = tokio::time::timeout(LIMIT, waiting).await;
    assert!(became.is_ok(), "they are {:?}", projectors.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_taken_away_during_a_turn_is_taken_back() {
    let mut house = House::new().await;
    let (owner, reads) = process(&house);
    all_are(&owner, ProjectionState::Live).await;
    list(&mut house, 1).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
    // As a former owner would that stood still right before it took the checkpoint over.
    sqlx::query("UPDATE projection_checkpoints SET epoch = epoch + 1")
        .execute(&house.database.pool)
        .await
        .expect("taken");
    list(&mut house, 2).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("the lease's owner goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rollback_nobody_is_answered_as_if_the_former_rows_were_as_far_as_the_others() {
    let mut house = House::new().await;
    let (owner, _owners_reads) = process(&house);
    all_are(&owner, ProjectionState::Live).await;
    let (other, reads) = process(&house);
    all_are(&other, ProjectionState::Standby).await;
    list(&mut house, 1).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
    rebuild_some(&house.log, &[ProjectionName::HotelAvailability], REBUILD_BYTES_MAX).await.expect("rebuilt");
    let later = list(&mut house, 2).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
    // The former rows stay where they are, so that there is time to look.
    pause(&house.database.pool, "hotel_availability").await.expect("asked");
    is(&other, ProjectionState::Paused).await;
    let back = rollback(&house.log, ProjectionName::HotelAvailability).await.expect("rolled back");
    assert!(back.position < house.last);
    let looks = async {
        while other.positions()[1].1 != back.position {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, looks).await.is_ok(), "it is said to be at {:?}", other.positions()[1]);
    let behind = reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await;
    assert!(matches!(behind, Err(ReadError::Behind { .. })), "{behind:?}");
    assert!(reads.hotel(later).await.expect("read").is_none());
    resume(&house.database.pool, "hotel_availability").await.expect("asked");
    is(&other, ProjectionState::Standby).await;
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there again");
    assert!(reads.hotel(later).await.expect("read").is_some());
}
