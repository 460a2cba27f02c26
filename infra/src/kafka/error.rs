//! Why a broker did not do what it was asked for. No sentence holds anything of a record.

use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};

/// Why something with the broker failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// No broker answers.
    #[error("no Kafka broker answers at {brokers} ({reason}): start it, or correct kafka.brokers")]
    Away {
        /// Where it was looked for.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// The topic is not there.
    #[error("the topic {0} is not there: run `traveladvisor kafka topics apply`")]
    NoTopic(String),
    /// This very record will be refused every time.
    #[error("the record is refused: {0}")]
    Record(String),
    /// This client can do nothing any more; another one must be opened.
    #[error("the Kafka client cannot go on ({0}): it is opened anew")]
    Fatal(String),
    /// The client cannot be set up like this.
    #[error("the Kafka client cannot be set up: {0}")]
    Settings(String),
    /// Anything else, which may pass.
    #[error("Kafka: {0}")]
    Other(String),
}

impl KafkaError {
    /// Whether the client that said this is lost.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Fatal(_))
    }

    /// Whether the record would be refused every time.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Record(_))
    }

    /// Whether the broker cannot be reached.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// What the client says of something about a topic.
    pub(super) fn of(error: &Native, brokers: &str, topic: &str) -> Self {
        let reason = error.to_string();
        match (error, error.rdkafka_error_code()) {
            (Native::ClientConfig(..) | Native::ClientCreation(_) | Native::Nul(_), _) => Self::Settings(reason),
            (_, Some(Code::Fatal)) | (Native::MessageConsumptionFatal(_), _) => Self::Fatal(reason),
            (_, Some(code)) if is_refusal(code) => Self::Record(reason),
            (_, Some(Code::UnknownTopic | Code::UnknownTopicOrPartition)) => Self::NoTopic(topic.to_owned()),
            (_, Some(code)) if is_away(code) => Self::Away { brokers: brokers.to_owned(), reason },
            _ => Self::Other(reason),
        }
    }
}

const fn is_refusal(code: Code) -> bool {
    matches!(code, Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::InvalidRecord)
}

const fn is_away(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::Resolve
    )
}
