//! Whole trips, and many at once, while appends are cut.

use std::collections::HashSet;

use super::*;
use crate::support::card;

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_paid_by_card_is_charged_once_whichever_of_its_appends_is_cut() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    // The first append ends with the request for the charge, the second takes in the gateway's answer.
    for passes in 0..2 {
        for (n, step) in steps() {
            let struck = lab.proxy.arm(Fault::new(step, Fate::Closed).after(passes));
            let asked = request(book(trip(card("approves"))), Some(&format!("k{passes}-{n}")));
            let receipt = lab.engine.submit(asked).await.expect("accepted");
            assert!(receipt.changed, "append {passes}, {step:?}");
            let booking = booking_of(receipt);
            lab.until(async || lab.story(booking).await.contains(&"SagaSucceeded".to_owned())).await;
            tokio::time::timeout(AT_LAST, struck.wait()).await.expect("it was cut");
            let story = lab.story(booking).await;
            assert_eq!(story.len(), 13, "append {passes}, {step:?}: {story:?}");
        }
    }
    let charges: i64 = sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls WHERE kind = 'charge'")
        .fetch_one(lab.log.pool())
        .await
        .expect("counted");
    assert_eq!(charges, 2 * Step::ALL.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_batches_cut_again_and_again_answer_every_caller_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for passes in [0, 1, 0, 2] {
        for step in Step::ALL {
            lab.proxy.arm(Fault::new(step, Fate::Closed).after(passes));
        }
    }
    let mut bookings = HashSet::new();
    for round in 0..8 {
        let asked = (0..20).map(|n| lab.engine.submit(trip_under(&format!("k{round}-{n}"))));
        for answer in futures::future::join_all(asked).await {
            let receipt = answer.expect("booked");
            assert!(receipt.changed && bookings.insert(receipt.subject));
        }
    }
    let all = lab.all().await;
    assert_eq!(count(&all, StreamKind::Booking, "BookingRequested"), bookings.len());
    assert_eq!(count(&all, StreamKind::TripSaga, "SagaSucceeded"), bookings.len());
    assert_eq!(count(&all, StreamKind::Hotel, "RoomsReserved"), bookings.len());
}
