//! Who runs the program and who runs the server. Postgres refuses to run as root, so for root these are two.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::ServerError;

/// Unprivileged users that may run the server when the program is root, the better first.
const SERVER_USERS: [&str; 2] = ["postgres", "nobody"];

/// An operating system user.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }
    }
}

/// The program's user and the server's.
#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub(super) program: Account,
    pub(super) server: Account,
}

impl Accounts {
    /// Finds both. An existing cluster is always run by the user who owns it.
    pub(super) fn find(cluster_data: &Path) -> Result<Self, ServerError> {
        let program = by_uid(Uid::effective())?;
        let owner = owner_of(cluster_data)?;
        let server = match owner {
            Some(uid) if uid == program.uid => program.clone(),
            Some(_) if !Uid::effective().is_root() => {
                return Err(ServerError::Foreign { path: cluster_data.to_path_buf() });
            }
            Some(uid) => by_uid(Uid::from_raw(uid))?,
            None if Uid::effective().is_root() => unprivileged()?,
            None => program.clone(),
        };
        Ok(Self { program, server })
    }

    /// Whether the server runs as somebody else than the program.
    pub(super) fn differ(&self) -> bool {
        self.program.uid != self.server.uid
    }

    /// A command that runs as the server's user. The standard library drops the supplementary groups with it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if self.differ() {
            command.uid(self.server.uid).gid(self.server.gid);
        }
        // PGDATA, PGPORT and the like would change what the programs of Postgres do.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Gives a file or directory of ours to the server's user.
    pub(super) fn give(&self, path: &Path) -> Result<(), ServerError> {
        if !self.differ() {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, Some(self.server.uid), Some(self.server.gid))
            .map_err(|source| ServerError::file("hand over", path, source))
    }

    /// Whether the server's user can enter a directory, tried rather than computed: access lists, mounts and
    /// containers all have a say in it.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        if !self.differ() {
            return true;
        }
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(dir)
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn by_uid(uid: Uid) -> Result<Account, ServerError> {
    let unknown = || ServerError::UnknownUser { user: uid.to_string() };
    let user = User::from_uid(uid).map_err(|_| unknown())?;
    user.map(Account::from).ok_or_else(unknown)
}

fn unprivileged() -> Result<Account, ServerError> {
    SERVER_USERS
        .iter()
        .filter_map(|name| User::from_name(name).ok().flatten())
        .find(|user| !user.uid.is_root())
        .map(Account::from)
        .ok_or_else(|| ServerError::UnknownUser { user: SERVER_USERS.join(" or ") })
}

fn owner_of(path: &Path) -> Result<Option<u32>, ServerError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(std::os::unix::fs::MetadataExt::uid(&metadata))),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ServerError::file("inspect", path, source)),
    }
}
