//! All aggregates of a trip in memory: follows the messages of events until nothing is left to do. Time passes only when a saga waits.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::gateway::Gateway;
use super::samples::{
    POINTS_HELD, booking, car_details, car_id, flight_details, flight_id, hotel_details, hotel_id, instant, member,
    other_trip, tenth, voucher_id,
};
use crate::address::address;
use crate::aggregate::{Aggregate, Command, Event};
use crate::booking::BookingCommand;
use crate::car::CarCommand;
use crate::dead_letter::{DeadLetterCommand, DeadLetterEvent, UnansweredInstruction};
use crate::failure::{Code, Failure};
use crate::flight::FlightCommand;
use crate::hotel::HotelCommand;
use crate::id::{BookingId, CampaignId, StreamId, StreamKind};
use crate::message::{Body, Destination, Direction, Instruction, Message, messages};
use crate::occasion::Occasion;
use crate::payment::PaymentEvent;
use crate::personal::{Personal, Traveller};
use crate::points_account::{EarnedFor, PointsAccount, PointsAccountCommand};
use crate::reward::{Grant, Reward, RewardCommand};
use crate::together::{NotTogether, Together};
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

/// One log with a hotel, a flight, a fleet, a member with points and a voucher, and trips; most tests have one.
pub(crate) struct World {
    pub(crate) now: DateTime<Utc>,
    /// What there was before any trip.
    supply: BTreeMap<StreamId, Aggregate>,
    streams: BTreeMap<StreamId, Aggregate>,
    /// Every event in order, without those of the supply.
    pub(crate) log: Vec<(StreamId, Event)>,
    /// For every event of the log, when and why it was decided.
    pub(crate) decisions: Vec<Decision>,
    cause: Cause,
    pub(crate) outbox: VecDeque<Message>,
    /// Every message, with the place in the log of the event that caused it.
    sent: Vec<(usize, Message)>,
    delivered: Vec<Message>,
    /// How many deliveries of such an instruction fail technically before one succeeds.
    pub(crate) faults: HashMap<(Step, Direction), u32>,
    /// How many of the next orders to an account are lost: nobody answers them.
    pub(crate) lost_orders: u32,
    pub(crate) gateway: Gateway,
}

impl World {
    /// With the participants that are listed; the others refuse with `NOT_FOUND`.
    pub(crate) fn new(listed: [bool; 3]) -> Self {
        let mut world = Self {
            now: instant(super::samples::NOW),
            supply: BTreeMap::new(),
            streams: BTreeMap::new(),
            log: Vec::new(),
            decisions: Vec::new(),
            cause: Cause::Caller,
            outbox: VecDeque::new(),
            sent: Vec::new(),
            delivered: Vec::new(),
            faults: HashMap::new(),
            lost_orders: 0,
            gateway: Gateway::default(),
        };
        let occasion = world.occasion();
        let supply = [
            (hotel_id().stream(), Command::Hotel(HotelCommand::Upsert { details: hotel_details(), occasion })),
            (flight_id().stream(), Command::Flight(FlightCommand::Upsert { details: flight_details(), occasion })),
            (car_id().stream(), Command::Car(CarCommand::Upsert { details: car_details(), occasion })),
        ];
        for ((stream, command), _) in supply.into_iter().zip(listed).filter(|(_, listed)| *listed) {
            world.prepare(stream, command);
        }
        let gesture = EarnedFor::Operator { reason: "a gesture".into() };
        let earn = PointsAccountCommand::Earn { points: POINTS_HELD, earned_for: gesture, occasion };
        world.prepare(member().account(), Command::PointsAccount(earn));
        let (campaign, grant) = (CampaignId::of("own", "referral"), Grant::Voucher(tenth()));
        let grant = RewardCommand::Grant { member: member(), campaign, cause: "a friend".into(), grant };
        world.prepare(voucher_id().stream(), Command::Reward(grant));
        world
    }

    /// Another trip has taken all the points but these.
    pub(crate) fn leave_points(&mut self, points: u64) {
        let order = other_trip::order(self.account().balance() - points);
        let command = PointsAccountCommand::Order { booking: other_trip::id(), order, occasion: self.occasion() };
        self.prepare(member().account(), Command::PointsAccount(command));
    }

    /// Another trip has used the voucher.
    pub(crate) fn use_up_voucher(&mut self) {
        let (booking, part) = (other_trip::id(), other_trip::voucher());
        let command = RewardCommand::Redeem { booking, attempt: 1, part, occasion: self.occasion() };
        self.prepare(voucher_id().stream(), Command::Reward(command));
    }

    /// What was so before all that is told.
    fn prepare(&mut self, stream: StreamId, command: Command) {
        let state = self.streams.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        for event in state.decide(command).expect("possible") {
            assert!(state.apply(&event), "an event of another kind");
        }
        self.supply.insert(stream, state.clone());
    }

    /// The process dies: states are read from the log once more, and whatever the log has ever caused is delivered again.
    pub(crate) fn crash(&mut self) {
        self.streams = self.supply.clone();
        self.outbox.clear();
        for (stream, event) in &self.log {
            let state = self.streams.entry(*stream).or_insert_with(|| Aggregate::empty(stream.kind));
            assert!(state.apply(event), "an event of another kind");
            self.outbox.extend(messages(*stream, event));
        }
    }

    /// A world in which these events have happened. What was not handled is delivered again, as after a crash.
    pub(crate) fn resumed(happened: Vec<(StreamId, Event)>, decisions: Vec<Decision>) -> Self {
        let mut world = Self::new([true; 3]);
        let was_answered = |place| decisions.iter().any(|decision| decision.cause == Cause::Gateway(place));
        for (place, (stream, event)) in happened.iter().enumerate() {
            let state = world.streams.entry(*stream).or_insert_with(|| Aggregate::empty(stream.kind));
            assert!(state.apply(event), "an event of another kind");
            let sent = messages(*stream, event);
            world.sent.extend(sent.iter().map(|message| (place, message.clone())));
            world.outbox.extend(sent.into_iter().filter(|_| !was_answered(place)));
        }
        world.gateway.kept = money_kept(&happened);
        world.now = decisions.last().map_or(world.now, |decision| decision.at);
        (world.log, world.decisions) = (happened, decisions);
        world
    }

    pub(crate) fn request(&mut self, plan: TripPlan) {
        self.request_as(trip(), plan);
    }

    pub(crate) fn request_as(&mut self, booking: BookingId, plan: TripPlan) {
        let value = Traveller {
            email: "traveller@example.com".into(),
            name: "Pat Example".into(),
            phone: Some("+44 20 7946 0000".into()),
        };
        let traveller = Personal { subject: booking.to_string(), value };
        let command = BookingCommand::Request { owner: "someone".into(), traveller, plan };
        self.cause = Cause::Caller;
        self.give(booking.stream(), Command::Booking(command));
    }

    /// The traveller cancels; false when the booking refuses.
    pub(crate) fn cancel(&mut self) {
        self.cancel_trip(trip());
    }

    pub(crate) fn cancel_trip(&mut self, booking: BookingId) {
        self.cause = Cause::Caller;
        let command = BookingCommand::Cancel { reason: Some("plans changed".into()), at: self.now };
        self.give(booking.stream(), Command::Booking(command));
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
        if matches!(message.body, Body::Points(_)) && self.lost_orders > 0 {
            self.lost_orders -= 1;
            return true;
        }
        self.hand_over(&message);
        self.delivered.push(message);
        true
    }

    /// Lets time pass until the next saga's retry is due; false when none waits.
    pub(crate) fn wake(&mut self) -> bool {
        let sagas = self.streams.iter().filter_map(|(stream, state)| match state {
            Aggregate::TripSaga(saga) => Some((saga.wake_up_at()?, *stream)),
            _ => None,
        });
        let Some((due, saga)) = sagas.min() else { return false };
        self.now = self.now.max(due);
        self.cause = Cause::Timer;
        let command = TripSagaCommand::Wake { occasion: self.occasion() };
        self.give(saga, Command::TripSaga(command));
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
        self.saga_of(trip())
    }

    pub(crate) fn saga_of(&self, booking: BookingId) -> TripSaga {
        match self.streams.get(&booking.saga()) {
            Some(Aggregate::TripSaga(saga)) => (**saga).clone(),
            _ => TripSaga::default(),
        }
    }

    /// The points that the member had before any trip.
    pub(crate) fn points_before(&self) -> u64 {
        match self.supply.get(&member().account()) {
            Some(Aggregate::PointsAccount(account)) => account.balance(),
            other => panic!("not an account: {other:?}"),
        }
    }

    /// Whether a trip of these has the member's voucher.
    pub(crate) fn has_voucher(&self) -> bool {
        let was_used = matches!(self.supply.get(&voucher_id().stream()), Some(Aggregate::Reward(it)) if it.is_used());
        !was_used && self.voucher().is_used()
    }

    /// The member's account.
    pub(crate) fn account(&self) -> PointsAccount {
        match self.aggregate(member().account()) {
            Aggregate::PointsAccount(account) => account,
            other => panic!("not an account: {other:?}"),
        }
    }

    /// The member's voucher.
    pub(crate) fn voucher(&self) -> Reward {
        match self.aggregate(voucher_id().stream()) {
            Aggregate::Reward(reward) => reward,
            other => panic!("not a reward: {other:?}"),
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
        let from = self.sent.iter().rev().find(|(_, sent)| sent == message).map(|(place, _)| *place);
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
            let sent = messages(stream, &event);
            self.sent.extend(sent.iter().map(|message| (self.log.len(), message.clone())));
            self.outbox.extend(sent);
            self.log.push((stream, event));
            self.decisions.push(Decision { at, entropy, cause: self.cause.clone() });
        }
    }

    /// What is decided about several streams at once: all of it or nothing.
    pub(crate) fn ask(&mut self, asked: &Together) -> Result<(), NotTogether> {
        let occasion = self.occasion();
        let named = asked.streams();
        let further = asked.further_streams(&|stream| self.streams.get(&stream));
        for stream in named.into_iter().chain(further) {
            self.streams.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        }
        let decided = asked.decide(&|stream| self.streams.get(&stream), occasion)?;
        for (stream, event) in
            decided.into_iter().flat_map(|(stream, events)| events.into_iter().map(move |it| (stream, it)))
        {
            let state = self.streams.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
            assert!(state.apply(&event), "an event of another kind");
            assert_eq!(messages(stream, &event), [], "nobody waits for it");
            self.log.push((stream, event));
            self.decisions.push(Decision { at: occasion.at, entropy: occasion.entropy, cause: Cause::Caller });
        }
        Ok(())
    }

    /// One of the messages that were handled comes again, whenever its turn comes.
    pub(crate) fn deliver_again(&mut self, number: usize) {
        if let Some(message) = self.delivered.get(number % self.delivered.len().max(1)) {
            self.outbox.push_back(message.clone());
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
            booking: Some(booking),
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

/// Minor units that a log knows to be charged and not refunded. What was paid with points is given back in points.
pub(crate) fn money_kept(log: &[(StreamId, Event)]) -> i64 {
    let mut charged = BTreeMap::new();
    for (stream, event) in log {
        match event {
            Event::Payment(PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. }) => {
                charged.insert(*stream, amount.minor);
            }
            Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) => {
                charged.entry(*stream).and_modify(|kept| *kept -= refunded.minor);
            }
            _ => {}
        }
    }
    charged.into_values().sum()
}

/// The trip of the world.
pub(crate) fn trip() -> BookingId {
    booking(1)
}
