//! The bus as `AsyncAPI` 3.0 describes it: made of the table of topics, and of the very types that are written.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::payload::{FlatAnswer, FlatInstruction};
use super::{Carries, Envelope, Standing, TOPICS, Topic, Version};
use crate::car::CarEvent;
use crate::context::Context;
use crate::dead_letter::DeadLetterEvent;
use crate::flight::FlightEvent;
use crate::hotel::HotelEvent;
use crate::id::StreamKind;
use crate::message::{Answer, Direction, Instruction};
use crate::points::{Earning, PointsOrder};
use crate::reward::RewardEvent;
use crate::trip::Step;

/// Version of the specification that the description follows.
const SPECIFICATION: &str = "3.0.0";
/// Version of the Kafka bindings.
const BINDINGS: &str = "0.5.0";
/// Where schemas stand in the description.
const SCHEMAS: &str = "/components/schemas";

/// The description of the bus, of the program of this version.
pub fn asyncapi(program_version: &str) -> Value {
    let settings =
        SchemaSettings::draft07().for_serialize().with(|settings| settings.definitions_path = SCHEMAS.into());
    let mut generator = settings.into_generator();
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for topic in TOPICS {
        let id = id_of(topic);
        channels.insert(id.clone(), channel(topic));
        operations.insert(format!("send.{id}"), operation("send", topic));
        if topic.to.is_some() {
            operations.insert(format!("receive.{id}"), operation("receive", topic));
        }
        for version in Version::ALL {
            messages.insert(message_id(topic, version), message(topic, version, &mut generator));
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Headers".to_owned(), headers());
    json!({
        "asyncapi": SPECIFICATION,
        "info": {
            "title": "traveladvisor bus",
            "version": program_version,
            "description": "What the services of a booking engine for whole trips send each other over Kafka, and what anybody else may read \
                there. Records are CloudEvents 1.0 in binary mode. A record may come more than once, with the same id.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "servers": { "kafka": {
            "host": "127.0.0.1:9092",
            "protocol": "kafka",
            "description": "The brokers of an installation: setting kafka.brokers. Names of topics may have a prefix: kafka.topic_prefix.",
        } },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    })
}

/// Dots are for names of topics.
fn id_of(topic: &Topic) -> String {
    topic.name.replace('.', "-")
}

fn message_id(topic: &Topic, version: Version) -> String {
    format!("{}-v{version}", id_of(topic))
}

fn channel(topic: &Topic) -> Value {
    let messages: Map<String, Value> = Version::ALL
        .map(|version| {
            let reference = json!({ "$ref": format!("#/components/messages/{}", message_id(topic, version)) });
            (format!("v{version}"), reference)
        })
        .into_iter()
        .collect();
    let policy = if topic.carries.is_compacted() { "compact" } else { "delete" };
    json!({
        "address": topic.name,
        "description": summary(topic),
        "messages": messages,
        "bindings": { "kafka": {
            "topicConfiguration": { "cleanup.policy": [policy] },
            "bindingVersion": BINDINGS,
        } },
    })
}

fn operation(action: &str, topic: &Topic) -> Value {
    let who = match (action, topic.to) {
        ("receive", Some(to)) => to,
        _ => topic.from,
    };
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{}", id_of(topic)) },
        "title": format!("{who} {action}s {}", topic.message_type()),
        "tags": [{ "name": who.as_str() }],
    })
}

fn message(topic: &Topic, version: Version, generator: &mut SchemaGenerator) -> Value {
    let envelope = generator.subschema_for::<Envelope>();
    let payload = payload(topic.carries, topic.from, version, generator);
    let kind = key_kind(topic).as_str();
    json!({
        "name": topic.message_type(),
        "title": format!("{}, version {version}", topic.message_type()),
        "summary": summary(topic),
        "contentType": "application/json",
        "headers": { "$ref": format!("#{SCHEMAS}/Headers") },
        "payload": { "allOf": [envelope, { "properties": {
            "type": { "const": topic.message_type() },
            "version": { "const": version.number() },
            "payload": payload,
        } }] },
        "bindings": { "kafka": {
            "key": { "type": "string", "pattern": format!("^{kind}_[0-9a-hjkmnp-tv-z]{{26}}$") },
            "bindingVersion": BINDINGS,
        } },
    })
}

/// What a payload may be in this topic, beside the shape of its type.
fn payload(carries: Carries, from: Context, version: Version, generator: &mut SchemaGenerator) -> Value {
    let (schema, narrowed) = match (carries, version) {
        (Carries::Instruction(step, direction), Version::One) => {
            let order = json!({ "required": [order_name(step)] });
            let narrowed = json!({ "direction": { "const": direction.as_str() }, "order": order });
            (generator.subschema_for::<Instruction>(), narrowed)
        }
        (Carries::Instruction(step, direction), Version::Two) => {
            let order = json!({ "const": order_name(step).to_lowercase() });
            let narrowed = json!({ "direction": { "const": direction.as_str() }, "order": order });
            (generator.subschema_for::<FlatInstruction>(), narrowed)
        }
        (Carries::Answer(step, direction), _) => return answer(Some(step), direction, version, generator),
        (Carries::PointsAnswer(direction), _) => return answer(None, direction, version, generator),
        (Carries::Points(direction), _) => {
            (generator.subschema_for::<PointsOrder>(), json!({ "direction": { "const": direction.as_str() } }))
        }
        (Carries::Earn | Carries::Reverse, _) => return generator.subschema_for::<Earning>().to_value(),
        (Carries::Standing, _) => return generator.subschema_for::<Standing>().to_value(),
        (Carries::Letter, _) => return generator.subschema_for::<DeadLetterEvent>().to_value(),
        (Carries::Voucher, _) => return one_of(&generator.subschema_for::<RewardEvent>(), &["RewardGranted"]),
        (Carries::Offer, _) => return offer(from, generator),
    };
    json!({ "allOf": [schema, { "properties": narrowed }] })
}

fn answer(step: Option<Step>, direction: Direction, version: Version, generator: &mut SchemaGenerator) -> Value {
    let schema = match version {
        Version::One => generator.subschema_for::<Answer>(),
        Version::Two => generator.subschema_for::<FlatAnswer>(),
    };
    let step = step.unwrap_or(Step::Payment).as_str();
    let narrowed = json!({ "step": { "const": step }, "direction": { "const": direction.as_str() } });
    json!({ "allOf": [schema, { "properties": narrowed }] })
}

fn offer(from: Context, generator: &mut SchemaGenerator) -> Value {
    match from {
        Context::Hotel => one_of(&generator.subschema_for::<HotelEvent>(), &["HotelListed", "HotelChanged"]),
        Context::Flight => one_of(&generator.subschema_for::<FlightEvent>(), &["FlightListed", "FlightChanged"]),
        _ => one_of(&generator.subschema_for::<CarEvent>(), &["CarListed", "CarChanged"]),
    }
}

/// Of all events of a stream these.
fn one_of(schema: &schemars::Schema, names: &[&str]) -> Value {
    let any: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
    json!({ "allOf": [schema, { "anyOf": any }] })
}

/// As the variants of the order are called.
const fn order_name(step: Step) -> &'static str {
    match step {
        Step::Voucher => "Voucher",
        Step::Hotel => "Rooms",
        Step::Flight => "Seats",
        Step::Car => "Vehicle",
        Step::Payment => "Payment",
        Step::Approve => "Booking",
    }
}

/// Whose ids the keys are: records of one key keep their order.
const fn key_kind(topic: &Topic) -> StreamKind {
    match (topic.carries, topic.from) {
        (Carries::Instruction(Step::Voucher, _) | Carries::Voucher, _) => StreamKind::Reward,
        (Carries::Instruction(Step::Hotel, _), _) | (Carries::Offer, Context::Hotel) => StreamKind::Hotel,
        (Carries::Instruction(Step::Flight, _), _) | (Carries::Offer, Context::Flight) => StreamKind::Flight,
        (Carries::Instruction(Step::Car, _) | Carries::Offer, _) => StreamKind::Car,
        (Carries::Instruction(Step::Payment, _) | Carries::PointsAnswer(_), _) => StreamKind::Payment,
        (Carries::Instruction(Step::Approve, _) | Carries::Answer(..), _) => StreamKind::Booking,
        (Carries::Points(_) | Carries::Earn | Carries::Reverse, _) => StreamKind::PointsAccount,
        (Carries::Standing, _) => StreamKind::Member,
        (Carries::Letter, _) => StreamKind::DeadLetter,
    }
}

fn summary(topic: &Topic) -> String {
    let (from, to) = (topic.from, topic.to.map_or("operators", Context::as_str));
    match topic.carries {
        Carries::Instruction(step, Direction::Request) => {
            format!("{from} asks {to} for its part of a trip: step {}.", step.as_str())
        }
        Carries::Instruction(step, Direction::Undo) => {
            format!("{from} asks {to} to take back step {} of a trip.", step.as_str())
        }
        Carries::Answer(step, Direction::Request) => {
            format!("{from} answers what it was asked for: step {}.", step.as_str())
        }
        Carries::Answer(step, Direction::Undo) => {
            format!("{from} answers that it has taken back step {}, or why not.", step.as_str())
        }
        Carries::Points(Direction::Request) => "A payment asks for a member's points.".to_owned(),
        Carries::Points(Direction::Undo) => "A payment gives a member's points back.".to_owned(),
        Carries::PointsAnswer(Direction::Request) => "Whether the points were taken.".to_owned(),
        Carries::PointsAnswer(Direction::Undo) => "That the points were given back.".to_owned(),
        Carries::Earn => "The points that an approved trip brings its member.".to_owned(),
        Carries::Reverse => "The points that a cancelled trip had brought its member.".to_owned(),
        Carries::Offer => {
            format!("What {from} has on sale, and at what price. The last record of a key is what counts.")
        }
        Carries::Standing => "Whether somebody is a member. The last record of a key is what counts.".to_owned(),
        Carries::Voucher => "What a member was granted that makes a trip cheaper.".to_owned(),
        Carries::Letter => format!("A message to {from} was set aside, tried again or given up."),
    }
}

fn headers() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let uuid = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    let fixed = |value: &str| json!({ "type": "string", "const": value });
    json!({
        "type": "object",
        "properties": {
            "id": uuid("The message's id: the same at every delivery."),
            "aggregateType": text("Kind of the stream whose event caused it."),
            "ce_id": uuid("As id."),
            "ce_type": text("As type in the value."),
            "ce_source": { "type": "string", "format": "uri-reference", "description": "The log it comes from: /traveladvisor/<log>." },
            "ce_specversion": fixed("1.0"),
            "content-type": fixed("application/json"),
            "traceparent": { "type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", "description": "W3C trace context." },
        },
        "required": ["id", "aggregateType", "ce_id", "ce_type", "ce_source", "ce_specversion", "content-type", "traceparent"],
    })
}
