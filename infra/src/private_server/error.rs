//! What can go wrong with the private server, each said with the way out.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private Postgres could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A file or directory could not be used.
    #[error("cannot {action} {path}: {source}; make it accessible or choose another --data-dir", path = path.display())]
    File {
        /// What was tried, as a verb: "create", "read", …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// The data directory or its cluster belongs to somebody else.
    #[error("{path} belongs to another user; run as that user or choose another --data-dir", path = path.display())]
    Foreign {
        /// What belongs to somebody else.
        path: PathBuf,
    },

    /// A directory that lies in a shared place is not safe to use.
    #[error("{path} exists but is not a private directory of the user it should belong to; remove it and try again", path = path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
    },

    /// The data directory says that its cluster lies elsewhere, and nothing is there.
    #[error("the cluster of this data directory should lie in {path}, and nothing is there; restore it, or remove the data directory to begin anew", path = path.display())]
    PlaceLost {
        /// Where the cluster should lie.
        path: PathBuf,
    },

    /// The operating system does not know a user that is needed.
    #[error(
        "the operating system has no entry for user {user}; add one to /etc/passwd or use a server of your own through DATABASE_URL"
    )]
    UnknownUser {
        /// The user's name or number.
        user: String,
    },

    /// `--postgres-bin` names a directory without usable programs.
    #[error("{path} holds no usable Postgres 15 or later ({reason}); --postgres-bin needs the directory with initdb and postgres", path = path.display())]
    UnusableBinaries {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// Neither the download nor a local installation gave binaries.
    #[error(
        "no Postgres to run: the download of version {version} failed ({reason}) and no local installation of {needed} was found; allow the download, install Postgres, name one with --postgres-bin, or set DATABASE_URL"
    )]
    NoBinaries {
        /// The pinned version.
        version: &'static str,
        /// Which local versions would have served.
        needed: String,
        /// Why the download failed.
        reason: String,
    },

    /// The chosen binaries are of another major version than the cluster.
    #[error("the cluster in {path} was made by Postgres {cluster}, these binaries are {binaries}; name matching ones with --postgres-bin or choose another --data-dir", path = path.display())]
    MajorDiffers {
        /// The cluster.
        path: PathBuf,
        /// Its major version.
        cluster: u32,
        /// The binaries' major version.
        binaries: u32,
    },

    /// A program of Postgres could not be run to its end.
    #[error("{program} failed: {output}; its log is {log}", log = log.display())]
    Program {
        /// Which program.
        program: &'static str,
        /// What it said.
        output: String,
        /// Where it said more.
        log: PathBuf,
    },

    /// The server runs, and does not let this user in.
    #[error("the server in {path} does not admit user {user}; stop the program that started it, or run as the same user", path = path.display())]
    NotAdmitted {
        /// The cluster.
        path: PathBuf,
        /// Who asked.
        user: String,
    },

    /// The server did not get ready or did not stop in time.
    #[error("the server in {path} did not {action} within {limit_s} s; read {log} for the reason", path = path.display(), log = log.display())]
    TimedOut {
        /// The cluster.
        path: PathBuf,
        /// What it should have done.
        action: &'static str,
        /// How long was waited, in seconds.
        limit_s: u64,
        /// The server's log.
        log: PathBuf,
    },

    /// Another process holds a lock for longer than any step takes.
    #[error("another process holds {path} for more than {limit_s} s; end it and try again", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long was waited, in seconds.
        limit_s: u64,
    },

    /// The running server refused a statement.
    #[error("the private server answered with an error: {0}; see its log, or remove the data directory to begin anew")]
    Sql(#[from] sqlx::Error),
}

impl ServerError {
    /// Wraps an IO error; one about rights becomes [`ServerError::Foreign`].
    pub(super) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if source.kind() == io::ErrorKind::PermissionDenied {
            return Self::Foreign { path };
        }
        Self::File { action, path, source }
    }
}
