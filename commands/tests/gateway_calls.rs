//! What leaves the process for the gateway: only what is durable, one call of a payment at a time, and never a blind repeat (L16).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use secrecy::SecretString;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, SandboxGateway, TokeniseError, UnknownOutcome};

use crate::crowd::{AT_LAST, THIRTEEN, list_plenty};
use crate::support::{World, book, card, request, trip};

/// Something that is asked of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Call,
    LookUp,
}

/// The sandbox, watched: each question of a payment is checked and written down.
struct Watched {
    sandbox: SandboxGateway,
    pool: sqlx::PgPool,
    asked: Mutex<HashMap<String, Vec<Asked>>>,
    /// Payments that are being asked about.
    open: Mutex<HashMap<String, usize>>,
    /// More than one question of a payment at a time.
    overlaps: AtomicUsize,
    /// Calls whose event was not in the log.
    undurable: AtomicUsize,
    /// The effect is done and its answer lost.
    loses_answers: AtomicBool,
    /// Nobody can tell what came of a call.
    cannot_tell: AtomicBool,
    /// Nothing is sent.
    is_away: AtomicBool,
}

impl Watched {
    fn of(world: &World) -> Arc<Self> {
        let pool = world.log.pool().clone();
        Arc::new(Self {
            sandbox: SandboxGateway::new(pool.clone()),
            pool,
            asked: Mutex::default(),
            open: Mutex::default(),
            overlaps: AtomicUsize::default(),
            undurable: AtomicUsize::default(),
            loses_answers: AtomicBool::default(),
            cannot_tell: AtomicBool::default(),
            is_away: AtomicBool::default(),
        })
    }

    /// What was asked under this key, in order.
    fn asked(&self, key: &str) -> Vec<Asked> {
        self.asked.lock().expect("whole").get(key).cloned().unwrap_or_default()
    }

    async fn is_durable(&self, key: &str) -> bool {
        let payment = payment_of(key);
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM events WHERE aggregate_type = 'payment' AND aggregate_id = $1 \
               AND event_type IN ('PaymentRequested', 'RefundRequested') AND payload::text LIKE '%\"' || $2 || '\"%')",
        )
        .bind(payment)
        .bind(key)
        .fetch_one(&self.pool)
        .await
        .expect("the log is read")
    }

    /// Counts it as open until the guard goes.
    fn opened(&self, key: &str, asked: Asked) -> Open<'_> {
        self.asked.lock().expect("whole").entry(key.to_owned()).or_default().push(asked);
        let payment = payment_of(key).to_owned();
        let mut open = self.open.lock().expect("whole");
        let others = open.entry(payment.clone()).or_default();
        self.overlaps.fetch_add(usize::from(*others > 0), Ordering::SeqCst);
        *others += 1;
        Open(self, payment)
    }
}

struct Open<'w>(&'w Watched, String);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.0.open.lock().expect("whole").get_mut(&self.1) {
            *open -= 1;
        }
    }
}

fn payment_of(key: &str) -> &str {
    key.split_once('/').expect("a payment and what is asked").0
}

impl PaymentGateway for Watched {
    fn tokenise<'a>(&'a self, number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        self.sandbox.tokenise(number)
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        async move {
            let _open = self.opened(&call.key, Asked::Call);
            if !self.is_durable(&call.key).await {
                self.undurable.fetch_add(1, Ordering::SeqCst);
            }
            if self.is_away.load(Ordering::SeqCst) {
                return Err(CallError::NotSent("nobody listens".into()));
            }
            // Before its effect can be seen: who sees it may want the next answers to come.
            let is_lost = self.loses_answers.load(Ordering::SeqCst);
            let outcome = self.sandbox.call(call, expires_at).await?;
            if is_lost {
                return Err(CallError::Unknown("the answer was lost".into()));
            }
            Ok(outcome)
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        async move {
            let _open = self.opened(key, Asked::LookUp);
            // So that two at a time would be seen.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.cannot_tell.load(Ordering::SeqCst) {
                return Err(UnknownOutcome("nobody can tell".into()));
            }
            self.sandbox.look_up(key).await
        }
        .boxed()
    }

    fn request_lifetime(&self) -> Duration {
        self.sandbox.request_lifetime()
    }
}

/// Books so many trips by card at once.
async fn book_all(world: &World, name: &str, trips: usize) -> Vec<BookingId> {
    let asked = (0..trips)
        .map(|n| world.engine.submit(request(book(trip(card("approves"))), Some(&format!("{name}-{n}")))))
        .collect::<Vec<_>>();
    join_all(asked).await.into_iter().map(|answer| BookingId(answer.expect("accepted").subject.uuid)).collect()
}

async fn begin(faults: Faults) -> (World, Arc<Watched>) {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 200).await;
    let gateway = Watched::of(&world);
    restart(&mut world, &gateway, faults).await;
    // What stands in the log when the turn begins counts as sent before: from here on calls are new.
    let first = world.book("first", card("declines")).await.expect("accepted");
    world.until(first, &["SagaCompensated"]).await;
    gateway.asked.lock().expect("whole").clear();
    (world, gateway)
}

async fn restart(world: &mut World, gateway: &Arc<Watched>, faults: Faults) {
    let ports = Ports { gateway: gateway.clone(), ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, faults).await;
}

/// What the gateway has taken and given back, in its own words.
async fn ledger(world: &World) -> (i64, i64) {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE kind = 'charge' AND outcome = 'done'), \
                count(*) FILTER (WHERE kind = 'refund' AND outcome = 'done') FROM sandbox_gateway_calls",
    )
    .fetch_one(world.log.pool())
    .await
    .expect("the ledger is read")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_called_only_once_the_event_that_asks_for_it_is_durable() {
    let (world, gateway) = begin(Faults::default()).await;
    let trips = book_all(&world, "durable", 100).await;
    for booking in &trips {
        assert_eq!(world.until(*booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    for booking in &trips[..20] {
        let cancel = CallerCommand::CancelBooking { booking: *booking, reason: None };
        world.submit(cancel, None).await.expect("cancelled");
        world.until(*booking, &["SagaCompensated"]).await;
    }
    assert_eq!(gateway.undurable.load(Ordering::SeqCst), 0);
    assert_eq!(ledger(&world).await, (100, 20));
    let keys = gateway.asked.lock().expect("whole").clone();
    assert!(keys.values().all(|asked| *asked == [Asked::Call]), "each is called once and needs no question: {keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_looked_up_and_no_card_charged_twice() {
    let (world, gateway) = begin(Faults::default()).await;
    gateway.loses_answers.store(true, Ordering::SeqCst);
    let trips = book_all(&world, "lost", 20).await;
    for booking in &trips {
        assert_eq!(world.until(*booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    assert_eq!(ledger(&world).await, (20, 0));
    for booking in trips {
        assert_eq!(gateway.asked(&format!("{}/charge/1", booking.payment())), [Asked::Call, Asked::LookUp]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_process_died_are_looked_up_first_and_one_at_a_time() {
    let (mut world, gateway) = begin(Faults::default()).await;
    // Their effect is done; nobody learns of it before the process dies.
    gateway.loses_answers.store(true, Ordering::SeqCst);
    gateway.cannot_tell.store(true, Ordering::SeqCst);
    let trips = book_all(&world, "died", 30).await;
    let charged = async {
        while ledger(&world).await.0 < 30 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(AT_LAST, charged).await.expect("all are charged");
    world.kill();
    gateway.asked.lock().expect("whole").clear();
    gateway.cannot_tell.store(false, Ordering::SeqCst);
    restart(&mut world, &gateway, Faults::default()).await;
    for booking in &trips {
        assert_eq!(world.until(*booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    for booking in trips {
        assert_eq!(gateway.asked(&format!("{}/charge/1", booking.payment())), [Asked::LookUp], "never blindly again");
    }
    assert_eq!(ledger(&world).await, (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_tell_is_asked_a_bounded_number_of_times_and_again_by_the_next_attempt() {
    let (world, gateway) = begin(Faults::default().look_ups_max(1)).await;
    gateway.loses_answers.store(true, Ordering::SeqCst);
    gateway.cannot_tell.store(true, Ordering::SeqCst);
    let booking = book_all(&world, "unknown", 1).await[0];
    world.until(booking, &["OutcomeUnknown"]).await;
    gateway.cannot_tell.store(false, Ordering::SeqCst);
    let story = world.until(booking, &["SagaSucceeded"]).await;
    let tail = ["OutcomeUnknown", "StepFaulted", "StepRetried", "OutcomeAsked", "PaymentCompleted"];
    assert!(story.windows(tail.len()).any(|events| events == tail), "{story:?}");
    let asked = gateway.asked(&format!("{}/charge/1", booking.payment()));
    assert_eq!(asked.iter().filter(|asked| **asked == Asked::Call).count(), 1, "asked, not repeated: {asked:?}");
    assert_eq!(ledger(&world).await, (1, 0));
    assert_eq!(gateway.overlaps.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_which_nothing_is_heard_holds_up_nobody_else_and_its_cancellation_waits_for_its_outcome() {
    let (world, gateway) = begin(Faults::default()).await;
    gateway.loses_answers.store(true, Ordering::SeqCst);
    gateway.cannot_tell.store(true, Ordering::SeqCst);
    let hanging = world.book("hangs", card("approves")).await.expect("accepted");
    let called = async {
        while ledger(&world).await.0 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(AT_LAST, called).await.expect("it is charged, and nobody is told");
    gateway.loses_answers.store(false, Ordering::SeqCst);
    let cancel = CallerCommand::CancelBooking { booking: hanging, reason: None };
    world.submit(cancel, None).await.expect("recorded at once");
    for booking in book_all(&world, "others", 30).await {
        assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
    }
    let story = world.story(hanging).await;
    assert!(story.contains(&"CancellationNoted".to_owned()), "{story:?}");
    assert!(!story.contains(&"RefundRequested".to_owned()), "its outcome is not known: {story:?}");
    gateway.cannot_tell.store(false, Ordering::SeqCst);
    world.until(hanging, &["SagaCompensated"]).await;
    assert_eq!(ledger(&world).await, (31, 1));
    assert_eq!(gateway.overlaps.load(Ordering::SeqCst), 0, "one question of a payment at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_asked_about_once_at_a_time_however_often_its_call_comes_back() {
    let (mut world, gateway) = begin(Faults::default().look_ups_max(1)).await;
    gateway.loses_answers.store(true, Ordering::SeqCst);
    gateway.cannot_tell.store(true, Ordering::SeqCst);
    let trips = book_all(&world, "again", 10).await;
    for booking in &trips {
        world.until(*booking, &["OutcomeAsked"]).await;
    }
    world.stop().await;
    // The call and the question after it are delivered anew, both at once.
    sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0").execute(world.log.pool()).await.expect("done");
    gateway.cannot_tell.store(false, Ordering::SeqCst);
    restart(&mut world, &gateway, Faults::default()).await;
    for booking in &trips {
        world.until(*booking, &["SagaSucceeded"]).await;
    }
    assert_eq!(gateway.overlaps.load(Ordering::SeqCst), 0);
    assert_eq!(ledger(&world).await, (10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_its_payment_has_given_up_is_not_made_when_it_is_delivered_again() {
    let (mut world, gateway) = begin(Faults::default()).await;
    gateway.is_away.store(true, Ordering::SeqCst);
    let booking = book_all(&world, "given up", 1).await[0];
    world.until(booking, &["PaymentFaulted"]).await;
    gateway.is_away.store(false, Ordering::SeqCst);
    world.until(booking, &["SagaSucceeded"]).await;
    world.stop().await;
    // All of it is delivered anew, as after a kill right before the checkpoint moved.
    sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0").execute(world.log.pool()).await.expect("done");
    restart(&mut world, &gateway, Faults::default()).await;
    // What comes later in the log has been delivered after it.
    for booking in book_all(&world, "later", 10).await {
        world.until(booking, &["SagaSucceeded"]).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ledger(&world).await, (11, 0), "one charge for each trip");
}
