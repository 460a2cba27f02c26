//! The simulator's memory: one line of JSON for each call, on the disk before anybody is answered.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::gateway::statement::{CHARGE_UNKNOWN, REFUND_EXCEEDS_CHARGE, Statement};
use crate::gateway::{card, reference};

/// Calls that a ledger holds at most.
pub(super) const ENTRIES_MAX: usize = 1_000_000;
/// Bytes of a ledger's file at most.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What is asked of the gateway under a key. Two requests with one key must be equal in all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Asked {
    /// Take money.
    Charge {
        /// Token of the card.
        token: String,
        /// Minor units.
        minor: i64,
        /// ISO 4217.
        currency: String,
    },
    /// Give back from a charge.
    Refund {
        /// Its reference.
        charge: String,
        /// Minor units.
        minor: i64,
        /// ISO 4217.
        currency: String,
    },
}

/// A call with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) asked: Asked,
    #[serde(flatten)]
    pub(super) statement: Statement,
    /// How often it has come.
    #[serde(default = "once")]
    pub(super) seen: u64,
}

const fn once() -> u64 {
    1
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Call(Entry),
    /// A call that is in the ledger has come once more.
    Seen(String),
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be opened, read or written.
    #[error("the ledger {path} cannot be used: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another simulator has it.
    #[error("another process uses the ledger {path}: stop it, or name another --ledger", path = .0.display())]
    InUse(PathBuf),
    /// A line is not what this program wrote.
    #[error("line {line} of the ledger {path} is damaged: restore the file, or name another --ledger", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entered {
    /// The statement of its key, made now or before.
    Stated(Statement),
    /// The key was used before for something else.
    KeyReused,
    /// There is no room for one more, or the disk does not take it.
    NoRoom(String),
}

/// The ledger, with its file.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    bytes: u64,
    entries: Vec<Entry>,
    by_key: HashMap<String, usize>,
    /// Place of the charge that was done under a reference, and what is left of it.
    left: HashMap<String, (usize, i64)>,
}

impl Ledger {
    /// Opens or creates the file and reads it. A last line that a kill left unfinished was never answered, and is cut off.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let failed = |error| LedgerError::Io { path: path.to_path_buf(), error };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        file.try_lock().map_err(|_| LedgerError::InUse(path.to_path_buf()))?;
        let mut ledger = Self { file, bytes: 0, entries: Vec::new(), by_key: HashMap::new(), left: HashMap::new() };
        ledger.read().map_err(failed)?.map_err(|line| LedgerError::Damaged { path: path.to_path_buf(), line })?;
        ledger.file.set_len(ledger.bytes).map_err(failed)?;
        ledger.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(ledger)
    }

    /// Reads all whole lines; the error within is the number of a damaged one.
    fn read(&mut self) -> io::Result<Result<(), usize>> {
        let mut reader = BufReader::new(self.file.try_clone()?);
        let mut line = String::new();
        for number in 1.. {
            line.clear();
            let length = reader.read_line(&mut line)?;
            if !line.ends_with('\n') {
                break;
            }
            match serde_json::from_str(&line) {
                Ok(Line::Call(entry)) => self.take(entry),
                Ok(Line::Seen(key)) => self.count(&key),
                Err(_) => return Ok(Err(number)),
            }
            self.bytes += length as u64;
        }
        Ok(Ok(()))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn find(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key).map(|place| &self.entries[*place])
    }

    /// Decides on a request and writes it down, unless its key is there already: the first one of a key decides. `refusal` is what makes
    /// a new request fail before anything else is looked at.
    pub(super) fn enter(&mut self, key: &str, asked: Asked, refusal: Option<Statement>) -> Entered {
        if let Some(entry) = self.find(key) {
            let same = entry.asked == asked;
            let statement = entry.statement.clone();
            self.seen(key);
            return if same { Entered::Stated(statement) } else { Entered::KeyReused };
        }
        if self.entries.len() >= ENTRIES_MAX || self.bytes >= FILE_BYTES_MAX {
            return Entered::NoRoom("the ledger is full: name another --ledger".to_owned());
        }
        let statement = refusal.unwrap_or_else(|| self.decide(key, &asked));
        let entry = Entry { key: key.to_owned(), asked, statement: statement.clone(), seen: 1 };
        if let Err(error) = self.write(&Line::Call(entry.clone())).and_then(|()| self.file.sync_data()) {
            return Entered::NoRoom(format!("the ledger cannot be written: {error}"));
        }
        self.take(entry);
        Entered::Stated(statement)
    }

    /// Counts one more arrival of a call. That it is lost with the process harms nobody, so it is not synced by itself.
    pub(super) fn seen(&mut self, key: &str) {
        if self.by_key.contains_key(key) && self.write(&Line::Seen(key.to_owned())).is_ok() {
            self.count(key);
        }
    }

    fn decide(&self, key: &str, asked: &Asked) -> Statement {
        match asked {
            Asked::Charge { token, .. } => card::charged(token, reference("ch", key)),
            Asked::Refund { charge, minor, currency } => match self.left.get(charge) {
                None => Statement::refused(CHARGE_UNKNOWN),
                Some((place, left)) if minor > left || self.entries[*place].asked.currency() != currency => {
                    Statement::refused(REFUND_EXCEEDS_CHARGE)
                }
                Some(_) => Statement::Done { reference: reference("re", key) },
            },
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.bytes >= FILE_BYTES_MAX {
            return Err(io::Error::other("the ledger is full"));
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if let Err(error) = self.file.write_all(&text) {
            // What was written in part must not run into the next line.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        let place = self.entries.len();
        if let Statement::Done { reference } = &entry.statement {
            match &entry.asked {
                Asked::Charge { minor, .. } => {
                    self.left.insert(reference.clone(), (place, *minor));
                }
                Asked::Refund { charge, minor, .. } => {
                    if let Some((_, left)) = self.left.get_mut(charge) {
                        *left -= minor;
                    }
                }
            }
        }
        self.by_key.insert(entry.key.clone(), place);
        self.entries.push(entry);
    }

    fn count(&mut self, key: &str) {
        if let Some(place) = self.by_key.get(key) {
            self.entries[*place].seen += 1;
        }
    }
}

impl Asked {
    fn currency(&self) -> &str {
        match self {
            Self::Charge { currency, .. } | Self::Refund { currency, .. } => currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(minor: i64) -> Asked {
        Asked::Charge { token: "tok_sandbox_approves".to_owned(), minor, currency: "USD".to_owned() }
    }

    #[test]
    fn a_line_that_a_kill_left_unfinished_is_cut_off_and_the_others_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).expect("opened");
        let first = ledger.enter("a", charge(100), None);
        ledger.enter("b", charge(200), None);
        assert!(matches!(Ledger::open(&path), Err(LedgerError::InUse(_))), "one process at a time");
        drop(ledger);
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() - 5]).expect("torn");
        let mut ledger = Ledger::open(&path).expect("opened again");
        assert_eq!((ledger.entries().len(), ledger.enter("a", charge(100), None)), (1, first));
        ledger.enter("c", charge(300), None);
        drop(ledger);
        let ledger = Ledger::open(&path).expect("nothing ran into each other");
        let keys: Vec<_> = ledger.entries().iter().map(|entry| (entry.key.as_str(), entry.seen)).collect();
        assert_eq!(keys, [("a", 2), ("c", 1)]);
    }

    #[test]
    fn a_damaged_line_is_told_and_nothing_is_thrown_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ledger.jsonl");
        std::fs::write(&path, "{\"seen\":\"x\"}\nrubbish\n{\"seen\":\"y\"}\n").expect("written");
        let error = Ledger::open(&path).expect_err("refused").to_string();
        assert!(error.contains("line 2"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("read").lines().count(), 3);
    }
}
