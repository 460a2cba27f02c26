//! How a history lies in its file: one event a line, with the moment and the cause of its decision.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::held;
use crate::aggregate::{Aggregate, Event};
use crate::booking::BookingEvent;
use crate::id::{StreamId, StreamKind};
use crate::testing::world::{Decision, World, money_kept, trip};
use crate::trip::{Step, TripPlan};

/// Where things stood when it was recorded.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Affairs {
    saga: String,
    booking: String,
    wakes_at: Option<DateTime<Utc>>,
    held: BTreeSet<Step>,
    /// What the log knows to be taken and not given back, in minor units.
    kept: i64,
    /// Points that the member has more, or less, than before.
    #[serde(default, skip_serializing_if = "is_nothing")]
    points: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
const fn is_nothing(points: &i64) -> bool {
    *points == 0
}

/// All that happened to one trip, in order.
pub(super) struct History {
    pub(super) definition: u32,
    pub(super) affairs: Affairs,
    pub(super) events: Vec<(StreamId, Event)>,
    pub(super) decisions: Vec<Decision>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    stream: String,
    #[serde(flatten)]
    decision: Decision,
    event: Value,
}

#[derive(Serialize, Deserialize)]
struct File {
    definition: u32,
    affairs: Affairs,
    events: Vec<Line>,
}

/// The first word of how a state is told.
fn name(state: &impl std::fmt::Debug) -> String {
    let told = format!("{state:?}");
    told.split([' ', '(']).next().unwrap_or_default().to_owned()
}

impl Affairs {
    pub(super) fn of(world: &World) -> Self {
        let Aggregate::Booking(booking) = world.aggregate(trip().stream()) else { panic!("no booking") };
        let (saga, kept) = (world.saga(), money_kept(&world.log));
        let points = world.account().balance().cast_signed() - world.points_before().cast_signed();
        Self {
            saga: name(&saga),
            booking: name(&booking),
            wakes_at: saga.wake_up_at(),
            held: held(world),
            kept,
            points,
        }
    }
}

impl History {
    pub(super) fn of(world: &World, definition: u32) -> Self {
        let (events, decisions) = (world.log.clone(), world.decisions.clone());
        Self { definition, affairs: Affairs::of(world), events, decisions }
    }

    pub(super) fn written(&self) -> String {
        let affairs = serde_json::to_string(&self.affairs).expect("JSON");
        let line = |((stream, event), decision): (&(StreamId, Event), &Decision)| {
            let line = Line { stream: stream.to_string(), decision: decision.clone(), event: stored(event) };
            format!("    {}", serde_json::to_string(&line).expect("JSON"))
        };
        let lines: Vec<String> = self.events.iter().zip(&self.decisions).map(line).collect();
        let (definition, lines) = (self.definition, lines.join(",\n"));
        format!("{{\n  \"definition\": {definition},\n  \"affairs\": {affairs},\n  \"events\": [\n{lines}\n  ]\n}}\n")
    }

    /// The trip that is told of.
    pub(super) fn plan(&self) -> TripPlan {
        let plan = self.events.iter().find_map(|(_, event)| match event {
            Event::Booking(BookingEvent::BookingRequested { plan, .. }) => Some(plan.clone()),
            _ => None,
        });
        plan.expect("a trip")
    }

    /// A world in which all this has happened.
    pub(super) fn world(&self) -> World {
        World::resumed(self.events.clone(), self.decisions.clone())
    }

    fn read(text: &str) -> Self {
        let File { definition, affairs, events } = serde_json::from_str(text).expect("a history");
        let (events, decisions) = events
            .into_iter()
            .map(|Line { stream, decision, event }| {
                let stream: StreamId = stream.parse().expect("a stream");
                ((stream, event_of(stream.kind, event)), decision)
            })
            .unzip();
        Self { definition, affairs, events, decisions }
    }
}

pub(super) fn folder(definition: u32) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "histories", &definition.to_string()].iter().collect()
}

/// The histories of a definition, by name.
pub(super) fn of_definition(definition: u32) -> Vec<(String, History)> {
    let files = fs::read_dir(folder(definition)).expect("a folder of histories");
    let mut histories: Vec<(String, History)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, History::read(&fs::read_to_string(path).expect("readable")))
        })
        .collect();
    histories.sort_by(|(one, _), (other, _)| one.cmp(other));
    histories
}

fn stored(event: &Event) -> Value {
    let value = match event {
        Event::Booking(event) => serde_json::to_value(event),
        Event::TripSaga(event) => serde_json::to_value(event),
        Event::Hotel(event) => serde_json::to_value(event),
        Event::Flight(event) => serde_json::to_value(event),
        Event::Car(event) => serde_json::to_value(event),
        Event::Payment(event) => serde_json::to_value(event),
        Event::DeadLetter(event) => serde_json::to_value(event),
        Event::Member(event) => serde_json::to_value(event),
        Event::EmailClaim(event) => serde_json::to_value(event),
        Event::PointsAccount(event) => serde_json::to_value(event),
        Event::Campaign(event) => serde_json::to_value(event),
        Event::Reward(event) => serde_json::to_value(event),
        Event::Programme(event) => serde_json::to_value(event),
    };
    value.expect("JSON")
}

fn event_of(kind: StreamKind, event: Value) -> Event {
    let read = match kind {
        StreamKind::Booking => serde_json::from_value(event).map(Event::Booking),
        StreamKind::TripSaga => serde_json::from_value(event).map(Event::TripSaga),
        StreamKind::Hotel => serde_json::from_value(event).map(Event::Hotel),
        StreamKind::Flight => serde_json::from_value(event).map(Event::Flight),
        StreamKind::Car => serde_json::from_value(event).map(Event::Car),
        StreamKind::Payment => serde_json::from_value(event).map(Event::Payment),
        StreamKind::DeadLetter => serde_json::from_value(event).map(Event::DeadLetter),
        StreamKind::Member => serde_json::from_value(event).map(Event::Member),
        StreamKind::EmailClaim => serde_json::from_value(event).map(Event::EmailClaim),
        StreamKind::PointsAccount => serde_json::from_value(event).map(Event::PointsAccount),
        StreamKind::Campaign => serde_json::from_value(event).map(Event::Campaign),
        StreamKind::Reward => serde_json::from_value(event).map(Event::Reward),
        StreamKind::Programme => serde_json::from_value(event).map(Event::Programme),
    };
    read.unwrap_or_else(|error| panic!("not a {kind:?} event any more: {error}"))
}
