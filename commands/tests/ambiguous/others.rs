//! Another process goes on from what was committed before its answer is asked for again.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_stood_is_told_so_though_others_have_changed_the_same_since() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let hotel = hotel_id().stream();
    for (n, step) in steps() {
        lab.catch_up(&format!("before {n}")).await;
        let version = lab.version(hotel).await;
        let theirs = async {
            for more in [100 + n, 200 + n] {
                lab.others.submit(rooms(more, None)).await.expect("changed by others");
            }
        };
        let answer = lab.ask_cut_while(step, rooms(n, Some(version)), theirs).await;
        let story = lab.stream(hotel).await;
        let after = &story[usize::try_from(version).expect("few")..];
        if step.reaches_the_server() {
            let done = answer.expect("it had been changed");
            assert_eq!((done.changed, done.position), (true, after[0].position), "{step:?}");
            assert_eq!(after.len(), 3, "{step:?}");
        } else {
            assert_eq!(answer.expect_err("others were first").code, Code::VersionConflict, "{step:?}");
            assert_eq!(after.len(), 2, "{step:?}: nothing of it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_cancellations_counts_and_both_are_told_the_truth() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        let booking = booking_of(lab.engine.submit(trip_under(&format!("k{n}"))).await.expect("booked"));
        let version = lab.version(booking.stream()).await;
        let theirs = async {
            let answer = lab.others.submit(cancel(booking, version)).await.expect("cancelled");
            assert_eq!(answer.changed, !step.reaches_the_server(), "{step:?}");
        };
        let ours = lab.ask_cut_while(step, cancel(booking, version), theirs).await.expect("cancelled");
        assert_eq!(ours.changed, step.reaches_the_server(), "{step:?}");
        lab.until(async || lab.story(booking).await.contains(&"SagaCompensated".to_owned())).await;
        let requested = lab.story(booking).await.into_iter().filter(|name| name == "CancellationRequested");
        assert_eq!(requested.count(), 1, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_is_booked_once_though_others_have_booked_the_same_things_since() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        lab.catch_up(&format!("before {n}")).await;
        let theirs = async {
            lab.others.submit(trip_under(&format!("theirs {n}"))).await.expect("booked by others");
        };
        let ours = lab.ask_cut_while(step, trip_under(&format!("ours {n}")), theirs).await.expect("booked");
        assert!(ours.changed, "{step:?}");
        assert_eq!(lab.story(booking_of(ours)).await.len(), 13, "{step:?}");
        assert_eq!(count(&lab.all().await, StreamKind::Booking, "BookingRequested"), 3 * n as usize, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_asked_elsewhere_before_the_answer_arrives_is_the_same_booking() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        lab.catch_up(&format!("before {n}")).await;
        let key = format!("k{n}");
        let mut elsewhere = None;
        let theirs = async { elsewhere = Some(lab.others.submit(trip_under(&key)).await.expect("booked")) };
        let ours = lab.ask_cut_while(step, trip_under(&key), theirs).await.expect("booked");
        let theirs = elsewhere.expect("answered");
        assert_eq!((ours.subject, ours.position), (theirs.subject, theirs.position), "{step:?}");
        assert_eq!((ours.changed, theirs.changed), (step.reaches_the_server(), !step.reaches_the_server()), "{step:?}");
        assert_eq!(count(&lab.all().await, StreamKind::Booking, "BookingRequested"), 2 * n as usize, "{step:?}");
    }
}
