//! The model: the real aggregates of one trip, decided and applied by themselves, and an unruly network between them.
//!
//! Time has two values: whatever is decided is decided now, and a timer that fires, fires far later. The core only ever adds pauses to the
//! moment of a decision and compares them with the moment of another, so an event of far later means the same when it is told as of now;
//! that keeps the states few. Entropy is constant: it only moves moments. An aggregate's decision depends on nothing but its state and the
//! command (L14), so each is made once and remembered; that is what makes the real aggregates fast enough.

use std::rc::Rc;

use chrono::TimeDelta;

use super::gateway::{Ledger, Turn};
use super::interned::{Id, Interned, Numbered, Sets};
use super::seeded::Bug;
use super::sold_out::{holds, sold_out};
use super::stored::{event_read_back, state_read_back};
use super::told::{FAR, Given};
use super::witness::{Promise, State, Steps, Witness};
use crate::aggregate::{Aggregate, Command, Event};
use crate::failure::{Code, Failure};
use crate::id::StreamId;
use crate::message::{Answer, Body, Destination, Direction, GatewayCall, GatewayCallKind, Message, Outcome, messages};
use crate::testing::samples::{car_id, flight_id, hotel_id, member, voucher_id};
use crate::testing::world::{World, trip};
use crate::trip::{PaymentPlan, Step, TripPlan};
use crate::trip_saga::steps::PIVOT;
use crate::trip_saga::{Awaiting, TripSaga, TripSagaEvent};

/// The places of the aggregates in a state.
pub(super) const SAGA: usize = 0;
pub(super) const BOOKING: usize = 1;
pub(super) const PAYMENT: usize = 2;
const FIRST_PART: usize = 3;
pub(super) const ACCOUNT: usize = 6;
const VOUCHER: usize = 7;
/// How many aggregates there are.
pub(super) const ALL: usize = 8;
/// Where the voucher and the parts have their places.
const HOLDERS: [(Step, usize); 4] =
    [(Step::Voucher, VOUCHER), (Step::Hotel, FIRST_PART), (Step::Flight, FIRST_PART + 1), (Step::Car, FIRST_PART + 2)];
pub(super) const PARTS: [Step; 3] = [Step::Hotel, Step::Flight, Step::Car];

/// What is explored, and how much trouble there is.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) plan: TripPlan,
    /// The definition that the saga follows.
    pub(super) definition: u32,
    /// How often in all: a message becomes a dead letter, a deadline passes while an answer is under way, the gateway fails or does not tell.
    pub(super) troubles_max: u8,
    /// How many tries in a row one trouble lasts.
    pub(super) outage_tries: u32,
    /// How many dead letters an operator has delivered again.
    pub(super) letters_max: u8,
    /// How many verbs an operator gives.
    pub(super) verbs_max: u8,
    /// Whether the traveller may cancel. He can do so once: the booking takes no second cancellation.
    pub(super) may_cancel: bool,
    pub(super) bug: Option<Bug>,
}

/// One thing that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// A message is handled.
    Deliver(Id),
    /// A request is handled while others hold all there is.
    DeliverWhenSoldOut(Id),
    /// A call reaches the gateway, or does not.
    Call(Id, Turn),
    /// A message cannot be handled at this delivery: a dead letter answers that it is unknown.
    SetAside(Id),
    /// The deadline passes or the retry is due.
    Wake,
    /// The traveller cancels.
    Cancel,
    /// An operator's verb.
    Resolve(Word),
}

/// The verbs, with what an operator does to the gateway's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Word {
    Retry,
    MarkDone,
    MarkUndone,
    GiveUp,
}

pub(super) const WORDS: [Word; 4] = [Word::Retry, Word::MarkDone, Word::MarkUndone, Word::GiveUp];

/// What came of a command.
pub(super) struct Decided {
    pub(super) command: Command,
    pub(super) events: Vec<Event>,
    pub(super) after: Id,
    sent: Vec<Id>,
    replays: bool,
}

/// The model with all that it has worked out so far.
pub(super) struct Model {
    pub(super) bounds: Bounds,
    /// The only promise that counts, if one is named.
    pub(super) only: Option<Promise>,
    pub(super) aggregates: Interned<Aggregate>,
    pub(super) messages: Interned<Message>,
    pub(super) ledgers: Interned<Ledger>,
    pub(super) sets: Sets,
    decided: Numbered<(Id, Given), Rc<Decided>>,
    called: Numbered<(Id, Id, Turn), Option<Id>>,
    /// Whether a message that an aggregate has handled writes something when it comes again.
    again: Numbered<(Id, Id, usize), bool>,
    /// By aggregate, whether it holds something for the trip.
    holds: Numbered<Id, bool>,
    /// By message, the place of its aggregate; none: the gateway.
    places: Vec<Option<usize>>,
    streams: [StreamId; ALL],
}

impl Model {
    pub(super) fn new(bounds: Bounds, only: Option<Promise>) -> Self {
        Self {
            bounds,
            only,
            aggregates: Interned::default(),
            messages: Interned::default(),
            ledgers: Interned::default(),
            sets: Sets::default(),
            decided: Numbered::default(),
            called: Numbered::default(),
            again: Numbered::default(),
            holds: Numbered::default(),
            places: Vec::new(),
            streams: [0, 1, 2, 3, 4, 5, 6, 7].map(stream_of),
        }
    }

    /// The trip is asked for and nothing has been handled yet.
    pub(super) fn start(&mut self) -> State {
        let mut world = World::new([true; 3]);
        world.request(self.bounds.plan.clone());
        let mut under_way = self.sets.empty();
        for message in world.outbox.drain(..) {
            let number = self.message(message);
            under_way = self.sets.with(under_way, number);
        }
        let none = self.sets.empty();
        State {
            aggregates: self.streams.map(|stream| self.aggregates.number(world.aggregate(stream))),
            ledger: self.ledgers.number(Ledger::default()),
            under_way,
            handled: none,
            set_aside: none,
            witness: Witness::default(),
            outage: None,
            troubles: 0,
            letters: 0,
            verbs: 0,
        }
    }

    pub(super) fn saga(&self, state: &State) -> &TripSaga {
        match &**self.aggregates.get(state.aggregates[SAGA]) {
            Aggregate::TripSaga(saga) => saga,
            other => panic!("not a saga: {other:?}"),
        }
    }

    /// Whether a timer is set.
    pub(super) fn will_wake(&self, state: &State) -> bool {
        let saga = self.saga(state);
        saga.wake_up_at().is_some() && !self.bounds.bug.is_some_and(|bug| bug.forgets_timer(saga))
    }

    /// The step and direction whose answer the saga waits for.
    pub(super) fn waits_for_answer(&self, state: &State) -> Option<(Step, Direction)> {
        let (awaiting, what) = match self.saga(state) {
            TripSaga::Forward(forward) => (forward.awaiting, (forward.at, Direction::Request)),
            TripSaga::Backward(backward) => (backward.awaiting, (backward.at, Direction::Undo)),
            _ => return None,
        };
        matches!(awaiting, Awaiting::Answer { .. }).then_some(what)
    }

    /// The parts that participants hold, and the voucher.
    pub(super) fn held(&mut self, state: &State) -> Steps {
        let mut held = Steps::default();
        for (step, place) in HOLDERS {
            let (aggregates, aggregate) = (&self.aggregates, state.aggregates[place]);
            if *self.holds.entry(aggregate).or_insert_with(|| holds(aggregates.get(aggregate))) {
                held.add(step);
            }
        }
        held
    }

    /// The points that the member has.
    pub(super) fn points(&self, state: &State) -> u64 {
        match &**self.aggregates.get(state.aggregates[ACCOUNT]) {
            Aggregate::PointsAccount(account) => account.balance(),
            other => panic!("not an account: {other:?}"),
        }
    }

    /// The state after an action; none when it is not possible. All that is written is held against the promises.
    pub(super) fn after(&mut self, state: &State, action: Action) -> Option<Result<State, Promise>> {
        match action {
            Action::Deliver(message) => Some(self.handled(state, message, Given::Message(message))),
            Action::DeliverWhenSoldOut(message) => {
                let place = self.place_of(message)?;
                let decided = self.decide(state.aggregates[place], Given::MessageWhenSoldOut(message));
                let granted = self.decide(state.aggregates[place], Given::Message(message));
                (decided.after != granted.after)
                    .then(|| self.handled(state, message, Given::MessageWhenSoldOut(message)))
            }
            Action::Call(message, turn) => self.call(state, message, turn),
            Action::SetAside(message) => Some(Ok(self.set_aside(state, message))),
            Action::Wake => Some(self.given(state, SAGA, Given::Wake)),
            Action::Cancel => {
                let decided = self.decide(state.aggregates[BOOKING], Given::Cancel);
                (!decided.events.is_empty()).then(|| self.given(state, BOOKING, Given::Cancel))
            }
            Action::Resolve(word) => self.resolve(state, word),
        }
    }

    /// Whether some message that was handled before writes something now.
    pub(super) fn writes_something_again(&mut self, state: &State) -> bool {
        (0..state.aggregates.len()).any(|place| {
            let key = (state.aggregates[place], state.handled, place);
            if let Some(known) = self.again.get(&key) {
                return *known;
            }
            let handled = self.sets.of(state.handled);
            let writes = handled.iter().any(|message| {
                self.place_of(*message) == Some(place)
                    && !self.decide(state.aggregates[place], Given::Message(*message)).events.is_empty()
            });
            self.again.insert(key, writes);
            writes
        })
    }

    /// The state after all messages have been handled that make nothing happen now.
    ///
    /// This loses no behaviour, and the search itself proves that: a message that was handled is held against every later state
    /// ([`Model::writes_something_again`]). So had it been handled later, it would have made nothing happen either.
    pub(super) fn without_idle(&mut self, mut state: State) -> State {
        for message in self.sets.of(state.under_way).iter() {
            let Some(place) = self.place_of(*message) else { continue };
            if self.decide(state.aggregates[place], Given::Message(*message)).events.is_empty() {
                state.under_way = self.sets.without(state.under_way, *message);
                state.handled = self.sets.with(state.handled, *message);
            }
        }
        state
    }

    /// The aggregate that a message goes to; none: the gateway.
    pub(super) fn place_of(&self, message: Id) -> Option<usize> {
        self.places[message as usize]
    }

    fn message(&mut self, message: Message) -> Id {
        let place = match message.to {
            Destination::Gateway => None,
            Destination::Stream(stream) => self.streams.iter().position(|known| *known == stream),
        };
        let number = self.messages.number(message);
        if number as usize == self.places.len() {
            self.places.push(place);
        }
        number
    }

    pub(super) fn call_of(&self, message: Id) -> Option<&GatewayCall> {
        match &self.messages.get(message).body {
            Body::GatewayCall(call) | Body::LookUp(call) => Some(call),
            _ => None,
        }
    }

    fn handled(&mut self, state: &State, message: Id, given: Given) -> Result<State, Promise> {
        let Some(place) = self.place_of(message) else { panic!("for the gateway") };
        let mut after = *state;
        after.under_way = self.sets.without(state.under_way, message);
        after.handled = self.sets.with(state.handled, message);
        self.given(&after, place, given)
    }

    fn given(&mut self, state: &State, place: usize, given: Given) -> Result<State, Promise> {
        let decided = self.decide(state.aggregates[place], given);
        if !decided.replays {
            return Err(Promise::SameWhenReplayed);
        }
        let mut after = *state;
        let held = self.held(state);
        let seen = after.witness.see(held, &decided.command, &decided.events);
        if seen.is_err_and(|broken| self.only.is_none_or(|only| only == broken)) {
            return seen.map(|()| after);
        }
        after.aggregates[place] = decided.after;
        for message in &decided.sent {
            after.under_way = self.sets.with(after.under_way, *message);
        }
        Ok(after)
    }

    fn call(&mut self, state: &State, message: Id, turn: Turn) -> Option<Result<State, Promise>> {
        let key = (state.ledger, message, turn);
        let ledger = if let Some(known) = self.called.get(&key) {
            *known
        } else {
            let after = self.call_of(message).and_then(|call| self.ledgers.get(state.ledger).after(call, turn));
            let number = after.map(|ledger| self.ledgers.number(ledger));
            self.called.insert(key, number);
            number
        }?;
        let mut after = *state;
        after.ledger = ledger;
        after.under_way = self.sets.without(state.under_way, message);
        after.handled = self.sets.with(state.handled, message);
        let given = match turn {
            Turn::Done | Turn::Refused | Turn::Faulted => Given::Settled(message, ledger),
            Turn::DoneUnheard | Turn::Lost => Given::LeftUnknown(message),
        };
        Some(self.given(&after, PAYMENT, given))
    }

    /// The letter answers for the message, which may yet be handled: an operator may have it delivered again. Nobody answers for an order
    /// to the account: the payment is asked again, and asks again.
    fn set_aside(&mut self, state: &State, message: Id) -> State {
        let Message { booking, body, .. } = &**self.messages.get(message);
        let (under_way, set_aside) = (state.under_way, state.set_aside);
        let Body::Instruction(asked) = body else {
            let under_way = self.sets.without(under_way, message);
            return State { under_way, set_aside: self.sets.with(set_aside, message), ..*state };
        };
        let outcome = Outcome::Unknown(Failure::new(Code::Internal, "The decision failed."));
        let (step, direction, attempt) = (asked.order.step(), asked.direction, asked.attempt);
        let answer = Message {
            booking: *booking,
            to: Destination::Stream(booking.saga()),
            body: Body::Answer(Answer { step, direction, attempt, outcome }),
        };
        let answer = self.message(answer);
        let under_way = self.sets.without(state.under_way, message);
        State {
            under_way: self.sets.with(under_way, answer),
            set_aside: self.sets.with(state.set_aside, message),
            ..*state
        }
    }

    fn resolve(&mut self, state: &State, word: Word) -> Option<Result<State, Promise>> {
        let decided = self.decide(state.aggregates[SAGA], Given::Resolve(word));
        let [Event::TripSaga(TripSagaEvent::Resolved { step: Step::Payment, .. })] = &decided.events[..] else {
            return (!decided.events.is_empty()).then(|| self.given(state, SAGA, Given::Resolve(word)));
        };
        // Evidence comes before the word: what an operator says of money is so, and stays so.
        let known = [state.under_way, state.handled].map(|set| self.sets.of(set));
        let calls = || known.iter().flat_map(|set| set.iter()).filter_map(|message| self.call_of(*message));
        let ledger = self.ledgers.get(state.ledger);
        let is_forward = matches!(self.saga(state), TripSaga::Forward(_));
        let ledger = match word {
            _ if !matches!(self.bounds.plan.payment, PaymentPlan::Card(_)) => (**ledger).clone(),
            Word::Retry | Word::GiveUp => (**ledger).clone(),
            // He moves money by hand only where nothing of ours can come through any more.
            Word::MarkDone if ledger.kept().is_empty() && self.is_on_its_way(state, Direction::Request) => return None,
            Word::MarkDone => ledger.charged_by_hand(self.bounds.plan.total),
            // That it was taken stands in the log already: no evidence says otherwise.
            Word::MarkUndone if is_forward && state.witness.is_paid() => return None,
            Word::MarkUndone if !is_forward && self.is_on_its_way(state, Direction::Undo) => return None,
            Word::MarkUndone => ledger.settled_by_hand(calls()),
        };
        let ledger = self.ledgers.number(ledger);
        Some(self.given(&State { ledger, ..*state }, SAGA, Given::Resolve(word)))
    }

    /// Whether the gateway may yet be asked for the first time, or be asking still.
    fn is_on_its_way(&self, state: &State, direction: Direction) -> bool {
        let under_way = self.sets.of(state.under_way);
        let concerns = |message: &Id| match &self.messages.get(*message).body {
            Body::Instruction(asked) => asked.direction == direction && asked.order.step() == PIVOT,
            Body::GatewayCall(call) | Body::LookUp(call) => {
                (direction == Direction::Request) == (call.kind == GatewayCallKind::Charge)
            }
            _ => false,
        };
        let set_aside = self.sets.of(state.set_aside);
        let comes_again = |message: &Id| concerns(message) && !self.sets.has(state.handled, *message);
        let may_come_again = state.letters < self.bounds.letters_max && set_aside.iter().any(comes_again);
        let was_called = |message: &Id| concerns(message) && self.call_of(*message).is_some();
        let is_in_doubt = direction == Direction::Request && self.sets.of(state.handled).iter().any(was_called);
        may_come_again || is_in_doubt || under_way.iter().any(concerns)
    }

    fn decide(&mut self, aggregate: Id, given: Given) -> Rc<Decided> {
        if let Some(known) = self.decided.get(&(aggregate, given)) {
            return Rc::clone(known);
        }
        let decided = Rc::new(self.work_out(aggregate, given));
        self.decided.insert((aggregate, given), Rc::clone(&decided));
        decided
    }

    fn work_out(&mut self, number: Id, given: Given) -> Decided {
        let before = Rc::clone(self.aggregates.get(number));
        let bug = self.bounds.bug;
        let mut command = self.command(given);
        if let Some(bug) = bug {
            command = bug.taken(&before, command);
        }
        let decider = match given {
            Given::MessageWhenSoldOut(_) => sold_out(&before),
            _ => (*before).clone(),
        };
        let mut events = decider.decide(command.clone()).unwrap_or_default();
        if let Some(bug) = bug {
            events = bug.decided(&before, &command, events);
        }
        let since = if given == Given::Wake { FAR } else { TimeDelta::zero() };
        let mut after = (*before).clone();
        let (mut replayed, mut replays) = (state_read_back(&before), true);
        let mut sent = Vec::new();
        let stream = self.stream_of(&before);
        for event in &mut events {
            self.tell_as_of_now(event, since);
            assert!(after.apply(event), "an event of another kind");
            replays &= replayed.apply(&event_read_back(event));
            for message in messages(stream, event) {
                let message = bug.map_or(message.clone(), |bug| bug.sent(&self.bounds.plan, message));
                sent.push(self.message(message));
            }
        }
        replays &= replayed == after && state_read_back(&after) == after;
        Decided { command, events, after: self.aggregates.number(after), sent, replays }
    }

    fn stream_of(&self, aggregate: &Aggregate) -> StreamId {
        self.streams[match aggregate {
            Aggregate::TripSaga(_) => SAGA,
            Aggregate::Booking(_) => BOOKING,
            Aggregate::Payment(_) => PAYMENT,
            Aggregate::Hotel(_) => FIRST_PART,
            Aggregate::Flight(_) => FIRST_PART + 1,
            Aggregate::PointsAccount(_) => ACCOUNT,
            Aggregate::Reward(_) => VOUCHER,
            _ => FIRST_PART + 2,
        }]
    }
}

fn stream_of(place: usize) -> StreamId {
    match place {
        SAGA => trip().saga(),
        BOOKING => trip().stream(),
        PAYMENT => trip().payment(),
        3 => hotel_id().stream(),
        4 => flight_id().stream(),
        ACCOUNT => member().account(),
        VOUCHER => voucher_id().stream(),
        _ => car_id().stream(),
    }
}
