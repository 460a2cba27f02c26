//! All aggregates of a trip in memory: follows the messages of events until nothing is left to do. Time passes only when a saga waits.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::samples::{booking, car_details, car_id, flight_details, flight_id, hotel_details, hotel_id, instant};
use crate::address::address;
use crate::aggregate::{Aggregate, Command, Event};
use crate::booking::BookingCommand;
use crate::car::CarCommand;
use crate::dead_letter::{DeadLetterCommand, DeadLetterEvent, UnansweredInstruction};
use crate::failure::{Code, Failure};
use crate::flight::FlightCommand;
use crate::hotel::HotelCommand;
use crate::id::{BookingId, StreamId, StreamKind};
use crate::message::{Body, Destination, Direction, GatewayCall, GatewayCallKind, Instruction, Message, messages};
use crate::money::Money;
use crate::occasion::Occasion;
use crate::payment::{GatewayOutcome, PaymentCommand, PaymentEvent};
use crate::personal::{Personal, Traveller};
use crate::trip::{Step, TripPlan};
use crate::trip_saga::attention::{OperatorDecision, Resolution};
use crate::trip_saga::{TripSaga, TripSagaCommand, TripSagaError};

/// More messages than any trip of a test causes: beyond it something goes round in circles.
const DELIVERIES_MAX: usize = 2_000;

/// What made an event happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The traveller.
    Caller,
    /// A message of the event at this place of the log.
    Message(usize),
    /// The gateway's answer to the call of the event at this place of the log.
    Gateway(usize),
    /// A timer.
    Timer,
    /// A message that could not be handled.
    Fault,
    /// An operator's verb.
    Operator {
        verb: String,
        /// Of a charge, where one is marked as done.
        reference: Option<String>,
    },
}

/// The moment and the cause of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) at: DateTime<Utc>,
    pub(crate) entropy: u64,
    pub(crate) cause: Cause,
}

/// One log with a hotel, a flight, a fleet, and one trip.
pub(crate) struct World {
    pub(crate) now: DateTime<Utc>,
    streams: BTreeMap<StreamId, Aggregate>,
    /// Every event in order, without those that listed the supply.
    pub(crate) log: Vec<(StreamId, Event)>,
    /// For every event of the log, when and why it was decided.
    pub(crate) decisions: Vec<Decision>,
    cause: Cause,
    pub(crate) outbox: VecDeque<Message>,
    delivered: Vec<Message>,
    /// How many deliveries of such an instruction fail technically before one succeeds.
    pub(crate) faults: HashMap<(Step, Direction), u32>,
    pub(crate) gateway: Gateway,
}

/// A payment gateway that remembers calls by their keys.
#[derive(Default)]
pub(crate) struct Gateway {
    /// What it says to the next new calls; then it says yes.
    pub(crate) script: VecDeque<GatewayOutcome>,
    answered: BTreeMap<String, GatewayOutcome>,
    /// Minor units taken and not given back.
    pub(crate) kept: i64,
    /// How many of the next questions nobody can answer; what is asked for is done all the same.
    pub(crate) silent: u32,
}

impl World {
    /// With the participants that are listed; the others refuse with `NOT_FOUND`.
    pub(crate) fn new(listed: [bool; 3]) -> Self {
        let mut world = Self {
            now: instant(super::samples::NOW),
            streams: BTreeMap::new(),
            log: Vec::new(),
            decisions: Vec::new(),
            cause: Cause::Caller,
            outbox: VecDeque::new(),
            delivered: Vec::new(),
            faults: HashMap::new(),
            gateway: Gateway::default(),
        };
        let occasion = world.occasion();
        let supply = [
            (hotel_id().stream(), Command::Hotel(HotelCommand::Upsert { details: hotel_details(), occasion })),
            (flight_id().stream(), Command::Flight(FlightCommand::Upsert { details: flight_details(), occasion })),
            (car_id().stream(), Command::Car(CarCommand::Upsert { details: car_details(), occasion })),
        ];
        for ((stream, command), _) in supply.into_iter().zip(listed).filter(|(_, listed)| *listed) {
            world.give(stream, command);
        }
        world.log.clear();
        world.decisions.clear();
        world
    }

    /// A world in which these events have happened. What was not handled is delivered again, as after a crash.
    pub(crate) fn resumed(happened: Vec<(StreamId, Event)>, decisions: Vec<Decision>) -> Self {
        let mut world = Self::new([true; 3]);
        let was_answered = |place| decisions.iter().any(|decision| decision.cause == Cause::Gateway(place));
        for (place, (stream, event)) in happened.iter().enumerate() {
            let state = world.streams.entry(*stream).or_insert_with(|| Aggregate::empty(stream.kind));
            assert!(state.apply(event), "an event of another kind");
            world.outbox.extend(messages(*stream, event).into_iter().filter(|_| !was_answered(place)));
            world.gateway.kept += match event {
                Event::Payment(PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. }) => amount.minor,
                Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) => -refunded.minor,
                _ => 0,
            };
        }
        world.now = decisions.last().map_or(world.now, |decision| decision.at);
        (world.log, world.decisions) = (happened, decisions);
        world
    }

    pub(crate) fn request(&mut self, plan: TripPlan) {
        let value = Traveller {
            email: "traveller@example.com".into(),
            name: "Pat Example".into(),
            phone: Some("+44 20 7946 0000".into()),
        };
        let traveller = Personal { subject: trip().to_string(), value };
        let command = BookingCommand::Request { owner: "someone".into(), traveller, plan };
        self.give(trip().stream(), Command::Booking(command));
    }

    /// The traveller cancels; false when the booking refuses.
    pub(crate) fn cancel(&mut self) {
        self.cause = Cause::Caller;
        let command = BookingCommand::Cancel { reason: Some("plans changed".into()), at: self.now };
        self.give(trip().stream(), Command::Booking(command));
    }

    /// Delivers and waits for retries until nothing is left to do.
    pub(crate) fn run(&mut self) {
        self.run_with(|_| 0);
    }

    /// The same; `choose` picks which of so many waiting messages comes next.
    pub(crate) fn run_with(&mut self, mut choose: impl FnMut(usize) -> usize) {
        for _ in 0..DELIVERIES_MAX {
            if !self.outbox.is_empty() {
                self.deliver(choose(self.outbox.len()));
            } else if !self.wake() {
                return;
            }
        }
        panic!("goes round in circles");
    }

    /// Delivers one waiting message; false when there is none.
    pub(crate) fn deliver(&mut self, place: usize) -> bool {
        let Some(message) = self.outbox.remove(place) else { return false };
        if let Body::Instruction(instruction) = &message.body
            && self.fails(instruction)
        {
            self.set_aside(message.booking, instruction);
            return true;
        }
        self.hand_over(&message);
        self.delivered.push(message);
        true
    }

    /// Lets time pass until the saga's retry is due; false when it waits for none.
    pub(crate) fn wake(&mut self) -> bool {
        let Some(due) = self.saga().wake_up_at() else { return false };
        self.now = self.now.max(due);
        self.cause = Cause::Timer;
        let command = TripSagaCommand::Wake { occasion: self.occasion() };
        self.give(trip().saga(), Command::TripSaga(command));
        true
    }

    /// An operator's verb.
    pub(crate) fn resolve(&mut self, resolution: Resolution) -> Result<(), TripSagaError> {
        self.resolve_reason(resolution, None)
    }

    /// The same, about one reason only.
    pub(crate) fn resolve_reason(
        &mut self,
        resolution: Resolution,
        fingerprint: Option<&str>,
    ) -> Result<(), TripSagaError> {
        let reference =
            if let Resolution::MarkDone { reference } = &resolution { Some(reference.clone()) } else { None };
        self.cause = Cause::Operator { verb: resolution.verb().as_str().to_owned(), reference };
        let (actor, reason) = ("operator".to_owned(), "seen in the gateway's own records".to_owned());
        let decision = OperatorDecision { resolution, fingerprint: fingerprint.map(str::to_owned), actor, reason };
        let command = TripSagaCommand::Resolve { decision, occasion: self.occasion() };
        self.saga().decide(command.clone())?;
        self.give(trip().saga(), Command::TripSaga(command));
        Ok(())
    }

    /// Delivers until the saga has asked this of somebody, and keeps that message back.
    pub(crate) fn hold(&mut self, step: Step, direction: Direction) -> Message {
        for _ in 0..DELIVERIES_MAX {
            let held = self.outbox.iter().position(|message| {
                matches!(&message.body, Body::Instruction(asked) if asked.order.step() == step && asked.direction == direction)
            });
            if let Some(message) = held.and_then(|place| self.outbox.remove(place)) {
                return message;
            }
            assert!(self.deliver(0), "this is never asked for");
        }
        panic!("goes round in circles");
    }

    /// Delivers again all that was ever delivered; true when nothing was written.
    pub(crate) fn redelivery_writes_nothing(&mut self) -> bool {
        let written = self.log.len();
        for message in self.delivered.clone() {
            self.hand_over(&message);
        }
        self.log.len() == written
    }

    pub(crate) fn saga(&self) -> TripSaga {
        match self.streams.get(&trip().saga()) {
            Some(Aggregate::TripSaga(saga)) => (**saga).clone(),
            _ => TripSaga::default(),
        }
    }

    pub(crate) fn aggregate(&self, stream: StreamId) -> Aggregate {
        self.streams.get(&stream).cloned().unwrap_or_else(|| Aggregate::empty(stream.kind))
    }

    /// The names of all events since the supply was listed, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.log.iter().map(|(_, event)| event.event_type().to_owned()).collect()
    }

    fn hand_over(&mut self, message: &Message) {
        let from = self.log.iter().rposition(|(stream, event)| messages(*stream, event).contains(message));
        let from = from.expect("every message is of an event");
        self.cause = if message.to == Destination::Gateway { Cause::Gateway(from) } else { Cause::Message(from) };
        match (message.to, &message.body) {
            (Destination::Gateway, Body::GatewayCall(call) | Body::LookUp(call)) => {
                let command = self.gateway.answer(message.booking, call);
                self.give(message.booking.payment(), Command::Payment(command));
            }
            (Destination::Stream(stream), body) => {
                let Some(addressed) = address(message, self.occasion()) else { panic!("not for {stream}: {body:?}") };
                self.give(addressed.stream, addressed.command);
            }
            (Destination::Gateway, body) => panic!("not for a gateway: {body:?}"),
        }
    }

    fn give(&mut self, stream: StreamId, command: Command) {
        let Occasion { at, entropy } = self.occasion();
        let state = self.streams.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        for event in state.decide(command).unwrap_or_default() {
            assert!(state.apply(&event), "an event of another kind");
            self.outbox.extend(messages(stream, &event));
            self.log.push((stream, event));
            self.decisions.push(Decision { at, entropy, cause: self.cause.clone() });
        }
    }

    fn fails(&mut self, instruction: &Instruction) -> bool {
        match self.faults.get_mut(&(instruction.order.step(), instruction.direction)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// An instruction that nobody can handle becomes a dead letter, which answers it as a fault.
    fn set_aside(&mut self, booking: BookingId, asked: &Instruction) {
        self.write_letter(
            booking,
            UnansweredInstruction { step: asked.order.step(), direction: asked.direction, attempt: asked.attempt },
        );
    }

    /// A request that was handled comes again, and this time nobody can handle it.
    pub(crate) fn set_aside_again(&mut self, step: Step, attempt: u32) {
        self.write_letter(trip(), UnansweredInstruction { step, direction: Direction::Request, attempt });
    }

    fn write_letter(&mut self, booking: BookingId, asked: UnansweredInstruction) {
        self.cause = Cause::Fault;
        let letter = DeadLetterEvent::MessageDeadLettered {
            booking,
            cause_stream: booking.saga().to_string(),
            cause_sequence: self.log.len() as u64,
            place: 0,
            instruction: Some(asked),
            failure: Failure::new(Code::Internal, "The decision failed."),
        };
        let stream = StreamId::new(StreamKind::DeadLetter, uuid::Uuid::from_u128(self.log.len() as u128));
        self.give(stream, Command::DeadLetter(DeadLetterCommand::SetAside { letter }));
    }

    fn occasion(&self) -> Occasion {
        Occasion { at: self.now, entropy: self.log.len() as u64 }
    }
}

impl Gateway {
    fn answer(&mut self, booking: BookingId, call: &GatewayCall) -> PaymentCommand {
        let (key, kind, outcome) = (call.key.clone(), call.kind.clone(), self.ask(call));
        if self.silent == 0 {
            return PaymentCommand::Settle { booking, key, kind, outcome };
        }
        self.silent -= 1;
        PaymentCommand::LeaveUnknown { key, failure: Failure::new(Code::Unavailable, "The gateway does not answer.") }
    }

    fn ask(&mut self, call: &GatewayCall) -> GatewayOutcome {
        if let Some(outcome) = self.answered.get(&call.key) {
            return outcome.clone();
        }
        let reference = format!("ch_{}", self.answered.len() + 1);
        let outcome = self.script.pop_front().unwrap_or(GatewayOutcome::Done { reference });
        if matches!(outcome, GatewayOutcome::Done { .. }) {
            let Money { minor, .. } = call.amount;
            self.kept += if call.kind == GatewayCallKind::Charge { minor } else { -minor };
        }
        self.answered.insert(call.key.clone(), outcome.clone());
        outcome
    }
}

/// The trip of the world.
pub(crate) fn trip() -> BookingId {
    booking(1)
}
