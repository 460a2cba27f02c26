//! The topics of this program: the domain's table, with what a broker wants to know of each.

use traveladvisor_domain::bus::{Carries, TOPICS, Topic as Row};

use super::{TopicSpec, topics};
use crate::kafka::bounds::{LETTERS_KEPT, MESSAGES_KEPT, PARTITIONS_DEFAULT};
use crate::kafka::{KafkaError, KafkaSettings};

/// How many partitions and copies all topics get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Equally many for all, so that one number is one writer.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
}

/// All topics of the table, of this size.
pub fn specs(size: Size) -> Vec<TopicSpec> {
    TOPICS.iter().map(|row| spec(row, size)).collect()
}

fn spec(row: &Row, size: Size) -> TopicSpec {
    let kept = match row.carries {
        Carries::Letter => Some(LETTERS_KEPT),
        carries if carries.is_compacted() => None,
        _ => Some(MESSAGES_KEPT),
    };
    TopicSpec {
        name: row.name.to_owned(),
        partitions: size.partitions,
        replication: size.replication,
        retention_ms: kept.map(|kept| u64::try_from(kept.as_millis()).unwrap_or(u64::MAX)),
        compacted: row.carries.is_compacted(),
    }
}

/// How many partitions the topics of the table have: those of the largest, as all others are to have as many; where there is none, the default.
///
/// # Errors
///
/// When no broker answers.
pub async fn partitions_now(settings: &KafkaSettings) -> Result<Option<u32>, KafkaError> {
    let there = topics(settings).await?;
    let ours = there.iter().filter(|topic| TOPICS.iter().any(|row| row.name == topic.name));
    Ok(ours.map(|topic| topic.partitions).max())
}

impl Size {
    /// As large as is named, else as large as what is there, else the default.
    ///
    /// # Errors
    ///
    /// How many there are, when fewer are named: a broker takes no partition away.
    pub fn at_least(named: Option<u32>, there: Option<u32>, replication: u32) -> Result<Self, u32> {
        match (named, there) {
            (Some(named), Some(there)) if named < there => Err(there),
            (named, there) => Ok(Self { partitions: named.or(there).unwrap_or(PARTITIONS_DEFAULT), replication }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_topics_have_equally_many_partitions_and_only_copies_are_compacted() {
        let specs = specs(Size { partitions: 3, replication: 2 });
        assert_eq!(specs.len(), TOPICS.len());
        for (spec, row) in specs.iter().zip(TOPICS) {
            assert_eq!((spec.partitions, spec.replication), (3, 2));
            assert_eq!(spec.compacted, spec.name.contains("supply_flow") || spec.name.contains("member_flow"));
            assert_eq!(
                spec.retention_ms.is_none(),
                row.carries.is_compacted(),
                "{}: only what is compacted is kept for ever",
                spec.name
            );
        }
    }

    #[test]
    fn nobody_takes_partitions_away() {
        assert_eq!(Size::at_least(Some(4), Some(8), 1), Err(8));
        assert_eq!(Size::at_least(None, Some(12), 1).map(|size| size.partitions), Ok(12));
        assert_eq!(Size::at_least(None, None, 1).map(|size| size.partitions), Ok(PARTITIONS_DEFAULT));
        assert_eq!(Size::at_least(Some(9), Some(8), 1).map(|size| size.partitions), Ok(9));
    }
}
