//! Why a rebuild, a switch or a comparison did not come to its end. The live rows serve on whatever happened.

use traveladvisor_infra::event_log::LogError;

use crate::runtime::step::describe;

/// Longest name of a schema, in bytes: the server cuts longer ones off.
pub(super) const SCHEMA_NAME_BYTES_MAX: usize = 63;

/// Why rows could not be made anew.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Another process makes the rows of this projection.
    #[error("the projection {name} is being rebuilt, compared or switched by another process: wait for it, or end it")]
    Busy {
        /// Which.
        name: &'static str,
    },
    /// This process makes rows of another projection.
    #[error("this process is rebuilding a read model already: wait until it is done, or rebuild on the command line")]
    AtWork,
    /// There is nothing to go back to.
    #[error("the projection {name} has no former rows: none were kept")]
    NoFormer {
        /// Which.
        name: &'static str,
    },
    /// The former rows are of a version whose fold this program does not have.
    #[error(
        "the former rows of the projection {name} are of version {found}, this program has version {known}: roll back with the program that made them"
    )]
    UnknownVersion {
        /// Which.
        name: &'static str,
        /// That of the rows.
        found: u32,
        /// That of this program.
        known: u32,
    },
    /// The live rows are of another version than this program's.
    #[error(
        "the live rows of the projection {name} are of version {found}, this program has version {known}: rebuild it"
    )]
    OtherVersion {
        /// Which.
        name: &'static str,
        /// That of the rows.
        found: u32,
        /// That of this program.
        known: u32,
    },
    /// Somebody rolled the projection back while its rows were made anew.
    #[error("the projection {name} was rolled back meanwhile: try again")]
    RolledBack {
        /// Which.
        name: &'static str,
    },
    /// More events could not be taken in than are kept apart.
    #[error("more than {max} events of the projection {name} cannot be taken in, the first at {first}: {reason}")]
    TooManyDeadLetters {
        /// Which.
        name: &'static str,
        /// How many are kept apart at most.
        max: usize,
        /// Where the first stands.
        first: u64,
        /// Why it could not be taken in.
        reason: String,
    },
    /// An event was folded in part only, and its rows with it.
    #[error(
        "the event at {position} spoils the rows of the projection {name}: {reason}; mend the program, then rebuild"
    )]
    Spoilt {
        /// Which.
        name: &'static str,
        /// Where it stands.
        position: u64,
        /// Why.
        reason: String,
    },
    /// Others held the tables for too long, again and again.
    #[error(
        "the projection {name} could not be switched: its tables were in use at each of {tries} tries; look for long transactions in pg_stat_activity and try again"
    )]
    InUse {
        /// Which.
        name: &'static str,
        /// How often it was tried.
        tries: u32,
    },
    /// A schema of this name is there already, or the server keeps the name for itself.
    #[error("the schema {0} is there already, or reserved: choose another name, or drop it")]
    SchemaExists(String),
    /// A live table is not there, or has lost its key.
    #[error("the table {0} is not there, or has lost its key: rebuild the projection")]
    LostTable(&'static str),
    /// The server cuts longer names off.
    #[error("the name of the schema is longer than {SCHEMA_NAME_BYTES_MAX} bytes: choose a shorter one")]
    LongName,
    /// `schema.sql` does not know a table of the projection.
    #[error("schema.sql has no table {0}")]
    UnknownTable(&'static str),
    /// The fold panicked.
    #[error("a defect: a task of the rebuild panicked")]
    Panicked,
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database did not do what it was asked to.
    #[error("the database failed at the rebuild: {0}")]
    Database(String),
}

impl From<sqlx::Error> for RebuildError {
    /// The server's own words may quote values: they are not passed on.
    fn from(error: sqlx::Error) -> Self {
        Self::Database(describe(&error))
    }
}
