//! Where the cluster lies: in the data directory, or, where the server's user cannot reach that, beside it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ServerError;
use super::account::Accounts;

/// Longest path of a socket that every system takes, in bytes (macOS: 104 with the closing zero).
const SOCKET_PATH_BYTES_MAX: usize = 103;
/// What Postgres and sqlx append to the socket directory.
const SOCKET_NAME: &str = "/.s.PGSQL.5432";
/// Where sockets go whose path would be too long.
const SHORT_SOCKET_ROOT: &str = "/tmp";
/// Where root's clusters go that the server's user could not reach, the better first.
const CLUSTER_ROOTS: [&str; 2] = ["/var/lib/traveladvisor", "/var/tmp/traveladvisor-root"];
/// How many data directories of the same path, made and removed again, may leave a cluster beside them.
const GENERATIONS_MAX: u32 = 1_000;
/// Length of the short names of paths, in hexadecimal digits.
const DIGEST_CHARS: usize = 12;
/// Rights of what only its owner may use.
const PRIVATE_MODE: u32 = 0o700;
/// Rights of a directory through which others may pass.
const PASSAGE_MODE: u32 = 0o755;

/// The directories of one private server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// In the data directory, the program's: locks, log and the name of the cluster's place.
    pub(super) desk: PathBuf,
    /// The server's own: cluster, socket, access rules.
    pub(super) cluster: PathBuf,
}

impl Place {
    /// Makes the desk and reads where the cluster lies or would lie.
    pub(super) fn open(data_dir: &Path) -> Result<Self, ServerError> {
        let desk = data_dir.join("postgres");
        fs::create_dir_all(&desk).map_err(|source| ServerError::file("create", &desk, source))?;
        let desk = fs::canonicalize(&desk).map_err(|source| ServerError::file("resolve", &desk, source))?;
        let mut place = Self { cluster: desk.join("cluster"), desk };
        place.follow()?;
        Ok(place)
    }

    /// Reads the file that names another place, if there is one.
    pub(super) fn follow(&mut self) -> Result<(), ServerError> {
        let file = self.sign();
        match fs::read_to_string(&file) {
            Ok(text) => {
                let path = PathBuf::from(text.trim_end_matches('\n'));
                if !path.is_dir() {
                    return Err(ServerError::PlaceLost { path });
                }
                self.cluster = path;
                Ok(())
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(ServerError::file("read", &file, source)),
        }
    }

    /// Makes the server's directory where its user can reach it. Called under the gate.
    pub(super) fn settle(&mut self, accounts: &Accounts) -> Result<(), ServerError> {
        if self.cluster.is_dir() {
            return self.settle_sockets(accounts);
        }
        private_dir(&self.cluster, accounts)?;
        if !accounts.can_enter(&self.cluster) {
            fs::remove_dir(&self.cluster).map_err(|source| ServerError::file("remove", &self.cluster, source))?;
            self.cluster = elsewhere(&self.desk, accounts)?;
            self.write_sign()?;
        }
        self.settle_sockets(accounts)
    }

    fn settle_sockets(&self, accounts: &Accounts) -> Result<(), ServerError> {
        let dir = self.socket_dir();
        if !dir.exists() {
            return private_dir(&dir, accounts);
        }
        // In a shared place anybody may have made it first.
        let metadata = fs::symlink_metadata(&dir).map_err(|source| ServerError::file("inspect", &dir, source))?;
        let private =
            metadata.is_dir() && metadata.uid() == accounts.server.uid && metadata.mode() & 0o777 == PRIVATE_MODE;
        if !private {
            return Err(ServerError::Unsafe { path: dir });
        }
        Ok(())
    }

    fn sign(&self) -> PathBuf {
        self.desk.join("place")
    }

    fn write_sign(&self) -> Result<(), ServerError> {
        let mut text = self.cluster.as_os_str().as_bytes().to_vec();
        text.push(b'\n');
        write_whole(&self.sign(), &text)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.cluster.join("data")
    }

    /// The server's log: the program opens it and hands it over open, so it need not be within the server's reach.
    pub(super) fn log(&self) -> PathBuf {
        self.desk.join("server.log")
    }

    /// The lock that the running server itself holds.
    pub(super) fn server_lock(&self) -> PathBuf {
        self.cluster.join("server.lock")
    }

    /// The directory of the socket: beside the cluster, or a short one where that path is too long.
    pub(super) fn socket_dir(&self) -> PathBuf {
        let beside = self.cluster.join("socket");
        if beside.as_os_str().len() + SOCKET_NAME.len() <= SOCKET_PATH_BYTES_MAX {
            return beside;
        }
        let name = format!("traveladvisor-{}", digest(&self.cluster));
        Path::new(SHORT_SOCKET_ROOT).join(name)
    }
}

/// Writes a file so that nobody ever sees half of it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ServerError> {
    let unfinished = path.with_extension("new");
    // Made anew each time, so that root never writes through a link that the server's user left there.
    let write = || {
        if fs::symlink_metadata(&unfinished).is_ok() {
            fs::remove_file(&unfinished)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    write().map_err(|source| ServerError::file("write", path, source))
}

/// A directory through which others may pass and in which only the program writes, made or checked.
pub(super) fn passage(path: &Path) -> Result<(), ServerError> {
    if !path.exists() {
        // The mode is set once more because a strict umask would keep the server's user out of it.
        fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(PASSAGE_MODE)))
            .map_err(|source| ServerError::file("create", path, source))?;
    }
    let metadata = fs::symlink_metadata(path).map_err(|source| ServerError::file("inspect", path, source))?;
    let own = metadata.uid() == nix::unistd::geteuid().as_raw();
    if !metadata.is_dir() || !own || metadata.mode() & 0o022 != 0 {
        return Err(ServerError::Unsafe { path: path.to_path_buf() });
    }
    Ok(())
}

fn private_dir(path: &Path, accounts: &Accounts) -> Result<(), ServerError> {
    DirBuilder::new().mode(PRIVATE_MODE).create(path).map_err(|source| ServerError::file("create", path, source))?;
    accounts.give(path)
}

/// A fresh directory that the server's user can reach. Never one that exists: it may hold the cluster of a data
/// directory that was moved away.
fn elsewhere(desk: &Path, accounts: &Accounts) -> Result<PathBuf, ServerError> {
    let name = digest(desk);
    let mut last = ServerError::Unsafe { path: desk.to_path_buf() };
    for root in CLUSTER_ROOTS.map(Path::new) {
        if let Err(error) = passage(root) {
            last = error;
            continue;
        }
        for generation in 0..GENERATIONS_MAX {
            let path = root.join(format!("{name}-{generation}"));
            if path.exists() {
                continue;
            }
            private_dir(&path, accounts)?;
            if accounts.can_enter(&path) {
                return Ok(path);
            }
            fs::remove_dir(&path).map_err(|source| ServerError::file("remove", &path, source))?;
            break;
        }
    }
    Err(last)
}

/// A short name for a path, the same in every process.
fn digest(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    let mut text = format!("{hash:x}");
    text.truncate(DIGEST_CHARS);
    text
}
