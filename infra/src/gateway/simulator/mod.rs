//! A payment gateway for trials, as a party of its own: a process with a ledger that outlives it, and with faults on demand.

mod call;
mod faults;
mod ledger;
mod limits;
mod routes;
mod serve;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use self::faults::Dice;
use self::ledger::Ledger;
use crate::clock::Clock;

pub use faults::{Faults, Injected};
pub use ledger::LedgerError;

/// What a simulator is started with.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// The file of its ledger; made when it is not there.
    pub ledger: PathBuf,
    /// Faults in force from the start.
    pub faults: Faults,
    /// What faults are drawn from: the same seed and the same requests give the same faults.
    pub seed: u64,
    /// What callers must show; without it anybody may call.
    pub api_key: Option<SecretString>,
}

/// The gateway. Clones are one and the same.
#[derive(Clone)]
pub struct Simulator {
    ledger: Arc<Mutex<Ledger>>,
    /// Keys of the calls that are being carried out.
    under_way: Arc<Mutex<HashSet<String>>>,
    dice: Arc<Dice>,
    clock: Arc<dyn Clock>,
    api_key: Option<SecretString>,
}

impl Simulator {
    /// Opens the ledger.
    ///
    /// # Errors
    ///
    /// See [`LedgerError`].
    pub fn open(options: SimulatorOptions, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        let SimulatorOptions { ledger, faults, seed, api_key } = options;
        Ok(Self {
            ledger: Arc::new(Mutex::new(Ledger::open(&ledger)?)),
            under_way: Arc::default(),
            dice: Arc::new(Dice::new(faults, seed)),
            clock,
            api_key,
        })
    }

    /// How many calls the ledger holds.
    pub fn calls(&self) -> usize {
        self.with_ledger(|ledger| ledger.entries().len())
    }

    fn with_ledger<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
