//! Postgres installations on this machine.

use std::path::{Path, PathBuf};

use super::ServerError;
use super::account::Accounts;

/// Oldest major version whose SQL the program's schema can use.
pub(super) const MAJOR_MIN: u32 = 15;
/// Where distributions put one directory for each major version, and what of a name precedes the version.
const VERSIONED_ROOTS: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// The programs of one Postgres version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// Accepts a directory whose programs run as the server's user; otherwise says what is wrong with it.
    pub(super) fn inspect(dir: &Path, accounts: &Accounts) -> Result<Self, String> {
        let dir = std::path::absolute(dir).map_err(|error| error.to_string())?;
        if !dir.join("initdb").is_file() {
            return Err("it has no initdb".to_owned());
        }
        let output = accounts
            .command(&dir.join("postgres"))
            .arg("--version")
            .current_dir("/")
            .output()
            .map_err(|error| format!("cannot run its postgres: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("its postgres does not run: {said}"));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let major = major_of(&text).ok_or_else(|| format!("unknown version {}", text.trim()))?;
        if major < MAJOR_MIN {
            return Err(format!("it is version {major}"));
        }
        Ok(Self { dir, major })
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// The binaries that an option named.
    pub(super) fn named(dir: &Path, accounts: &Accounts) -> Result<Self, ServerError> {
        Self::inspect(dir, accounts).map_err(|reason| ServerError::UnusableBinaries { path: dir.to_path_buf(), reason })
    }

    /// The newest local installation, or that of the major version an existing cluster needs.
    pub(super) fn installed(needed: Option<u32>, accounts: &Accounts) -> Option<Self> {
        let fits = |binaries: &Self| needed.is_none_or(|major| binaries.major == major);
        candidates().iter().filter_map(|dir| Self::inspect(dir, accounts).ok()).find(fits)
    }
}

/// "postgres (`PostgreSQL`) 15.13 (Debian 15.13-0+deb12u1)", "17rc1" and "18.6" begin with their major version.
fn major_of(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (root, prefix, below) in VERSIONED_ROOTS {
        found.extend(versions_in(Path::new(root), prefix, below));
    }
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let plain = std::env::split_paths(&search_path).filter(|dir| dir.is_absolute());
    let versioned = found.into_iter().map(|(_, dir)| dir);
    versioned
        .chain([PathBuf::from("/opt/homebrew/bin")])
        .chain(plain)
        .filter(|dir| dir.join("postgres").exists())
        .collect()
}

fn versions_in(root: &Path, prefix: &str, below: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let major = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join(below)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::major_of;

    #[test]
    fn versions_as_distributions_write_them_are_understood() {
        let debian = "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n";
        assert_eq!(major_of(debian), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18rc1"), Some(18));
        assert_eq!(major_of("something else"), None);
    }
}
