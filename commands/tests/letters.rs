//! An operator's verbs about messages that were set aside: they come again at once, or never.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::engine::audit::audit;
use traveladvisor_commands::engine::limits::{DEAD_LETTER_PAUSE, WAKEUPS_UNDER_WAY_MAX};
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_commands::{CallerCommand, LetterVerb, Receipt, Rejection};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, LetterId, StreamId, StreamKind};
use traveladvisor_domain::payment::PaymentCommand;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_domain::trip_saga::TripSagaCommand;
use uuid::Uuid;

use crate::dead_lettered::until_set_aside;
use crate::support::{World, card, count, metadata};
use crate::timers::SetForward;

/// A generous limit for more letters than are looked at at once.
const PUT_OFF: Duration = Duration::from_mins(2);

/// A world in which some decisions fail until it is healed.
struct Sick {
    world: World,
    healed: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
    trip: BookingId,
}

impl Sick {
    /// A trip of which a message was set aside.
    async fn of(payment: PaymentPlan, guilty: fn(&Command) -> bool) -> Self {
        let (healed, tries) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let faults = {
            let (healed, tries) = (healed.clone(), tries.clone());
            Faults::default().panic_when(move |_, command| {
                let is_guilty = guilty(command);
                tries.fetch_add(usize::from(is_guilty), Ordering::Relaxed);
                is_guilty && !healed.load(Ordering::Relaxed)
            })
        };
        let mut world = World::begin(Delivery::Elsewhere).await;
        let ports = world.next_ports();
        world.restart_with(ports, Delivery::Here, faults).await;
        let trip = world.book("k1", payment).await.expect("accepted");
        until_set_aside(&world).await;
        Self { world, healed, tries, trip }
    }

    async fn letter(&self) -> LetterId {
        let events = self.world.events().await;
        let letter = events.iter().find(|event| event.stream.kind == StreamKind::DeadLetter).expect("a letter");
        LetterId(letter.stream.uuid)
    }

    async fn say(&self, verb: LetterVerb) -> Result<Receipt, Rejection> {
        let letter = self.letter().await;
        self.world
            .submit(CallerCommand::ResolveLetter { letter, verb, reason: "as the shift says".to_owned() }, None)
            .await
    }

    /// What happened to the letter.
    async fn history(&self) -> Vec<String> {
        let letter: StreamId = self.letter().await.stream();
        let events = self.world.log.read_stream(letter, 0).await.expect("read");
        events.iter().map(|event| event.event_type.to_string()).collect()
    }

    async fn until_history(&self, expected: &[&str]) {
        let told = async {
            while self.history().await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::support::AT_LAST, told).await.expect("it comes to that");
    }

    async fn assert_sound(&self) {
        let audit = audit(&self.world.log, |_, _| {}).await.expect("the log is read");
        assert!(audit.is_clean(), "{:#?}", audit.findings);
    }
}

fn is_start(command: &Command) -> bool {
    matches!(command, Command::TripSaga(TripSagaCommand::Start { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_an_operator_retries_comes_at_once_and_its_trip_goes_on() {
    let sick = Sick::of(PaymentPlan::None, is_start).await;
    let waits = sick.world.log.wakeup(sick.letter().await.stream()).await.expect("read");
    assert!(waits.is_some(), "it would come by itself, much later");
    // As long as it cannot be handled it is set aside again, under the same letter.
    assert!(sick.say(LetterVerb::Retry).await.expect("taken").changed);
    sick.until_history(&["MessageDeadLettered", "LetterRetried", "MessageDeadLettered"]).await;
    sick.healed.store(true, Ordering::Relaxed);
    sick.say(LetterVerb::Retry).await.expect("taken");
    sick.world.until(sick.trip, &["SagaSucceeded"]).await;
    assert_eq!(sick.world.log.next_wakeup().await.expect("read"), None);
    sick.assert_sound().await;
    let events = sick.world.events().await;
    let said = events.iter().find(|event| event.event_type == "LetterRetried").expect("an event");
    assert_eq!(metadata(said).correlation, sick.trip.to_string(), "it belongs to the trip's story");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_an_operator_discards_never_comes_again() {
    let sick = Sick::of(PaymentPlan::None, is_start).await;
    sick.say(LetterVerb::Discard).await.expect("taken");
    sick.healed.store(true, Ordering::Relaxed);
    assert_eq!(sick.world.log.next_wakeup().await.expect("read"), None, "nothing brings it");
    let again = sick.say(LetterVerb::Discard).await.expect("so already");
    assert!(!again.changed);
    let refused = sick.say(LetterVerb::Retry).await.expect_err("too late");
    assert_eq!((refused.code, refused.message.contains("never comes again")), (Code::NotResolvable, true));
    sick.assert_sound().await;
    assert!(sick.tries.load(Ordering::Relaxed) > 0);
    assert_eq!(count(&sick.world.events().await, StreamKind::TripSaga, "SagaStarted"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_about_no_letter_is_refused_with_a_sentence() {
    let world = World::begin(Delivery::Here).await;
    let letter = LetterId(Uuid::from_u128(1));
    for verb in [LetterVerb::Retry, LetterVerb::Discard] {
        let command = CallerCommand::ResolveLetter { letter, verb, reason: "why".to_owned() };
        let refused = world.submit(command, None).await.expect_err("there is none");
        assert_eq!(refused.code, Code::NotFound);
        assert!(refused.message.contains("dead-letters list"), "{}", refused.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_whose_letter_is_retried_fires_at_once() {
    let guilty = |command: &Command| matches!(command, Command::TripSaga(TripSagaCommand::Wake { .. }));
    let sick = Sick::of(card("processing_error"), guilty).await;
    let far = sick.world.log.next_wakeup().await.expect("read").expect("the saga waits");
    let tries = sick.tries.load(Ordering::Relaxed);
    sick.healed.store(true, Ordering::Relaxed);
    sick.say(LetterVerb::Retry).await.expect("taken");
    let fired = async {
        while sick.tries.load(Ordering::Relaxed) == tries {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::AT_LAST, fired).await.expect("long before {far}");
    assert!(far > crate::support::start(), "{far}");
    assert_eq!(sick.world.log.wakeup(sick.letter().await.stream()).await.expect("read"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_said_is_not_brought_again_and_the_letter_says_who_asks() {
    let guilty = |command: &Command| matches!(command, Command::Payment(PaymentCommand::Settle { .. }));
    let sick = Sick::of(card("approves"), guilty).await;
    sick.say(LetterVerb::Retry).await.expect("taken");
    sick.until_history(&["MessageDeadLettered", "LetterRetried", "MessageDeadLettered"]).await;
    let last = sick.world.log.read_stream(sick.letter().await.stream(), 0).await.expect("read").pop().expect("events");
    assert!(last.payload.contains("the payment asks it again by itself"), "{}", last.payload);
    assert_eq!(sick.world.log.wakeup(sick.letter().await.stream()).await.expect("read"), None);
}

/// More letters than are under way at most, each with an event that no program can read, and due for long.
const UNREADABLE: &str = r#"
WITH letters AS (
    SELECT 'dead_letter_' || lpad(number::text, 26, '0') AS id FROM generate_series(1, $1) number
), written AS (
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
    SELECT 'dead_letter', id, 1, 'Nonsense', '1', '{}',
           '{"batch":"","command":"","correlation":"","actor":"","occurred_at":""}', now() FROM letters
)
INSERT INTO wakeups (aggregate_type, aggregate_id, kind, due_at) SELECT 'dead_letter', id, 'retry', '2020-01-01' FROM letters
"#;

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_cannot_be_read_are_put_off_and_hold_up_no_timer() {
    let unreadable = WAKEUPS_UNDER_WAY_MAX as i64 + 100;
    let mut world = World::begin(Delivery::Elsewhere).await;
    let clock = SetForward::new();
    let ports = Ports { clock: clock.clone(), ..world.next_ports() };
    sqlx::query(UNREADABLE).bind(unreadable).execute(world.log.pool()).await.expect("written");
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    let put_off = async {
        let due = "SELECT count(*) FROM wakeups WHERE due_at < '2024-01-01'";
        while sqlx::query_scalar::<_, i64>(due).fetch_one(world.log.pool()).await.expect("counted") > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PUT_OFF, put_off).await.expect("all of them are put off");
    let waiting = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM wakeups WHERE aggregate_type = 'dead_letter'");
    assert_eq!(waiting.fetch_one(world.log.pool()).await.expect("counted"), unreadable, "none of them is given up");
    // They come again with the timer of a trip, which fires all the same.
    let trip = world.book("k1", card("processing_error")).await.expect("accepted");
    world.until(trip, &["StepFaulted"]).await;
    clock.by(TimeDelta::from_std(DEAD_LETTER_PAUSE).expect("minutes"));
    world.until(trip, &["StepRetried"]).await;
}
