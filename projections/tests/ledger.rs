//! The ledger: what was taken for each trip and given back.

use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::{PaymentPlan, Step};
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_domain::trip_saga::steps::{TRIES_BEFORE_ATTENTION, TRIES_MAX};
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::Projectors;

use crate::support::{House, PLENTY, card, gbp};

async fn asked(payment: PaymentPlan) -> (House, BookingId, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, payment).await;
    let (projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    (house, booking, projectors, reads)
}

/// Taken, given back, kept, in minor units of the one currency; nothing when no money moved. The log says the same.
async fn money(house: &House, reads: &Reads, booking: BookingId) -> Option<(i64, i64, i64)> {
    house.catch_up(reads).await;
    let balances = reads.ledger_balances().await.expect("readable");
    assert!(balances.iter().all(traveladvisor_projections::views::LedgerBalance::is_even), "{balances:?}");
    let entries = reads.payment_ledger(booking).await.expect("readable");
    assert!(entries.len() <= 1 && balances.len() == entries.len());
    let entry = entries.first()?;
    assert_eq!(entry.charged.currency, gbp(0).currency);
    Some((entry.charged.minor, entry.refunded.minor, entry.kept().minor))
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_in_the_ledger_once_it_was_taken_and_until_it_was_given_back() {
    let (mut house, booking, _projectors, reads) = asked(card()).await;
    house.deliver_until("PaymentRequested").await;
    assert_eq!(money(&house, &reads, booking).await, None, "asked for is not taken");
    house.deliver_all().await;
    assert_eq!(money(&house, &reads, booking).await, Some((64_000, 0, 64_000)));
    house.cancel(booking).await;
    house.deliver_until("RefundRequested").await;
    assert_eq!(money(&house, &reads, booking).await, Some((64_000, 0, 64_000)), "promised is not given back");
    house.deliver_all().await;
    assert_eq!(money(&house, &reads, booking).await, Some((64_000, 64_000, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_money_moves_at_the_counter_or_when_the_card_is_declined() {
    let (mut house, booking, _projectors, reads) = asked(PaymentPlan::None).await;
    house.deliver_all().await;
    assert_eq!(money(&house, &reads, booking).await, None, "it stands and is paid later");
    house.cancel(booking).await;
    house.deliver_all().await;
    assert_eq!(money(&house, &reads, booking).await, None);
    let (mut house, booking, _projectors, reads) = asked(card()).await;
    let failure = Failure::new(Code::PaymentDeclined, "The card was declined: use another one.");
    house.gateway.push_back(GatewayOutcome::Refused(failure));
    house.deliver_all().await;
    assert_eq!(money(&house, &reads, booking).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_finds_in_the_gateways_records_counts_as_what_the_gateway_says() {
    for (found, taken) in [
        (Resolution::MarkDone { reference: "ch_seen".into() }, Some((64_000, 0, 64_000))),
        (Resolution::MarkUndone, None),
    ] {
        let (mut house, booking, _projectors, reads) = asked(card()).await;
        house.silent = TRIES_MAX;
        house.run_to_attention(booking).await;
        assert_eq!(money(&house, &reads, booking).await, None, "nobody knows yet");
        house.resolve(booking, found.clone()).await;
        house.deliver_all().await;
        assert_eq!(money(&house, &reads, booking).await, taken, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_by_other_means_is_given_back_and_one_that_is_given_up_is_kept() {
    for (verb, expected) in [(Resolution::MarkUndone, (64_000, 64_000, 0)), (Resolution::GiveUp, (64_000, 0, 64_000))] {
        let (mut house, booking, _projectors, reads) = asked(card()).await;
        house.deliver_all().await;
        house.cancel(booking).await;
        let failure = Failure::new(Code::Unavailable, "The gateway did not answer.");
        house.gateway.extend((0..TRIES_BEFORE_ATTENTION).map(|_| GatewayOutcome::Faulted(failure.clone())));
        house.run_to_attention(booking).await;
        assert_eq!(money(&house, &reads, booking).await, Some((64_000, 0, 64_000)), "it could not be given back");
        house.resolve(booking, verb.clone()).await;
        house.deliver_all().await;
        assert_eq!(money(&house, &reads, booking).await, Some(expected), "{verb:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_late_for_a_trip_that_was_cancelled_comes_and_goes() {
    let (mut house, booking, _projectors, reads) = asked(card()).await;
    house.faults.insert((Step::Payment, Direction::Undo), 1);
    house.deliver_until("PaymentRequested").await;
    house.cancel(booking).await;
    for _ in 0..20 {
        house.deliver_all().await;
        house.wake(booking).await;
    }
    assert_eq!(money(&house, &reads, booking).await, Some((64_000, 64_000, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_lacks_a_penny_is_uneven() {
    let (mut house, booking, _projectors, reads) = asked(card()).await;
    house.deliver_all().await;
    assert!(money(&house, &reads, booking).await.is_some());
    for spoilt in ["charged_minor = charged_minor - 1", "refunded_minor = 1", "currency = 'EUR'"] {
        let sql = format!("UPDATE payment_ledger SET {spoilt}");
        sqlx::query(&sql).execute(house.log.pool()).await.expect("spoilt");
        let balances = reads.ledger_balances().await.expect("readable");
        assert!(balances.iter().any(|balance| !balance.is_even()), "{spoilt}: {balances:?}");
        let whole = "UPDATE payment_ledger SET charged_minor = 64000, refunded_minor = 0, currency = 'GBP'";
        sqlx::query(whole).execute(house.log.pool()).await.expect("mended");
    }
}
