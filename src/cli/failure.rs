//! Why a verb ends without success, and with which exit code.

use std::io;

use traveladvisor_commands::engine::bus::AnnounceError;
use traveladvisor_infra::event_log::LogError;
use traveladvisor_infra::kafka::KafkaError;
use traveladvisor_infra::postgres::MigrateError;
use traveladvisor_infra::private_server::ServerError;
use traveladvisor_projections::reads::ReadError;

/// Exit code: it failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code: wrong usage.
const USAGE: u8 = 2;
/// Exit code: drift or damage found.
const DAMAGE: u8 = 3;
/// Exit code: refused by the domain.
const REFUSED: u8 = 4;
/// Exit code: a needed service is unavailable.
const UNAVAILABLE: u8 = 5;

/// An end without success.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// A sentence for people; absent when everything was printed already.
    pub(crate) message: Option<String>,
}

impl Failure {
    /// Failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: FAILED, message: Some(message.into()) }
    }

    /// Failed, and the output says why.
    pub(crate) const fn told() -> Self {
        Self { code: FAILED, message: None }
    }

    /// Refused by the domain.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: REFUSED, message: Some(message.into()) }
    }

    /// A needed service is away.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { code: UNAVAILABLE, message: Some(message.into()) }
    }

    /// Used wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: Some(message.into()) }
    }

    /// Drift or damage.
    pub(crate) fn damage(message: impl Into<String>) -> Self {
        Self { code: DAMAGE, message: Some(message.into()) }
    }

    /// Drift or damage, and the output says which.
    pub(crate) const fn damage_told() -> Self {
        Self { code: DAMAGE, message: None }
    }

    /// Ended by Ctrl-C or a termination signal before it was done.
    pub(crate) fn interrupted() -> Self {
        Self::failed("interrupted: what was done stands, run it again for the rest")
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let code = match error {
            ServerError::PlaceLost { .. } => DAMAGE,
            ServerError::UnusableBinaries { .. } => USAGE,
            _ => UNAVAILABLE,
        };
        Self { code, message: Some(error.to_string()) }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let code = match error {
            LogError::Unavailable(_) => UNAVAILABLE,
            LogError::Refused(_) | LogError::UnknownKind { .. } => FAILED,
            LogError::Undecodable(_) => DAMAGE,
        };
        Self { code, message: Some(error.to_string()) }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::BadCursor(_) => FAILED,
            ReadError::Behind { .. } | ReadError::Unavailable(_) => UNAVAILABLE,
            ReadError::Damaged(_) => DAMAGE,
        };
        Self { code, message: Some(error.to_string()) }
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::TooNew { .. } => Self { code: DAMAGE, message: Some(error.to_string()) },
            MigrateError::InUse { .. } => Self::failed(error.to_string()),
            MigrateError::Database(error) => LogError::from(error).into(),
        }
    }
}

impl From<AnnounceError> for Failure {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::Log(error) => error.into(),
            AnnounceError::Kafka(error) => error.into(),
        }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::Away { .. } => Self::unavailable(error.to_string()),
            KafkaError::Settings(_) => Self::usage(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    /// Whoever reads our output may stop reading, such as `head`: that is no failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: 0, message: None };
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}
