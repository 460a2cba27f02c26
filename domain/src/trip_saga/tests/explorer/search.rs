//! The search: breadth first, so that the first path to a broken promise is a shortest one, over every state once.

use super::gateway::Turn;
use super::interned::{Id, Numbered};
use super::model::{Action, BOOKING, Bounds, Model, PARTS, WORDS};
use super::witness::{Kind, Promise, State, Trouble};
use crate::aggregate::Aggregate;
use crate::booking::Booking;
use crate::message::{Body, Direction, GatewayCallKind, Instruction};
use crate::testing::samples::POINTS_HELD;
use crate::trip::{PaymentPlan, Step};
use crate::trip_saga::TripSaga;
use crate::trip_saga::steps::PIVOT;

/// More attempts of one instruction than the bounds on trouble allow: beyond it something goes round in circles.
const ATTEMPTS_MAX: u32 = 40;

/// An order to the account that is lost holds up the payment.
const fn lost_order(direction: Direction) -> Trouble {
    Trouble { step: PIVOT, direction, kind: Kind::DeadLetter }
}

const fn dead_letter(asked: &Instruction) -> Trouble {
    Trouble { step: asked.order.step(), direction: asked.direction, kind: Kind::DeadLetter }
}

/// What an exploration has shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) transitions: usize,
    /// States in which the saga has ended and nothing is under way.
    pub(super) ends: usize,
}

impl Explored {
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            states: self.states + other.states,
            transitions: self.transitions + other.transitions,
            ends: self.ends + other.ends,
        }
    }
}

/// A broken promise and a shortest way to break it.
pub(super) struct Broken {
    pub(super) promise: Promise,
    pub(super) path: Vec<String>,
}

/// All states that were met, in order, each with the one from which it was met first.
struct Search {
    model: Model,
    states: Vec<State>,
    reached_by: Vec<(Id, Action)>,
    numbers: Numbered<State, Id>,
    /// Transitions that need no trouble, as (to, from).
    back: Vec<(Id, Id)>,
    ended: Vec<Id>,
    transitions: usize,
}

/// Meets every state that is within the bounds. `only`: no other promise is looked at.
pub(super) fn explore(bounds: Bounds, only: Option<Promise>) -> Result<Explored, Box<Broken>> {
    let mut model = Model::new(bounds, only);
    let start = model.start();
    let mut search = Search {
        model,
        states: Vec::new(),
        reached_by: Vec::new(),
        numbers: Numbered::default(),
        back: Vec::new(),
        ended: Vec::new(),
        transitions: 0,
    };
    search.meet(start, (0, Action::Wake));
    let mut next = 0;
    while next < search.states.len() {
        search.leave(next as Id)?;
        next += 1;
    }
    search.end_is_in_reach()?;
    Ok(Explored { states: search.states.len(), transitions: search.transitions, ends: search.ended.len() })
}

impl Search {
    fn meet(&mut self, state: State, by: (Id, Action)) -> Id {
        let next = self.states.len() as Id;
        *self.numbers.entry(state).or_insert_with(|| {
            self.states.push(state);
            self.reached_by.push(by);
            next
        })
    }

    /// Judges a state and meets all that follow it.
    fn leave(&mut self, number: Id) -> Result<(), Box<Broken>> {
        let state = self.states[number as usize];
        if let Some(promise) = self.broken_promise(&state) {
            self.broken(promise, number, None)?;
        }
        for (action, trouble) in self.actions(&state) {
            let Some(after) = self.model.after(&state, action) else { continue };
            self.transitions += 1;
            match after {
                Ok(mut after) => {
                    if let Some(what) = trouble {
                        after.troubles += u8::from(!self.goes_on(&state, what));
                        after.outage = Some(what);
                    }
                    let is_letter = |message| self.model.sets.has(state.set_aside, message);
                    after.letters += u8::from(matches!(action, Action::Deliver(message) if is_letter(message)));
                    after.verbs += u8::from(matches!(action, Action::Resolve(_)));
                    let after = self.model.without_idle(after);
                    let to = self.meet(after, (number, action));
                    if trouble.is_none() && to != number {
                        self.back.push((to, number));
                    }
                }
                Err(promise) => self.broken(promise, number, Some(action))?,
            }
        }
        Ok(())
    }

    /// What can happen next, and with which step there is trouble then.
    fn actions(&self, state: &State) -> Vec<(Action, Option<Trouble>)> {
        let mut actions = Vec::new();
        let (under_way, handled) = (self.model.sets.of(state.under_way), self.model.sets.of(state.handled));
        for message in under_way.iter() {
            self.ways_of(*message, &mut actions);
        }
        for message in handled.iter() {
            match &self.model.messages.get(*message).body {
                // The process died and makes its call again.
                Body::GatewayCall(_) | Body::LookUp(_) => actions.push((Action::Call(*message, Turn::Done), None)),
                Body::Instruction(asked) => actions.push((Action::SetAside(*message), Some(dead_letter(asked)))),
                _ => {}
            }
        }
        if state.letters < self.model.bounds.letters_max {
            let set_aside = self.model.sets.of(state.set_aside);
            let retried = set_aside.iter().filter(|message| !handled.contains(message));
            actions.extend(retried.map(|message| (Action::Deliver(*message), None)));
        }
        if self.model.will_wake(state) {
            let waits_for = self.model.waits_for_answer(state).filter(|_| !under_way.is_empty());
            let late = waits_for.map(|(step, direction)| Trouble { step, direction, kind: Kind::Late });
            actions.push((Action::Wake, late));
        }
        if self.model.bounds.may_cancel && !state.witness.is_cancelled {
            actions.push((Action::Cancel, None));
        }
        if state.verbs < self.model.bounds.verbs_max && self.model.saga(state).attention().is_some() {
            actions.extend(WORDS.map(|word| (Action::Resolve(word), None)));
        }
        let may_fail = state.troubles < self.model.bounds.troubles_max;
        actions.retain(|(action, trouble)| {
            let is_within = trouble.is_none_or(|what| may_fail || self.goes_on(state, what));
            let is_first =
                !matches!(action, Action::SetAside(message) if self.model.sets.has(state.set_aside, *message));
            is_within && is_first
        });
        actions
    }

    /// Whether a trouble is the one that there was before: it lasts until an operator is called.
    fn goes_on(&self, state: &State, what: Trouble) -> bool {
        let saga = self.model.saga(state);
        let attempt = match saga {
            TripSaga::Forward(forward) if (forward.at, Direction::Request) == (what.step, what.direction) => {
                forward.attempt
            }
            TripSaga::Backward(backward) if (backward.at, Direction::Undo) == (what.step, what.direction) => {
                backward.attempt
            }
            _ => return false,
        };
        state.outage == Some(what) && saga.attention().is_none() && attempt <= self.model.bounds.outage_tries
    }

    /// What can become of a message that is under way.
    fn ways_of(&self, message: Id, actions: &mut Vec<(Action, Option<Trouble>)>) {
        match &self.model.messages.get(message).body {
            Body::GatewayCall(call) | Body::LookUp(call) => {
                let direction = if call.kind == GatewayCallKind::Charge { Direction::Request } else { Direction::Undo };
                let trouble = |kind| Some(Trouble { step: PIVOT, direction, kind });
                // A declined card is an everyday thing, a refused refund is not.
                let refused = trouble(Kind::GatewayFault).filter(|_| direction == Direction::Undo);
                actions.extend([
                    (Action::Call(message, Turn::Done), None),
                    (Action::Call(message, Turn::Refused), refused),
                    (Action::Call(message, Turn::Faulted), trouble(Kind::GatewayFault)),
                    (Action::Call(message, Turn::DoneUnheard), trouble(Kind::Unheard)),
                    (Action::Call(message, Turn::Lost), trouble(Kind::Lost)),
                ]);
            }
            Body::Instruction(asked) => {
                actions.push((Action::Deliver(message), None));
                if asked.direction == Direction::Request && asked.order.step() < PIVOT {
                    actions.push((Action::DeliverWhenSoldOut(message), None));
                }
                actions.push((Action::SetAside(message), Some(dead_letter(asked))));
            }
            Body::Points(order) => {
                actions.push((Action::Deliver(message), None));
                if order.direction == Direction::Request {
                    actions.push((Action::DeliverWhenSoldOut(message), None));
                }
                actions.push((Action::SetAside(message), Some(lost_order(order.direction))));
            }
            _ => actions.push((Action::Deliver(message), None)),
        }
    }

    fn broken_promise(&mut self, state: &State) -> Option<Promise> {
        let model = &mut self.model;
        if model.writes_something_again(state) && model.only.is_none_or(|only| only == Promise::NothingTwice) {
            return Some(Promise::NothingTwice);
        }
        if !model.ledgers.get(state.ledger).is_sound() {
            return Some(Promise::OneCharge);
        }
        let is_quiet = model.sets.of(state.under_way).is_empty();
        match model.saga(state) {
            TripSaga::Forward(forward) if forward.attempt > ATTEMPTS_MAX => Some(Promise::NoCircles),
            TripSaga::Backward(backward) if backward.attempt > ATTEMPTS_MAX => Some(Promise::NoCircles),
            TripSaga::Succeeded { .. } | TripSaga::Compensated { .. } | TripSaga::Failed { .. } => {
                let numbers = &self.numbers;
                if is_quiet {
                    self.ended.extend(numbers.get(state));
                }
                let is_kept = self.is_all_or_nothing(state) && self.points_add_up(state, is_quiet);
                (!is_kept).then_some(Promise::AllOrNothing)
            }
            saga => {
                let is_watched = saga.attention().is_some();
                (is_quiet && !is_watched && !model.will_wake(state)).then_some(Promise::NoDeadEnd)
            }
        }
    }

    /// Whether booking, saga, participants and money agree at the end.
    fn is_all_or_nothing(&mut self, state: &State) -> bool {
        let held = self.model.held(state);
        let Aggregate::Booking(booking) = &**self.model.aggregates.get(state.aggregates[BOOKING]) else { return false };
        let plan = &self.model.bounds.plan;
        let kept = self.model.ledgers.get(state.ledger).kept();
        let left = held.less(state.witness.by_hand);
        match self.model.saga(state) {
            TripSaga::Succeeded { .. } => {
                let parts = [plan.hotel.is_some(), plan.flight.is_some(), plan.car.is_some()];
                let has_parts = PARTS.into_iter().zip(parts).all(|(step, there)| held.has(step) == there);
                let has_all = has_parts && held.has(Step::Voucher) == plan.voucher().is_some();
                let is_paid =
                    kept == if matches!(plan.payment, PaymentPlan::Card(_)) { vec![plan.total] } else { vec![] };
                // The traveller's cancellation may be under way to a saga that has just succeeded.
                let is_approved = match booking {
                    Booking::Approved { .. } => true,
                    Booking::Cancelling { approved, .. } => approved.is_some() && state.witness.is_cancelled,
                    _ => false,
                };
                has_all && is_paid && is_approved
            }
            TripSaga::Compensated { .. } => {
                let is_closed = matches!(booking, Booking::Cancelled { .. }) && state.witness.owes_nothing();
                is_closed && left.is_empty() && kept.is_empty() && state.witness.given_up.is_empty()
            }
            TripSaga::Failed { .. } => {
                let given_up = state.witness.given_up;
                let is_closed = matches!(booking, Booking::Cancelled { .. }) && state.witness.owes_nothing();
                let may_keep = kept.is_empty() || given_up.has(Step::Payment);
                is_closed && may_keep && !given_up.is_empty() && left.less(given_up).is_empty()
            }
            _ => true,
        }
    }

    /// Whether the member has at the end the points that there should be. What a trip brings, or what is taken back of it, may still be
    /// under way; what it is paid with is not.
    fn points_add_up(&self, state: &State, is_quiet: bool) -> bool {
        let plan = &self.model.bounds.plan;
        let costs = if let PaymentPlan::Redeem(redeem) = &plan.payment { redeem.points } else { 0 };
        let brings = plan.earns.map_or(0, |earns| earns.points);
        let points = self.model.points(state);
        let may_be_under_way = |at_last: u64| {
            let other = if at_last == POINTS_HELD { POINTS_HELD + brings } else { POINTS_HELD };
            points == at_last || (!is_quiet && brings > 0 && points == other)
        };
        match self.model.saga(state) {
            TripSaga::Succeeded { .. } if costs > 0 => points == POINTS_HELD - costs,
            TripSaga::Succeeded { .. } => may_be_under_way(POINTS_HELD + brings),
            TripSaga::Failed { .. } if costs > 0 && state.witness.given_up.has(Step::Payment) => {
                points == POINTS_HELD || points == POINTS_HELD - costs
            }
            _ => may_be_under_way(POINTS_HELD),
        }
    }

    /// From every state an end can be reached with no more trouble: walked backwards from the ends.
    fn end_is_in_reach(&mut self) -> Result<(), Box<Broken>> {
        self.back.sort_unstable();
        let mut reaches = vec![false; self.states.len()];
        let mut todo = self.ended.clone();
        for end in &todo {
            reaches[*end as usize] = true;
        }
        while let Some(to) = todo.pop() {
            let first = self.back.partition_point(|(other, _)| *other < to);
            for (_, from) in self.back[first..].iter().take_while(|(other, _)| *other == to) {
                if !std::mem::replace(&mut reaches[*from as usize], true) {
                    todo.push(*from);
                }
            }
        }
        match reaches.iter().position(|reaches| !reaches) {
            Some(stuck) => self.broken(Promise::EndInReach, stuck as Id, None),
            None => Ok(()),
        }
    }

    fn broken(&self, promise: Promise, at: Id, last: Option<Action>) -> Result<(), Box<Broken>> {
        if self.model.only.is_some_and(|only| only != promise) {
            return Ok(());
        }
        let mut path: Vec<String> = last.into_iter().map(|action| self.told(action)).collect();
        let mut number = at;
        while number != 0 {
            let (from, action) = self.reached_by[number as usize];
            path.push(self.told(action));
            number = from;
        }
        path.reverse();
        Err(Box::new(Broken { promise, path }))
    }

    /// An action in words.
    fn told(&self, action: Action) -> String {
        let words = |message: Id| {
            let message = self.model.messages.get(message);
            match &message.body {
                Body::Instruction(asked) => {
                    let (direction, step) = (asked.direction.as_str(), asked.order.step().as_str());
                    format!("{direction} {step} {}", asked.attempt)
                }
                Body::Answer(answer) => {
                    let (direction, step) = (answer.direction.as_str(), answer.step.as_str());
                    let outcome = format!("{:?}", answer.outcome);
                    let outcome = outcome.split(['(', ' ']).next().unwrap_or_default().to_owned();
                    format!("answer {direction} {step} {}: {outcome}", answer.attempt)
                }
                Body::StartTrip(_) => "start".to_owned(),
                Body::CancelTrip => "cancel".to_owned(),
                Body::GatewayCall(call) => format!("call {}", call.key),
                Body::LookUp(call) => format!("look up {}", call.key),
                Body::Points(order) => format!("{} points {}", order.direction.as_str(), order.attempt),
                Body::Earn(_) => "earn".to_owned(),
                Body::Reverse(_) => "reverse".to_owned(),
            }
        };
        match action {
            Action::Deliver(message) => format!("deliver [{}]", words(message)),
            Action::DeliverWhenSoldOut(message) => format!("refuse [{}]", words(message)),
            Action::Call(message, turn) => format!("gateway {turn:?} [{}]", words(message)),
            Action::SetAside(message) => format!("dead letter [{}]", words(message)),
            other => format!("{other:?}"),
        }
    }
}
