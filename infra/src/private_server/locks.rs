//! File locks. The kernel lets go of them when their holder dies, so that no crash leaves one behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::ServerError;

/// How often a taken lock is asked for again.
const LOCK_POLL: Duration = Duration::from_millis(25);

/// Opens a lock file, making it when missing.
pub(super) fn open(path: &Path) -> Result<File, ServerError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .map_err(|source| ServerError::file("open", path, source))
}

/// Takes the lock exclusively if nobody holds it; `None` when somebody does.
pub(super) fn try_exclusive(path: &Path) -> Result<Option<File>, ServerError> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(ServerError::file("lock", path, source)),
    }
}

/// Takes the lock exclusively, waiting up to `limit`. Blocks the thread.
pub(super) fn exclusive(path: &Path, limit: Duration) -> Result<File, ServerError> {
    let begun = Instant::now();
    loop {
        if let Some(file) = try_exclusive(path)? {
            return Ok(file);
        }
        if begun.elapsed() >= limit {
            return Err(ServerError::Locked { path: path.to_path_buf(), limit_s: limit.as_secs() });
        }
        std::thread::sleep(LOCK_POLL);
    }
}

/// The same without blocking the runtime.
pub(super) async fn exclusive_async(path: &Path, limit: Duration) -> Result<File, ServerError> {
    let begun = Instant::now();
    loop {
        if let Some(file) = try_exclusive(path)? {
            return Ok(file);
        }
        if begun.elapsed() >= limit {
            return Err(ServerError::Locked { path: path.to_path_buf(), limit_s: limit.as_secs() });
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// Takes the lock together with others. Only called under the gate, where nobody holds it exclusively.
pub(super) fn shared(path: &Path) -> Result<File, ServerError> {
    let file = open(path)?;
    file.lock_shared().map_err(|source| ServerError::file("lock", path, source))?;
    Ok(file)
}
