//! A house for one test: a database, its log, and aggregates that decide as they do in the program.

pub(crate) mod acts;
mod deliver;
pub(crate) mod members;
mod offers;
pub(crate) mod random;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use traveladvisor_domain::aggregate::{Aggregate, Command, Event};
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Destination, Direction, Message, messages};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::personal::{Personal, Traveller};
use traveladvisor_domain::trip::{Step, TripPlan};
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_domain::trip_saga::attention::{OperatorDecision, Resolution};
use traveladvisor_infra::event_log::{Append, Appended, EventLog, Metadata, NewEvent, Position, encode};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::{ProjectionName, Projectors};
use uuid::Uuid;

pub(crate) use offers::*;

/// Generous: only a defect takes this long.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// A log in a database of its own, and the aggregates that its events made.
pub(crate) struct House {
    pub(crate) log: EventLog,
    pub(crate) database: TestDatabase,
    states: HashMap<StreamId, (Aggregate, u64)>,
    inbox: VecDeque<Message>,
    /// What the gateway answers next; when empty, yes.
    pub(crate) gateway: VecDeque<GatewayOutcome>,
    /// How many of the next questions the gateway leaves without an answer.
    pub(crate) silent: u32,
    /// How many of the next instructions of a kind nobody can handle.
    pub(crate) faults: HashMap<(Step, Direction), u32>,
    pub(crate) now: DateTime<Utc>,
    appends: u128,
    pub(crate) last: Position,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with_schema(SCHEMA).await
    }

    pub(crate) async fn with_schema(schema: &str) -> Self {
        let database = TestDatabase::create(schema).await;
        Self {
            log: EventLog::new("public", database.pool.clone()),
            database,
            states: HashMap::new(),
            inbox: VecDeque::new(),
            gateway: VecDeque::new(),
            silent: 0,
            faults: HashMap::new(),
            now: instant("2024-12-01T12:00:00Z"),
            appends: 0,
            last: Position::START,
        }
    }

    /// Starts the projectors and waits until they have taken in all that was appended.
    pub(crate) async fn read(&self) -> (Projectors, Reads) {
        let projectors = Projectors::start(self.log.clone());
        let reads = Reads::new(&self.log, &projectors);
        self.catch_up(&reads).await;
        (projectors, reads)
    }

    pub(crate) async fn catch_up(&self, reads: &Reads) {
        for name in ProjectionName::ALL {
            reads.wait_for(name, self.last, LIMIT).await.expect("the projection comes there");
        }
    }

    pub(crate) fn occasion(&self) -> Occasion {
        Occasion { at: self.now, entropy: 0 }
    }

    /// A command decided, its events appended; what they cause waits in the inbox.
    pub(crate) async fn tell(&mut self, stream: StreamId, command: Command) -> Vec<Event> {
        let state = self.states.entry(stream).or_insert_with(|| (Aggregate::empty(stream.kind), 0));
        let events = state.0.decide(command).expect("the command is accepted");
        for event in &events {
            self.append(stream, event).await;
            self.inbox.extend(messages(stream, event));
        }
        events
    }

    /// An event appended as it is; a second later by the program's clock.
    pub(crate) async fn append(&mut self, stream: StreamId, event: &Event) -> Position {
        let payload = encode(event).expect("an event is JSON");
        let position = self.append_raw(stream, event.event_type(), payload).await;
        let state = self.states.get_mut(&stream).expect("a stream that was written");
        assert!(state.0.apply(event), "the event is of its stream");
        position
    }

    /// Any bytes appended as an event.
    pub(crate) async fn append_raw(&mut self, stream: StreamId, event_type: &str, payload: String) -> Position {
        self.now += TimeDelta::seconds(1);
        self.appends += 1;
        let state = self.states.entry(stream).or_insert_with(|| (Aggregate::empty(stream.kind), 0));
        state.1 += 1;
        let (sequence, batch) = (state.1, Uuid::from_u128(self.appends));
        let metadata = Metadata {
            batch: batch.to_string(),
            occurred_at: self.now.to_rfc3339(),
            actor: "test".into(),
            ..Metadata::default()
        };
        let event = NewEvent {
            stream,
            sequence,
            event_type: event_type.to_owned().into(),
            event_version: "1".into(),
            payload: payload.into(),
            metadata: serde_json::to_string(&metadata).expect("JSON").into(),
            told: None,
        };
        let append = Append {
            batch,
            reads: vec![(stream, sequence - 1)],
            events: vec![event],
            now: self.now,
            ..Append::default()
        };
        match self.log.append(&append).await {
            Ok(Appended::Committed { first: Some(position) }) => {
                self.last = position;
                position
            }
            other => panic!("not appended: {other:?}"),
        }
    }

    /// A trip is asked for; its saga has not begun.
    pub(crate) async fn request(&mut self, number: u128, owner: &str, email: &str, plan: TripPlan) -> BookingId {
        let booking = BookingId(Uuid::from_u128(number));
        let person = Traveller { email: email.into(), name: "Ada Lovelace".into(), phone: Some("+44 20 1".into()) };
        let traveller = Personal { subject: booking.to_string(), value: person };
        let command = BookingCommand::Request { owner: owner.into(), traveller, plan };
        self.tell(booking.stream(), Command::Booking(command)).await;
        booking
    }

    pub(crate) async fn cancel(&mut self, booking: BookingId) {
        let command = BookingCommand::Cancel { reason: Some("my words".into()), at: self.now };
        self.tell(booking.stream(), Command::Booking(command)).await;
    }

    /// Lets a saga try again, long after it was due.
    pub(crate) async fn wake(&mut self, booking: BookingId) {
        self.now += TimeDelta::hours(1);
        let command = TripSagaCommand::Wake { occasion: self.occasion() };
        self.tell(booking.saga(), Command::TripSaga(command)).await;
    }

    /// An operator's verb.
    pub(crate) async fn resolve(&mut self, booking: BookingId, resolution: Resolution) {
        let (actor, reason) = ("cli:ada".to_owned(), "seen in the gateway's own records".to_owned());
        let command = TripSagaCommand::Resolve {
            decision: OperatorDecision { resolution, fingerprint: None, actor, reason },
            occasion: self.occasion(),
        };
        self.tell(booking.saga(), Command::TripSaga(command)).await;
    }

    /// Delivers and lets the saga try again until an operator is called.
    pub(crate) async fn run_to_attention(&mut self, booking: BookingId) {
        let before = self.last;
        loop {
            self.deliver_all().await;
            let new = self.log.read_after(before, 1_000).await.expect("the log answers");
            if new.iter().any(|event| event.event_type == "AttentionNeeded") {
                return;
            }
            self.wake(booking).await;
        }
    }

    /// What becomes of an instruction that nobody can handle.
    fn takes_fault(&mut self, message: &Message) -> Option<(StreamId, Command)> {
        let Body::Instruction(asked) = &message.body else { return None };
        let left = self.faults.get_mut(&(asked.order.step(), asked.direction)).filter(|left| **left > 0)?;
        *left -= 1;
        let stream = StreamId::new(StreamKind::DeadLetter, Uuid::from_u128(self.appends));
        Some((stream, deliver::letter(message, asked)))
    }

    /// Delivers the oldest message; tells whether there was one.
    pub(crate) async fn deliver_one(&mut self) -> bool {
        let Some(message) = self.inbox.pop_front() else { return false };
        if let Some((stream, command)) = self.takes_fault(&message) {
            self.tell(stream, command).await;
            return true;
        }
        let (stream, command) = match message.to {
            Destination::Stream(stream) => (stream, deliver::command(&message, self.occasion())),
            Destination::Gateway if self.silent > 0 => {
                self.silent -= 1;
                (message.booking.payment(), deliver::silence(message))
            }
            Destination::Gateway => {
                let outcome = self.gateway.pop_front();
                (message.booking.payment(), deliver::settlement(message, outcome))
            }
        };
        self.tell(stream, command).await;
        true
    }

    /// Delivers until nothing is left.
    pub(crate) async fn deliver_all(&mut self) {
        while self.deliver_one().await {}
    }

    /// Delivers until an event of this name was written.
    pub(crate) async fn deliver_until(&mut self, event_type: &str) {
        loop {
            let before = self.last;
            assert!(self.deliver_one().await, "{event_type} never came");
            let new = self.log.read_after(before, 100).await.expect("the log answers");
            if new.iter().any(|event| event.event_type == event_type) {
                return;
            }
        }
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}
