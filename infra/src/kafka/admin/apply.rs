//! Makes topics what they should be. Run again it changes nothing.

use std::collections::BTreeMap;

use rdkafka::admin::{
    AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    TopicResult,
};
use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};

use super::look::{BATCH_BYTES, CLEANUP, IN_SYNC_MIN, RETENTION, admin, configs, options, topics, until_known};
use super::{Topic, TopicSpec, failed};
use crate::kafka::{KafkaError, KafkaSettings};

/// What became of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Created,
    /// It was as it should be.
    Unchanged,
    /// Retention or compaction was another.
    Changed,
    /// It had fewer partitions, this many.
    Grown {
        /// How many it had.
        from: u32,
    },
    /// It cannot become what it should be; the sentence says why and what to do.
    Refused(String),
}

/// What became of each topic, in the order in which they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name without prefix, and what became of it.
    pub topics: Vec<(String, Applied)>,
}

impl Report {
    /// Whether everything is as it should be now.
    pub fn is_done(&self) -> bool {
        !self.topics.iter().any(|(_, applied)| matches!(applied, Applied::Refused(_)))
    }
}

/// Creates what is missing, adds partitions, sets retention and compaction. Takes nothing away: neither topics nor partitions, nor settings
/// that somebody else has made. A topic with more partitions
/// than named keeps them.
///
/// # Errors
///
/// When no broker answers. What a broker refuses stands in the report.
pub async fn topics_apply(settings: &KafkaSettings, specs: &[TopicSpec]) -> Result<Report, KafkaError> {
    let there = topics(settings).await?;
    let is_there = |spec: &&TopicSpec| there.iter().any(|topic| topic.name == spec.name);
    let missing: Vec<&TopicSpec> = specs.iter().filter(|spec| !is_there(spec)).collect();
    let mut created = create(settings, &missing).await?;
    let mut report = Vec::with_capacity(specs.len());
    for spec in specs {
        let applied = match there.iter().find(|topic| topic.name == spec.name) {
            None => created.remove(&spec.name).unwrap_or(Applied::Unchanged),
            Some(topic) => amend(settings, spec, topic).await?,
        };
        report.push((spec.name.clone(), applied));
    }
    let made = report.iter().filter(|(_, applied)| *applied == Applied::Created);
    until_known(settings, made.map(|(name, _)| name.clone()).collect()).await?;
    Ok(Report { topics: report })
}

/// All at once; what became of each, by name.
async fn create(settings: &KafkaSettings, specs: &[&TopicSpec]) -> Result<BTreeMap<String, Applied>, KafkaError> {
    if specs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let named: Vec<_> = specs.iter().map(|spec| (settings.on_broker(&spec.name), wanted(spec))).collect();
    let topics: Vec<NewTopic<'_>> =
        specs.iter().zip(&named).map(|(spec, (name, wanted))| new(spec, name, wanted)).collect();
    let answers = admin(settings)?.create_topics(&topics, &options()).await;
    let answers = answers.map_err(|error| failed(&error, settings, ""))?;
    let refused: BTreeMap<String, Code> = answers.into_iter().filter_map(Result::err).collect();
    let applied = specs.iter().zip(&named).map(|(spec, (name, _))| {
        let applied = match refused.get(name) {
            None => Applied::Created,
            // Somebody else was faster, with the same table.
            Some(Code::TopicAlreadyExists) => Applied::Unchanged,
            Some(code) => Applied::Refused(sentence(spec, *code)),
        };
        (spec.name.clone(), applied)
    });
    Ok(applied.collect())
}

fn new<'t>(spec: &TopicSpec, name: &'t str, wanted: &'t BTreeMap<String, String>) -> NewTopic<'t> {
    let replication = TopicReplication::Fixed(i32::try_from(spec.replication).unwrap_or(i32::MAX));
    let topic = NewTopic::new(name, i32::try_from(spec.partitions).unwrap_or(i32::MAX), replication);
    wanted.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
}

async fn amend(settings: &KafkaSettings, spec: &TopicSpec, topic: &Topic) -> Result<Applied, KafkaError> {
    let mut applied = Applied::Unchanged;
    if let Some(refused) = configure(settings, spec, topic, &mut applied).await? {
        return Ok(refused);
    }
    if topic.partitions >= spec.partitions {
        return Ok(applied);
    }
    let name = settings.on_broker(&spec.name);
    let more = NewPartitions::new(&name, usize::try_from(spec.partitions).unwrap_or(usize::MAX));
    let answer = admin(settings)?.create_partitions([&more], &options()).await;
    match refusal(answer, settings, spec)? {
        None => Ok(Applied::Grown { from: topic.partitions }),
        Some(code) => Ok(Applied::Refused(sentence(spec, code))),
    }
}

/// Sets what differs; all that was set before is named again, as the broker takes away what is not.
async fn configure(
    settings: &KafkaSettings,
    spec: &TopicSpec,
    topic: &Topic,
    applied: &mut Applied,
) -> Result<Option<Applied>, KafkaError> {
    if topic.compacted == spec.compacted && topic.retention_ms == spec.retention_ms {
        return Ok(None);
    }
    let found = configs(settings, std::slice::from_ref(topic)).await?;
    let Some((_, config)) = found.first() else { return Ok(None) };
    let mut entries = set_before(config);
    entries.extend(wanted(spec));
    let name = settings.on_broker(&spec.name);
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(&name));
    for (key, value) in &entries {
        change = change.set(key, value);
    }
    let answer = admin(settings)?.alter_configs([&change], &options()).await;
    let answers = answer.map_err(|error| failed(&error, settings, &spec.name))?;
    if let Some(Err((_, code))) = answers.into_iter().next() {
        return Ok(Some(Applied::Refused(sentence(spec, code))));
    }
    *applied = Applied::Changed;
    Ok(None)
}

fn set_before(config: &ConfigResource) -> BTreeMap<String, String> {
    let set = config.entries.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
    set.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn wanted(spec: &TopicSpec) -> BTreeMap<String, String> {
    let policy = if spec.compacted { "compact" } else { "delete" };
    let kept = spec.retention_ms.map_or_else(|| "-1".to_owned(), |ms| ms.to_string());
    // Acknowledged means stored on all copies but one: one broker may be away, and none may be the only one that has it.
    let stored_on = spec.replication.saturating_sub(1).max(1);
    BTreeMap::from([
        (CLEANUP.to_owned(), policy.to_owned()),
        (RETENTION.to_owned(), kept),
        (IN_SYNC_MIN.to_owned(), stored_on.to_string()),
        // What a producer sends together is taken together, whatever the broker's own bound is.
        (BATCH_BYTES.to_owned(), super::super::bounds::BATCH_BYTES_MAX.to_string()),
    ])
}

fn refusal(
    answer: Result<Vec<TopicResult>, Native>,
    settings: &KafkaSettings,
    spec: &TopicSpec,
) -> Result<Option<Code>, KafkaError> {
    let answers = answer.map_err(|error| failed(&error, settings, &spec.name))?;
    Ok(answers.into_iter().find_map(Result::err).map(|(_, code)| code))
}

fn sentence(spec: &TopicSpec, code: Code) -> String {
    match code {
        Code::InvalidReplicationFactor => {
            format!(
                "{} brokers are needed for {} copies: start more, or name fewer with --replication",
                spec.replication, spec.replication
            )
        }
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            "the broker lets us not change topics: use an account that may".to_owned()
        }
        code => format!("the broker refused it: {code}"),
    }
}
