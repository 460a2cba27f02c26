//! More callers than the engine takes: they are told so at once, what it keeps of them is bounded, and trips under way come to their end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use secrecy::SecretString;
use tokio::sync::watch;
use traveladvisor_commands::engine::limits::{BATCH_CALLERS_MIN, BATCH_JOBS_MAX, CALLER_LANE_MAX};
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection, Request};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::car::{CarCommand, CarDetails};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_infra::event_log::StoredEvent;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, TokeniseError, UnknownOutcome};

use crate::child::{Inside, OtherProcess};
use crate::crowd::{AT_LAST, HeldBack, THIRTEEN, assert_in_order, in_each_batch, list_plenty, stories};
use crate::support::{World, book, car, card, request, trip};

/// Callers for every one that the engine takes.
const TIMES: usize = 10;

type Waiting = Pin<Box<dyn Future<Output = Result<Receipt, Rejection>> + Send>>;

/// A command of one event, different from all others.
fn command(number: usize) -> Request {
    let details = CarDetails { code: "C-overload".into(), name: format!("Car {number}"), ..car(1) };
    request(CallerCommand::UpsertCar(details), None)
}

fn is_one_of_these(command: &Command) -> bool {
    matches!(command, Command::Car(CarCommand::Upsert { details, .. }) if details.code == "C-overload")
}

/// Counts the decisions on callers' commands.
fn counting(decided: &Arc<AtomicUsize>) -> Faults {
    let decided = decided.clone();
    Faults::default().panic_when(move |_, command| {
        decided.fetch_add(usize::from(is_one_of_these(command)), Ordering::Relaxed);
        false
    })
}

/// Asks once; whoever is not answered at once waits.
fn ask(engine: &Engine, number: usize) -> Result<Waiting, Rejection> {
    let engine = engine.clone();
    let mut asked: Waiting = Box::pin(async move { engine.submit(command(number)).await });
    match asked.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        Poll::Pending => Ok(asked),
        Poll::Ready(answer) => Err(answer.expect_err("nothing can be appended")),
    }
}

pub(crate) async fn until(counted: &AtomicUsize, enough: usize) {
    while counted.load(Ordering::Relaxed) < enough {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// With the order lock held by somebody else: one command in its append, a whole batch behind it, and both lanes empty.
async fn stuck(engine: &Engine, decided: &AtomicUsize, held_back: &mut HeldBack) -> Vec<Waiting> {
    let mut waiting = vec![ask(engine, 0).expect("it waits")];
    held_back.until_an_append_waits().await;
    let before = decided.load(Ordering::Relaxed);
    waiting.extend((1..=BATCH_JOBS_MAX).map(|number| ask(engine, number).expect("it waits")));
    tokio::time::timeout(AT_LAST, until(decided, before + BATCH_JOBS_MAX)).await.expect("a batch is decided");
    waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_more_callers_than_there_is_room_for_are_refused_at_once_and_the_others_answered() {
    let decided = Arc::default();
    let world = World::begin_with(Delivery::Here, counting(&decided)).await;
    world.engine.submit(command(10_000_000)).await.expect("listed");
    let mut held_back = HeldBack::hold(&world.log).await;
    let mut waiting = stuck(&world.engine, &decided, &mut held_back).await;
    let taken_up = waiting.len();

    let mut refused = Vec::new();
    for number in 0..TIMES * CALLER_LANE_MAX {
        match ask(&world.engine, taken_up + number) {
            Ok(waits) => waiting.push(waits),
            // At once: at the very first look.
            Err(rejection) => refused.push(rejection.code),
        }
    }
    assert_eq!(waiting.len() - taken_up, CALLER_LANE_MAX, "exactly so many may wait");
    assert_eq!(refused, vec![Code::Overloaded; (TIMES - 1) * CALLER_LANE_MAX]);

    held_back.let_go().await;
    let answers = tokio::time::timeout(AT_LAST, join_all(waiting)).await.expect("all are answered");
    assert!(answers.iter().all(Result::is_ok), "whoever was let in is served");
    let later = taken_up + TIMES * CALLER_LANE_MAX;
    world.engine.submit(command(later)).await.expect("and there is room again");
    assert_in_order(&world.events().await);
}

/// Says yes to every charge once it is open for business.
struct Gate {
    is_open: watch::Receiver<bool>,
    answered: Arc<AtomicUsize>,
}

impl PaymentGateway for Gate {
    fn tokenise<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        async { Err(TokeniseError::Unavailable) }.boxed()
    }

    fn call<'a>(&'a self, call: &'a GatewayCall, _: DateTime<Utc>) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        let mut is_open = self.is_open.clone();
        async move {
            is_open.wait_for(|is_open| *is_open).await.map_err(|_| CallError::Unknown("closed for ever".into()))?;
            self.answered.fetch_add(1, Ordering::Relaxed);
            Ok(GatewayOutcome::Done { reference: call.key.clone() })
        }
        .boxed()
    }

    // Whoever was asked long ago and gave up waiting is told the same as the others.
    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        let is_open = *self.is_open.borrow();
        async move {
            if !is_open {
                return Err(UnknownOutcome("closed".into()));
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
            Ok(Some(GatewayOutcome::Done { reference: key.to_owned() }))
        }
        .boxed()
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// A world in which so many trips wait for the gateway, which answers once the sender says so.
async fn trips_that_wait_for_money(trips: usize, faults: Faults) -> (World, watch::Sender<bool>, Arc<AtomicUsize>) {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let (open, answered) = wait_for_money(&mut world, trips, faults).await;
    (world, open, answered)
}

/// Lets so many trips wait for the gateway, in an engine that is started anew.
pub(crate) async fn wait_for_money(
    world: &mut World,
    trips: usize,
    faults: Faults,
) -> (watch::Sender<bool>, Arc<AtomicUsize>) {
    let (open, is_open) = watch::channel(false);
    let answered = Arc::new(AtomicUsize::new(0));
    let mut ports = world.next_ports();
    ports.gateway = Arc::new(Gate { is_open, answered: answered.clone() });
    world.restart_with(ports, Delivery::Here, faults).await;
    list_plenty(world, 500).await;
    let asked = (0..trips).map(|n| world.engine.submit(request(book(trip(card("approves"))), Some(&format!("k{n}")))));
    for answer in join_all(asked.collect::<Vec<_>>()).await {
        answer.expect("accepted");
    }
    world.engine.submit(command(10_000_000)).await.expect("listed");
    (open, answered)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_first_when_callers_fill_their_lane_and_callers_keep_their_places() {
    const TRIPS: usize = 300;
    let decided = Arc::default();
    let (world, open, answered) = trips_that_wait_for_money(TRIPS, counting(&decided)).await;
    let mut held_back = HeldBack::hold(&world.log).await;
    let mut waiting = stuck(&world.engine, &decided, &mut held_back).await;
    let taken_up = waiting.len();
    waiting.extend((taken_up..taken_up + CALLER_LANE_MAX).map(|number| ask(&world.engine, number).expect("it waits")));
    assert_eq!(ask(&world.engine, 9_999_999).err().map(|rejection| rejection.code), Some(Code::Overloaded));

    // The money comes while nothing goes on.
    open.send_replace(true);
    tokio::time::timeout(AT_LAST, until(&answered, TRIPS)).await.expect("the gateway is asked");
    // From the gateway it is a step to the lane.
    tokio::time::sleep(Duration::from_millis(300)).await;
    held_back.let_go().await;
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
    let events = until_paid(&world, TRIPS).await;

    let last_paid = events.iter().rposition(|event| event.event_type == "PaymentCompleted").expect("paid");
    let before = events[..last_paid].iter().filter(|event| event.event_type == "CarChanged").count();
    let late = taken_up + CALLER_LANE_MAX - before;
    // Two batches are enough for all answers, with the places that callers always have.
    assert!(late >= CALLER_LANE_MAX - 2 * BATCH_JOBS_MAX, "only {late} callers came after the last answer");
    let full = in_each_batch(&events, "PaymentCompleted")[0];
    assert!(full <= BATCH_JOBS_MAX - BATCH_CALLERS_MIN, "callers have their places beside {full} answers");
}

async fn until_paid(world: &World, trips: usize) -> Vec<StoredEvent> {
    let paid = async {
        loop {
            let events = world.events().await;
            if stories(&events).values().filter(|story| **story == THIRTEEN).count() == trips {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(AT_LAST, paid).await.expect("the trips come to their ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn trips_under_way_come_to_their_end_while_callers_never_leave_a_place_free() {
    const TRIPS: usize = 50;
    let (world, open, _) = trips_that_wait_for_money(TRIPS, Faults::default()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    // More callers than there are places, and whoever is answered asks again.
    let callers: Vec<_> = (0..2 * CALLER_LANE_MAX)
        .map(|caller| {
            let (engine, stop, refused) = (world.engine.clone(), stop.clone(), refused.clone());
            tokio::spawn(async move {
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    match engine.submit(command(10_000 * round + caller)).await {
                        Ok(_) => {}
                        Err(rejection) => {
                            assert_eq!(rejection.code, Code::Overloaded);
                            refused.fetch_add(1, Ordering::Relaxed);
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            })
        })
        .collect();
    tokio::time::timeout(AT_LAST, until(&refused, 1)).await.expect("there are too many");
    let refused_before = refused.load(Ordering::Relaxed);
    open.send_replace(true);
    let done = async {
        while sagas_done(&world).await < TRIPS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(AT_LAST, done).await.expect("all trips come to their end under load");
    assert!(refused.load(Ordering::Relaxed) > refused_before, "there was more load than room all the time");
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every caller is answered");
    }
}

async fn sagas_done(world: &World) -> usize {
    let done = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM events WHERE event_type = 'SagaSucceeded'");
    usize::try_from(done.fetch_one(world.log.pool()).await.expect("counted")).expect("few")
}

/// Rounds of callers in the measured process.
const ROUNDS: usize = 10;
/// By how much the process may grow from its first such round to its last. What the refused ones ask for would come to ten times as much
/// if it were kept.
const GROWTH_MAX_KB: u64 = 16 * 1_024;

/// The other process: asks with ten times more callers than there is room for, and tells how many wait and its peak of resident memory.
pub(crate) async fn crowd(mut inside: Inside) {
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut number = 0;
    while let Some(order) = inside.order().await {
        if order == "serve" {
            let answers = join_all(std::mem::take(&mut waiting)).await;
            inside.answer(&answers.iter().filter(|answer| answer.is_ok()).count().to_string());
            continue;
        }
        for _ in 0..TIMES * CALLER_LANE_MAX {
            number += 1;
            waiting.extend(ask(&inside.engine, number).ok());
        }
        inside.answer(&format!("{} {}", waiting.len(), resident_kb_max()));
    }
    inside.running.stop().await;
}

/// Resident memory of this process at its highest.
fn resident_kb_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_flat_however_many_callers_are_turned_away() {
    let world = World::begin(Delivery::Elsewhere).await;
    world.engine.submit(command(10_000_000)).await.expect("listed");
    world.stop().await;
    let mut other = OtherProcess::start("a crowd", &world);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let held_back = HeldBack::hold(&world.log).await;
        for _ in 0..ROUNDS {
            let told = other.ask("come").await;
            let (waiting, resident_kb_max) = told.split_once(' ').expect("two numbers");
            let number = |text: &str| text.parse::<u64>().expect("a number");
            seen.push((number(waiting), number(resident_kb_max)));
        }
        held_back.let_go().await;
        let served: u64 = other.ask("serve").await.parse().expect("a number");
        assert_eq!(Some(served), seen.last().map(|(waiting, _)| *waiting), "whoever was let in is served");
    }
    let room = (CALLER_LANE_MAX + 2 * BATCH_JOBS_MAX) as u64;
    assert!(seen.iter().all(|(waiting, _)| *waiting <= room), "{seen:?}");
    let growth_kb = seen[seen.len() - 1].1 - seen[0].1;
    assert!(growth_kb <= GROWTH_MAX_KB, "grew by {growth_kb} kB: {seen:?}");
}
