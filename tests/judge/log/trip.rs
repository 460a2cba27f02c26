//! What the log says of one trip.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::message::{Direction, Instruction};
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::{PaymentPlan, Step, TripPlan};
use traveladvisor_domain::trip_saga::TripSagaEvent;

#[derive(Default)]
pub(super) struct Trip {
    plan: Option<TripPlan>,
    done: Vec<Step>,
    /// Nobody knows whether it was done: it must be taken back as well.
    in_doubt: Option<Step>,
    undone: Vec<Step>,
    requested: usize,
    approved: usize,
    cancelled: usize,
    /// How often the traveller asked to cancel; once at most has an effect.
    cancellations: usize,
    /// Its saga has not ended: a traveller's cancellation begins a second way.
    open: bool,
    /// An operator was called and nothing has happened since.
    attention: Option<String>,
    charged: usize,
}

impl Trip {
    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Booking(event) => self.tell_booking(event),
            Event::TripSaga(event) => self.tell_saga(event),
            Event::Payment(PaymentEvent::PaymentCompleted { charge: Some(_), .. }) => self.charged += 1,
            _ => {}
        }
    }

    fn tell_booking(&mut self, event: &BookingEvent) {
        match event {
            BookingEvent::BookingRequested { plan, .. } => {
                self.requested += 1;
                self.plan = Some(plan.clone());
                self.open = true;
            }
            BookingEvent::CancellationRequested { .. } => {
                self.cancellations += 1;
                self.open = true;
            }
            BookingEvent::BookingApproved { .. } => self.approved += 1,
            BookingEvent::BookingCancelled { .. } => self.cancelled += 1,
            BookingEvent::AnswerRepeated { .. } => {}
        }
    }

    fn tell_saga(&mut self, event: &TripSagaEvent) {
        self.attention = None;
        match event {
            TripSagaEvent::StepSucceeded { step, sends, .. } => {
                self.done.push(*step);
                self.turned_back(sends);
            }
            TripSagaEvent::StepRefused { sends, .. }
            | TripSagaEvent::StepTimedOut { sends, .. }
            | TripSagaEvent::CancellationNoted { sends: Some(sends) } => self.turned_back(sends),
            TripSagaEvent::UndoSucceeded { step, .. } => self.undone.push(*step),
            TripSagaEvent::AttentionNeeded { fingerprint, .. } => self.attention = Some(fingerprint.clone()),
            TripSagaEvent::SagaSucceeded => self.open = self.cancellations > 0,
            TripSagaEvent::SagaCompensated { .. } | TripSagaEvent::SagaFailed { .. } => self.open = false,
            _ => {}
        }
    }

    /// A first undo of what was not done is one of what may have been.
    fn turned_back(&mut self, sends: &Instruction) {
        let step = sends.order.step();
        if sends.direction == Direction::Undo && step < Step::Approve && !self.done.contains(&step) {
            self.in_doubt = Some(step);
        }
    }

    /// What was asked for.
    pub(super) const fn plan(&self) -> Option<&TripPlan> {
        self.plan.as_ref()
    }

    pub(super) const fn stands(&self) -> bool {
        self.approved > 0 && self.cancelled == 0
    }

    pub(super) const fn is_cancelled(&self) -> bool {
        self.cancelled > 0
    }

    pub(super) const fn charged(&self) -> usize {
        self.charged
    }

    /// What must be kept of the money, in minor units.
    pub(super) fn owed(&self) -> i64 {
        let by_card = self.plan.as_ref().filter(|plan| self.stands() && matches!(plan.payment, PaymentPlan::Card(_)));
        by_card.map_or(0, |plan| plan.total.minor)
    }

    /// Whether it has called an operator and nothing has happened since.
    pub(super) const fn needs_attention(&self) -> bool {
        self.attention.is_some()
    }

    /// Why it has not ended; nothing when it has.
    pub(super) fn waits_for(&self) -> Option<String> {
        if let Some(fingerprint) = &self.attention {
            return Some(format!("it needs attention: {fingerprint}"));
        }
        (self.open || self.stands() == self.is_cancelled())
            .then(|| format!("done {:?}, undone {:?}", self.done, self.undone))
    }

    /// What is wrong with a trip that has ended.
    pub(super) fn fault(&self, held: &[&str]) -> Option<String> {
        let Some(plan) = &self.plan else { return Some("it was never asked for".to_owned()) };
        if self.requested > 1 || self.approved > 1 || self.cancelled > 1 {
            let Self { requested, approved, cancelled, .. } = self;
            return Some(format!("requested {requested} times, approved {approved}, cancelled {cancelled}"));
        }
        let parts = [(plan.hotel.is_some(), "hotel"), (plan.flight.is_some(), "flight"), (plan.car.is_some(), "car")];
        let wanted: Vec<&str> = parts.iter().filter(|(is, _)| *is && self.stands()).map(|(_, name)| *name).collect();
        if held != wanted {
            return Some(format!("half booked: {held:?} instead of {wanted:?}"));
        }
        if self.charged > 1 {
            return Some(format!("charged {} times", self.charged));
        }
        if self.done.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Some(format!("done out of order: {:?}", self.done));
        }
        let expected = self.to_be_undone();
        (self.undone != expected).then(|| format!("undone {:?} instead of {expected:?}", self.undone))
    }

    /// Parts in exact reverse, then the money if it had been taken; the approval's undo is the booking's cancellation.
    fn to_be_undone(&self) -> Vec<Step> {
        if !self.is_cancelled() {
            return Vec::new();
        }
        let may_stand: Vec<Step> = self.done.iter().copied().chain(self.in_doubt).collect();
        let parts = may_stand.iter().rev().filter(|step| **step < Step::Payment);
        let money = may_stand.iter().filter(|step| **step == Step::Payment);
        parts.chain(money).copied().collect()
    }
}
