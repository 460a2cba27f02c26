//! What is asked of a gateway that answers as told, in time that passes at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::Instant;
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_domain::trip_saga::steps::PAYMENT_ANSWER_WITHIN;
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::gateway::{
    CLOCK_SKEW_MAX, CallError, HttpGateway, HttpSettings, PaymentGateway, SandboxGateway, TokeniseError, UnknownOutcome,
};

use super::super::limits::{GATEWAY_CALL_TIMEOUT, GATEWAY_CALLS_AT_ONCE_MAX, GATEWAY_LOOK_UPS_MAX};
use super::{Calls, Copies, Learnt, pause_before};

const LIFETIME: Duration = Duration::from_secs(30);

/// Runs with the time of the test, which stands still while something is done.
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::from_std(self.0.elapsed()).expect("a short time")
    }
}

/// What the gateway does next.
enum Does {
    Answers(&'static str),
    /// The effect is done, its answer is lost.
    Loses,
    Misses,
    /// Takes it, and does it so much later.
    IsLate(Duration),
    IsNotReached,
    Hangs,
}

/// A gateway that does as told; what it is asked it writes down.
struct Told {
    does: Mutex<VecDeque<Does>>,
    /// When what it took is found in its ledger.
    ledger: Mutex<Option<Instant>>,
    asked: Mutex<Vec<&'static str>>,
    can_look_up: AtomicBool,
}

impl Told {
    fn note(&self, what: &'static str) {
        self.asked.lock().expect("whole").push(what);
    }

    fn done(reference: &str) -> GatewayOutcome {
        GatewayOutcome::Done { reference: reference.to_owned() }
    }

    fn enter_ledger(&self, after: Duration) {
        self.ledger.lock().expect("whole").get_or_insert(Instant::now() + after);
    }
}

impl PaymentGateway for Told {
    fn tokenise<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        async { Err(TokeniseError::Unavailable) }.boxed()
    }

    fn call<'a>(&'a self, _: &'a GatewayCall, _: DateTime<Utc>) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        self.note("call");
        let does = self.does.lock().expect("whole").pop_front().expect("one call too many");
        async move {
            match does {
                Does::Answers(reference) => Ok(Self::done(reference)),
                Does::Loses => {
                    self.enter_ledger(Duration::ZERO);
                    Err(CallError::Unknown("lost".into()))
                }
                Does::IsLate(late) => {
                    self.enter_ledger(late);
                    Err(CallError::Unknown("late".into()))
                }
                Does::Misses => Err(CallError::Unknown("vanished".into())),
                Does::IsNotReached => Err(CallError::NotSent("refused".into())),
                Does::Hangs => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        self.note("look up");
        let known = self.ledger.lock().expect("whole").is_some_and(|since| since <= Instant::now());
        async move {
            if !self.can_look_up.load(Ordering::Relaxed) {
                return Err(UnknownOutcome("away".into()));
            }
            Ok(known.then(|| Self::done("found")))
        }
        .boxed()
    }

    fn request_lifetime(&self) -> Duration {
        LIFETIME
    }
}

struct Lab {
    gateway: Arc<Told>,
    calls: Calls,
    held: Arc<AtomicBool>,
}

impl Lab {
    fn new(does: impl IntoIterator<Item = Does>) -> Self {
        let gateway = Arc::new(Told {
            does: Mutex::new(does.into_iter().collect()),
            ledger: Mutex::default(),
            asked: Mutex::default(),
            can_look_up: AtomicBool::new(true),
        });
        let held = Arc::new(AtomicBool::new(true));
        let is_held = {
            let held = held.clone();
            Box::new(move || held.load(Ordering::Relaxed))
        };
        let calls = Calls::new(gateway.clone(), Arc::new(Paused(Instant::now())), is_held, GATEWAY_LOOK_UPS_MAX);
        Self { gateway, calls, held }
    }

    async fn learn(&self, copies: Copies) -> Option<Learnt> {
        self.calls.learn(&call(), copies).await
    }

    fn asked(&self) -> Vec<&'static str> {
        self.gateway.asked.lock().expect("whole").clone()
    }
}

fn call() -> GatewayCall {
    GatewayCall {
        key: "payment/charge/1".into(),
        attempt: 1,
        token: "tok".into(),
        amount: Money::new(100, Currency::GBP),
        kind: GatewayCallKind::Charge,
    }
}

fn reference(learnt: Option<Learnt>) -> String {
    match learnt {
        Some(Learnt::Outcome(GatewayOutcome::Done { reference })) => reference,
        other => panic!("not done: {other:?}"),
    }
}

fn assert_nothing_happened(learnt: Option<&Learnt>) {
    assert!(matches!(learnt, Some(Learnt::Outcome(GatewayOutcome::Faulted(_)))), "{learnt:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_new_is_sent_once_and_its_answer_taken() {
    let lab = Lab::new([Does::Answers("ch_1")]);
    assert_eq!(reference(lab.learn(Copies::None).await), "ch_1");
    assert_eq!(lab.asked(), ["call"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_a_card_that_another_gateway_knows() {
    for copies in [Copies::None, Copies::Maybe] {
        let lab = Lab::new([]);
        let of_another = GatewayCall { token: "pay.example/tok".into(), ..call() };
        let learnt = lab.calls.learn(&of_another, copies).await;
        let Some(Learnt::Unknown(failure)) = learnt else { panic!("told: {learnt:?}") };
        assert!(failure.message.contains("pay.example") && !failure.message.contains("tok"), "{failure:?}");
        assert_eq!(lab.asked(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_surely_not_left_is_a_fault_at_once() {
    let lab = Lab::new([Does::IsNotReached]);
    assert_nothing_happened(lab.learn(Copies::None).await.as_ref());
    assert_eq!(lab.asked(), ["call"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_looked_up_and_the_call_not_repeated() {
    let lab = Lab::new([Does::Loses]);
    assert_eq!(reference(lab.learn(Copies::None).await), "found");
    assert_eq!(lab.asked(), ["call", "look up"]);
    let lab = Lab::new([Does::Hangs]);
    assert_nothing_happened(lab.learn(Copies::None).await.as_ref());
    assert_eq!(lab.asked().iter().filter(|asked| **asked == "call").count(), 1, "who hangs is not asked twice");
}

#[tokio::test(start_paused = true)]
async fn not_found_is_final_only_when_no_copy_can_arrive_any_more() {
    // The gateway takes it up at the very last moment.
    let lab = Lab::new([Does::IsLate(LIFETIME + CLOCK_SKEW_MAX)]);
    assert_eq!(reference(lab.learn(Copies::None).await), "found");
    let lab = Lab::new([Does::Misses]);
    let begun = Instant::now();
    assert_nothing_happened(lab.learn(Copies::None).await.as_ref());
    assert!(begun.elapsed() > LIFETIME + CLOCK_SKEW_MAX, "after {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_sent_before_is_looked_up_first_and_never_repeated_blindly() {
    let lab = Lab::new([]);
    lab.gateway.enter_ledger(Duration::ZERO);
    assert_eq!(reference(lab.learn(Copies::Maybe).await), "found");
    assert_eq!(lab.asked(), ["look up"]);
    let lab = Lab::new([Does::Answers("ch_1")]);
    assert_eq!(reference(lab.learn(Copies::Maybe).await), "ch_1");
    assert_eq!(lab.asked(), ["look up", "call"], "it had not arrived");
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_that_was_not_sent_proves_nothing_of_the_first() {
    let lab = Lab::new([Does::IsNotReached]);
    // A former owner's copy is carried out while this one's connection fails.
    lab.gateway.enter_ledger(LIFETIME);
    assert_eq!(reference(lab.learn(Copies::Maybe).await), "found");
    let lab = Lab::new([Does::IsNotReached]);
    let begun = Instant::now();
    assert_nothing_happened(lab.learn(Copies::Maybe).await.as_ref());
    assert!(begun.elapsed() > LIFETIME + CLOCK_SKEW_MAX, "the former owner's may arrive until then");
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_this_turn_is_remembered_when_the_call_comes_back() {
    let lab = Lab::new([Does::Answers("ch_1"), Does::IsNotReached]);
    tokio::time::sleep(10 * LIFETIME).await;
    lab.learn(Copies::None).await;
    let begun = Instant::now();
    assert_nothing_happened(lab.learn(Copies::Maybe).await.as_ref());
    assert!(begun.elapsed() > LIFETIME + CLOCK_SKEW_MAX, "its own first copy may arrive until then");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_ever() {
    for copies in [Copies::None, Copies::Maybe] {
        let lab = Lab::new([Does::Misses]);
        lab.gateway.can_look_up.store(false, Ordering::Relaxed);
        let learnt = lab.learn(copies).await;
        assert!(matches!(learnt, Some(Learnt::Unknown(_))), "{learnt:?}");
        let look_ups = lab.asked().iter().filter(|asked| **asked == "look up").count();
        assert_eq!(look_ups, GATEWAY_LOOK_UPS_MAX as usize);
        if copies == Copies::Maybe {
            assert_eq!(lab.asked().len(), look_ups, "what cannot be looked up is not sent");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_turn_is_over() {
    let lab = Lab::new([]);
    lab.held.store(false, Ordering::Relaxed);
    assert!(lab.learn(Copies::None).await.is_none());
    assert_eq!(lab.asked(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_open_at_once_than_are_allowed() {
    let lab = Lab::new((0..200).map(|_| Does::Hangs));
    let all = futures::future::join_all((0..200).map(|_| lab.learn(Copies::None)));
    let soon = tokio::time::timeout(GATEWAY_CALL_TIMEOUT / 2, all).await;
    assert!(soon.is_err(), "nobody is answered");
    assert_eq!(lab.asked().len(), GATEWAY_CALLS_AT_ONCE_MAX);
}

#[tokio::test]
async fn look_ups_go_on_for_longer_than_a_call_lives_and_end_before_the_saga_stops_waiting() {
    let sandbox = SandboxGateway::new(PgPoolOptions::new().connect_lazy_with(PgConnectOptions::new()));
    let remote = HttpGateway::new("http://127.0.0.1:1", None, Arc::new(SystemClock), HttpSettings::default());
    let lifetimes = [sandbox.request_lifetime(), remote.expect("an address").request_lifetime(), LIFETIME];
    let shortest: Duration = (1..GATEWAY_LOOK_UPS_MAX).map(|look_up| pause_before(look_up, 0)).sum();
    for lifetime in lifetimes {
        assert!(shortest > lifetime + CLOCK_SKEW_MAX, "{shortest:?}, and a request lives for {lifetime:?}");
    }
    let longest: Duration =
        (0..GATEWAY_LOOK_UPS_MAX).map(|look_up| longest_pause(look_up) + GATEWAY_CALL_TIMEOUT).sum();
    let answered_by = PAYMENT_ANSWER_WITHIN.to_std().expect("positive");
    assert!(2 * GATEWAY_CALL_TIMEOUT + longest < answered_by, "{longest:?}");
}

fn longest_pause(look_up: u32) -> Duration {
    let shortest = pause_before(look_up, 0);
    let longest = pause_before(look_up, shortest.as_millis() as u64);
    assert_eq!(longest, 2 * shortest);
    longest
}
