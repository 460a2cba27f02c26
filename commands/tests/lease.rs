//! Relay and timers have one owner, and whoever was one before can do nothing more (L12).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use secrecy::SecretString;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};
use traveladvisor_commands::engine::{Delivery, Faults, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::{GatewayOutcome, PaymentCommand};
use traveladvisor_domain::trip::{CardToken, PaymentPlan};
use traveladvisor_infra::event_log::{EventLog, Lease, OpenLetters, RELAY};
use traveladvisor_infra::gateway::{CallError, PaymentGateway, SandboxGateway, TokeniseError, UnknownOutcome};

use crate::crowd::{AT_LAST, HeldBack, THIRTEEN};
use crate::dead_lettered::until_set_aside;
use crate::support::{World, book, card, hotel, request, trip};

/// Waits until somebody holds the lease of relay and timers in this turn or a later one.
async fn owned(log: &EventLog, epoch: u64) {
    let owned = async {
        while relay(log).await < (epoch, true) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, owned).await.expect("somebody owns it");
}

/// Which turn it is, and whether somebody has it.
async fn relay(log: &EventLog) -> (u64, bool) {
    let owners = log.owners().await.expect("read");
    let relay = owners.into_iter().find(|owner| owner.name == RELAY).expect("the relay");
    (relay.epoch, relay.held.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_is_followed_by_another_in_a_turn_of_its_own() {
    let mut world = World::begin(Delivery::Here).await;
    owned(&world.log, 1).await;
    let (second, running) = world.second_engine(Delivery::Here).await;
    let booking = world.book("k1", card("processing_error")).await.expect("accepted");
    world.until(booking, &["StepFaulted"]).await;
    world.kill();
    // What it was to deliver, and the timer that it had set, come to their end.
    assert!(world.until(booking, &["SagaCompensated"]).await.contains(&"StepRetried".to_owned()));
    assert!(relay(&world.log).await.0 >= 2, "in another turn");
    second.submit(request(CallerCommand::UpsertHotel(hotel(9)), None)).await.expect("it decides as before");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_lets_go_and_another_goes_on_at_once() {
    let mut world = World::begin(Delivery::Here).await;
    owned(&world.log, 1).await;
    let booking = world.book("k1", card("approves")).await.expect("booked");
    let (_second, running) = world.second_engine(Delivery::Here).await;
    world.stop().await;
    // Either nobody has it any more, or the other already has: nobody waits for a lease to run out.
    let (epoch, held) = relay(&world.log).await;
    assert!(!held || epoch >= 2, "{epoch}, {held}");
    assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
    owned(&world.log, 2).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_imports_never_owns() {
    let world = World::begin(Delivery::Elsewhere).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(relay(&world.log).await, (0, false));
}

/// The sandbox's, which answers only when it is allowed to.
struct Slow {
    sandbox: SandboxGateway,
    allowed: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
}

impl PaymentGateway for Slow {
    fn tokenise<'a>(&'a self, number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        self.sandbox.tokenise(number)
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.allowed.acquire().await.expect("never closed").forget();
            self.sandbox.call(call, expires_at).await
        })
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        self.sandbox.look_up(key)
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// An engine with a thread and connections of its own, as a process has them. It can be frozen.
struct Process {
    engine: Engine,
    orders: tokio::sync::mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

enum Order {
    /// Stand still until this is told.
    Freeze(oneshot::Sender<()>, mpsc::Receiver<()>),
    Stop,
}

impl Process {
    async fn begin(world: &mut World, gateway: impl FnOnce(PgPool) -> Slow + Send + 'static, faults: Faults) -> Self {
        let (options, ports) = (world.options().clone(), world.next_ports());
        let (orders, mut ordered) = tokio::sync::mpsc::unbounded_channel();
        let (tell, told) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let log = EventLog::new("public", PgPool::connect_lazy_with(options));
                let ports = Ports { gateway: Arc::new(gateway(log.pool().clone())), ..ports };
                let (engine, running): (Engine, RunningEngine) =
                    Engine::start_with_faults(log, ports, Delivery::Here, faults).await.expect("it starts");
                tell.send(engine).ok();
                while let Some(order) = ordered.recv().await {
                    match order {
                        Order::Freeze(frozen, thaw) => {
                            frozen.send(()).ok();
                            // The only thread of its runtime: nothing of this process goes on.
                            thaw.recv().ok();
                        }
                        Order::Stop => return running.stop().await,
                    }
                }
            });
        });
        Self { engine: told.await.expect("it starts"), orders, thread }
    }

    /// Frozen until the sender is used or dropped.
    async fn freeze(&self) -> mpsc::Sender<()> {
        let (thaw, thawed) = mpsc::channel();
        let (frozen, is_frozen) = oneshot::channel();
        assert!(self.orders.send(Order::Freeze(frozen, thawed)).is_ok(), "it takes orders");
        is_frozen.await.expect("it stands still");
        thaw
    }

    async fn stop(self) {
        assert!(self.orders.send(Order::Stop).is_ok(), "it takes orders");
        tokio::task::spawn_blocking(|| self.thread.join().expect("it ends")).await.expect("joined");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_owner_had_in_hand_falls_and_its_callers_are_still_answered() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let (allowed, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (settling, changing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen_settling, seen_changing) = (settling.clone(), changing.clone());
    let watch = Faults::default().panic_when(move |_, command| {
        let settles = matches!(command, Command::Payment(PaymentCommand::Settle { .. }));
        seen_settling.fetch_add(usize::from(settles), Ordering::SeqCst);
        let changes = matches!(command, Command::Hotel(HotelCommand::Upsert { .. }));
        seen_changing.fetch_add(usize::from(changes), Ordering::SeqCst);
        false
    });
    let slow = {
        let (allowed, asked) = (allowed.clone(), asked.clone());
        move |pool| Slow { sandbox: SandboxGateway::new(pool), allowed, asked }
    };
    let owner = Process::begin(&mut world, slow, watch).await;
    owned(&world.log, 1).await;
    let receipt = owner.engine.submit(request(book(trip(card("approves"))), Some("k1"))).await.expect("accepted");
    let booking = BookingId(receipt.subject.uuid);
    reaches(&asked, 1).await;

    // One append is under way; behind it a batch forms of what the gateway said and a caller's command.
    let mut held_back = HeldBack::hold(&world.log).await;
    let first = submitted(&owner.engine, 11);
    reaches(&changing, 1).await;
    held_back.until_an_append_waits().await;
    allowed.add_permits(1);
    reaches(&settling, 1).await;
    let second = submitted(&owner.engine, 12);
    reaches(&changing, 2).await;

    // It stands still for longer than its lease; another owns what it owned, and delivers nothing for now.
    let thaw = owner.freeze().await;
    held_back.let_go().await;
    let other = Lease::compete(&world.log, RELAY);
    let turn = tokio::time::timeout(AT_LAST, other.turns().next()).await.expect("in time").expect("a turn");
    assert_eq!(turn.epoch(), 2);
    thaw.send(()).expect("it is there");
    for answer in [first, second] {
        assert!(answer.await.expect("no panic").expect("accepted").changed);
    }
    let story = world.story(booking).await;
    assert_eq!(story, THIRTEEN[..9], "what the gateway said was in the second's batch, under an epoch that has passed");

    // Its next turn delivers the message again; the money has moved once.
    other.let_go().await;
    allowed.add_permits(10);
    assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
    let charges: i64 = sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls")
        .fetch_one(world.log.pool())
        .await
        .expect("the ledger");
    assert_eq!(charges, 1);
    owner.stop().await;
}

fn submitted(engine: &Engine, rooms: u32) -> tokio::task::JoinHandle<Result<Receipt, Rejection>> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.submit(request(CallerCommand::UpsertHotel(hotel(rooms)), None)).await })
}

async fn reaches(count: &AtomicUsize, wanted: usize) {
    let reached = async {
        while count.load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, reached).await.expect("it comes so far");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_its_turn_tells_no_more_of_dead_letters() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let guilty = |command: &Command| matches!(command, Command::Hotel(HotelCommand::Reserve { attempt: 1, .. }));
    let faults = Faults::default().panic_when(move |_, command| guilty(command));
    let ports = world.next_ports();
    world.restart_with(ports, Delivery::Here, faults).await;
    world.book("k1", PaymentPlan::None).await.expect("accepted");
    until_set_aside(&world).await;
    let counted = OpenLetters { sagas_ask_again: 1, ..OpenLetters::default() };
    until_told(&world, Some(counted)).await;
    let taken = "UPDATE owners SET epoch = epoch + 1, holder = 'another', held_until = clock_timestamp() + interval '1 hour' \
                  WHERE name = 'relay'";
    sqlx::query(taken).execute(world.log.pool()).await.expect("taken over");
    until_told(&world, None).await;
}

/// Waits until this process tells so of open letters.
async fn until_told(world: &World, open: Option<OpenLetters>) {
    let told = async {
        while world.engine.gauges().open_letters() != open {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(AT_LAST, told).await.is_ok();
    assert!(in_time, "it is {:?}, never {open:?}", world.engine.gauges().open_letters());
}
