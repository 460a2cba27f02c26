//! Looks at a broker.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as Native;
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::{Topic, failed};
use crate::kafka::bounds::{ANSWER_LIMIT, KNOWN_AGAIN};
use crate::kafka::client::{self, Voice};
use crate::kafka::{Incoming, KafkaError, KafkaSettings};

/// What the program calls itself here.
pub(super) const CLIENT: &str = "traveladvisor-admin";
/// How a topic's settings are named on a broker.
pub(super) const CLEANUP: &str = "cleanup.policy";
/// The same, for how many copies a record must have before it is acknowledged.
pub(super) const IN_SYNC_MIN: &str = "min.insync.replicas";
pub(super) const BATCH_BYTES: &str = "max.message.bytes";
/// The same, for how long records are kept.
pub(super) const RETENTION: &str = "retention.ms";

/// Asks the brokers who they are, and gives how many there are.
///
/// # Errors
///
/// When none answers.
pub async fn health(settings: &KafkaSettings) -> Result<usize, KafkaError> {
    blocking(settings, |consumer, settings| {
        let found = consumer.fetch_metadata(None, ANSWER_LIMIT).map_err(|error| failed(&error, settings, ""))?;
        Ok(found.brokers().len())
    })
    .await
}

/// The topics of this installation: those whose name begins with its prefix, in the order of their names.
///
/// # Errors
///
/// When no broker answers.
pub async fn topics(settings: &KafkaSettings) -> Result<Vec<Topic>, KafkaError> {
    let mut found = counted(settings).await?;
    let configs = configs(settings, &found).await?;
    for topic in &mut found {
        let Some((_, config)) = configs.iter().find(|(name, _)| *name == topic.name) else { continue };
        let value = |key| config.get(key).and_then(|entry| entry.value.clone()).unwrap_or_default();
        topic.retention_ms = value(RETENTION).parse().ok();
        topic.compacted = value(CLEANUP).split(',').any(|policy| policy.trim() == "compact");
    }
    Ok(found)
}

async fn counted(settings: &KafkaSettings) -> Result<Vec<Topic>, KafkaError> {
    blocking(settings, |consumer, settings| {
        let found = consumer.fetch_metadata(None, ANSWER_LIMIT).map_err(|error| failed(&error, settings, ""))?;
        // The broker's own begin with two underscores.
        let ours = found.topics().iter().filter(|topic| !topic.name().starts_with("__"));
        let topic = |topic: &MetadataTopic| {
            let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min();
            Some(Topic {
                name: settings.ours(topic.name())?.to_owned(),
                partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
                replication: u32::try_from(replicas.unwrap_or(0)).unwrap_or(u32::MAX),
                retention_ms: None,
                compacted: false,
            })
        };
        let mut topics: Vec<Topic> = ours.filter_map(topic).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    })
    .await
}

/// Waits until a broker tells of these topics and of who leads each partition. Whoever joins a group before that is not given them, and looks
/// again after `NEW_PARTITIONS_MS` only. One that does not become known in time is found then.
pub(super) async fn until_known(settings: &KafkaSettings, names: BTreeSet<String>) -> Result<(), KafkaError> {
    let mut waited = Duration::ZERO;
    while !names.is_empty() && waited < ANSWER_LIMIT {
        let known = blocking(settings, |consumer, settings| {
            let found = consumer.fetch_metadata(None, ANSWER_LIMIT).map_err(|error| failed(&error, settings, ""))?;
            let is_led = |topic: &&MetadataTopic| {
                let partitions = topic.partitions();
                topic.error().is_none() && !partitions.is_empty() && partitions.iter().all(|one| one.leader() >= 0)
            };
            let led = found.topics().iter().filter(is_led).filter_map(|topic| settings.ours(topic.name()));
            Ok(led.map(str::to_owned).collect::<BTreeSet<String>>())
        });
        if known.await?.is_superset(&names) {
            return Ok(());
        }
        tokio::time::sleep(KNOWN_AGAIN).await;
        waited += KNOWN_AGAIN;
    }
    Ok(())
}

/// The settings of these topics, by name without prefix.
pub(super) async fn configs(
    settings: &KafkaSettings,
    topics: &[Topic],
) -> Result<Vec<(String, ConfigResource)>, KafkaError> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = topics.iter().map(|topic| settings.on_broker(&topic.name)).collect();
    let wanted: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let answer = admin(settings)?.describe_configs(&wanted, &options()).await;
    let answers = answer.map_err(|error| failed(&error, settings, ""))?;
    let mut found = Vec::new();
    for (topic, answer) in topics.iter().zip(answers) {
        let config = answer.map_err(|code| failed(&Native::AdminOp(code), settings, &topic.name))?;
        found.push((topic.name.clone(), config));
    }
    Ok(found)
}

/// One record of a topic (without prefix); `None` when it is not there, or no longer.
///
/// # Errors
///
/// When no broker answers, or there is no such partition.
pub async fn fetch_one(
    settings: &KafkaSettings,
    topic: &str,
    partition: i32,
    offset: u64,
) -> Result<Option<Incoming>, KafkaError> {
    let topic = topic.to_owned();
    blocking(settings, move |consumer, settings| {
        let failed = |error: Native| failed(&error, settings, &topic);
        let name = settings.on_broker(&topic);
        let (low, high) = consumer.fetch_watermarks(&name, partition, ANSWER_LIMIT).map_err(failed)?;
        let (low, high) = (low.cast_unsigned(), high.cast_unsigned());
        if offset < low || offset >= high {
            return Ok(None);
        }
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(&name, partition, Offset::Offset(offset.cast_signed())).map_err(failed)?;
        consumer.assign(&place).map_err(failed)?;
        match consumer.poll(ANSWER_LIMIT) {
            Some(Ok(message)) if message.offset().cast_unsigned() == offset => {
                Ok(Some(Incoming::of(&message, settings)))
            }
            Some(Ok(_) | Err(Native::PartitionEOF(_))) => Ok(None),
            Some(Err(error)) => Err(failed(error)),
            None => Err(KafkaError::Away { brokers: settings.brokers.clone(), reason: "no answer in time".to_owned() }),
        }
    })
    .await
}

pub(super) fn admin(settings: &KafkaSettings) -> Result<AdminClient<Voice>, KafkaError> {
    let created = client::config(settings, CLIENT).create_with_context(Voice::default());
    created.map_err(|error| failed(&error, settings, ""))
}

pub(super) fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_LIMIT)).operation_timeout(Some(ANSWER_LIMIT))
}

/// Runs what waits inside the client on a thread that may.
async fn blocking<T: Send + 'static>(
    settings: &KafkaSettings,
    work: impl FnOnce(&BaseConsumer<Voice>, &KafkaSettings) -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    let settings = settings.clone();
    let done = tokio::task::spawn_blocking(move || {
        let created = client::config(&settings, CLIENT)
            .set("group.id", settings.on_broker(CLIENT))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create_with_context(Voice::default());
        let consumer: BaseConsumer<Voice> = created.map_err(|error| failed(&error, &settings, ""))?;
        work(&consumer, &settings)
    });
    done.await.unwrap_or_else(|error| Err(KafkaError::Other(format!("a look at the broker broke off: {error}"))))
}
