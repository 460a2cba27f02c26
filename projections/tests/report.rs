//! How the projections are doing, as another process reads it.

use std::time::Duration;

use traveladvisor_projections::hotel_availability::HotelAvailability;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::{
    LAG_COUNTED_MAX, Projection, ProjectionName, ProjectionReport, Projectors, parked_keys, pause, reports,
    retry_parked,
};

use crate::dead_letters::{change, inn, run};
use crate::runtime::fill;
use crate::support::{House, LIMIT};

async fn hotels(house: &House) -> ProjectionReport {
    let reports = reports(&house.database.pool).await.expect("the database answers");
    assert_eq!(reports.iter().map(|report| report.name).collect::<Vec<_>>(), ProjectionName::ALL);
    let is_it = |report: &ProjectionReport| report.name == ProjectionName::HotelAvailability;
    reports.into_iter().find(is_it).expect("it is among them")
}

/// Waits until the report says so.
async fn until(house: &House, says: impl Fn(&ProjectionReport) -> bool) -> ProjectionReport {
    let waiting = async {
        loop {
            let report = hotels(house).await;
            if says(&report) {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("it comes to say so")
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_what_is_behind_what_cannot_be_taken_in_and_why() {
    let mut house = House::new().await;
    let report = hotels(&house).await;
    assert_eq!((report.state, report.version, report.lag_events, report.lag_ms), ("unowned", None, 0, 0));
    fill(&mut house, 0..3).await;
    let report = hotels(&house).await;
    assert_eq!((report.state, report.position.0, report.head, report.lag_events), ("unowned", 0, house.last, 3));
    let guilty = house.append_raw(inn(1).stream(), "RoomsDanced", r#"{"RoomsDanced":{"who":"ada@"}}"#.into()).await;
    change(&mut house, 1).await;
    let (projectors, _) = house.read().await;
    let report = until(&house, |report| report.state == "live" && report.last_error.is_some()).await;
    assert_eq!(
        (report.version, report.generation, report.lag_events, report.lag_ms),
        (Some(HotelAvailability::VERSION), 1, 0, 0)
    );
    assert_eq!((report.position, report.dead_letters, report.waiting), (house.last, 1, 1));
    let (error, _) = report.last_error.expect("an error");
    assert!(error.contains(&guilty.to_string()) && !error.contains("ada@"), "{error}");
    assert_eq!((report.former, report.rebuild), (None, None));
    let keys = parked_keys(&house.database.pool, ProjectionName::HotelAvailability, 5).await.expect("read");
    let [key] = &keys[..] else { panic!("{keys:?}") };
    assert_eq!((key.key, key.events, key.position), (inn(1).stream(), 2, guilty));
    assert_eq!(key.event_type, "RoomsDanced");
    assert!(!key.reason.contains("ada@"), "{}", key.reason);
    let retried = retry_parked(&house.log, ProjectionName::HotelAvailability, None).await.expect("tried");
    assert_eq!(retried.iter().map(|retried| (retried.taken_in, retried.left)).collect::<Vec<_>>(), [(0, 2)]);

    pause(&house.database.pool, "hotel_availability").await.expect("asked");
    let paused = hotels(&house).await;
    assert_eq!(paused.state, "paused");
    assert!(paused.reason.is_some_and(|reason| reason.contains("resume")));
    projectors.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_told_while_it_moves_and_none_when_it_rests() {
    let mut house = House::new().await;
    let projectors = Projectors::start(house.log.clone());
    let reads = Reads::new(&house.log, &projectors);
    fill(&mut house, 0..30).await;
    let moving = until(&house, |report| report.events_per_second > 0.0).await;
    assert_eq!(moving.state, "live");
    reads.wait_for(ProjectionName::HotelAvailability, house.last, LIMIT).await.expect("it comes there");
    let resting = until(&house, |report| report.events_per_second == 0.0).await;
    assert_eq!(resting.lag_events, 0);
    projectors.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_far_behind_is_counted_up_to_a_bound() {
    let mut house = House::new().await;
    fill(&mut house, 0..1).await;
    let sql = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         SELECT aggregate_type, aggregate_id, sequence + n, event_type, event_version, payload, metadata, \
                recorded_at - interval '1 hour' \
           FROM events, generate_series(1, {}) n WHERE position = 1",
        LAG_COUNTED_MAX + 5
    );
    run(&house, &sql).await;
    run(
        &house,
        "INSERT INTO projection_checkpoints (name, version, position, epoch) VALUES ('hotel_availability', 1, 1, 1)",
    )
    .await;
    let report = hotels(&house).await;
    assert_eq!(report.lag_events, LAG_COUNTED_MAX);
    assert!(report.lag_ms >= 3_600_000, "by the oldest that is not taken in: {}", report.lag_ms);
}
