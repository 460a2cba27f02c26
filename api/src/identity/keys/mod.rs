//! The issuer's keys, kept for a while and fetched by one request for all.

mod set;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, OwnedMutexGuard};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::identity_provider::{IdentityProvider, NoKeys};

use self::set::{Found, KeySet};
use super::unknown::Unknown;
use crate::limits::{KEYS_FRESH, KEYS_PAUSE, KEYS_STALE_MAX};

/// The keys of an issuer.
pub(super) struct IssuerKeys {
    provider: IdentityProvider,
    clock: Arc<dyn Clock>,
    held: RwLock<Option<Arc<Held>>>,
    /// Whoever has it fetches; when it was tried last.
    turn: Arc<Mutex<Option<DateTime<Utc>>>>,
}

/// The keys as they were at some time.
struct Held {
    set: KeySet,
    fetched_at: DateTime<Utc>,
}

impl IssuerKeys {
    /// Nothing is asked yet.
    pub(super) fn new(provider: IdentityProvider, clock: Arc<dyn Clock>) -> Self {
        Self { provider, clock, held: RwLock::new(None), turn: Arc::default() }
    }

    /// The key for a token. One that is not known is asked for, as the issuer may have a new one.
    pub(super) async fn find(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Unknown> {
        let held = self.current().await.ok_or(Unknown::KeysAway)?;
        let found = match held.set.find(id, algorithm) {
            Found::Nothing => {
                let renewed = self.renewed(Some(&held)).await.ok_or(Unknown::KeysAway)?;
                renewed.set.find(id, algorithm)
            }
            found => found,
        };
        match found {
            Found::Key(key) => Ok(key),
            Found::Unfit => Err(Unknown::UnfitKey),
            Found::Nothing => Err(Unknown::Key),
        }
    }

    /// How many keys can sign, as the issuer says now.
    pub(super) async fn look(&self) -> Result<usize, NoKeys> {
        Ok(self.ask().await?.signing())
    }

    /// Keys that are fresh. While somebody fetches, others take those that are there.
    async fn current(self: &Arc<Self>) -> Option<Arc<Held>> {
        let held = self.held();
        match held {
            Some(held) if self.is_younger(held.fetched_at, KEYS_FRESH) => Some(held),
            Some(held) if self.is_usable(&held) && self.turn.try_lock().is_err() => Some(held),
            held => self.renewed(held.as_ref()).await,
        }
    }

    /// Keys that were fetched after those that were `seen`. However many want them at once, one fetches, and not more often than every
    /// [`KEYS_PAUSE`]. When the issuer does not give any, those that are there serve on, for [`KEYS_STALE_MAX`] at most.
    async fn renewed(self: &Arc<Self>, seen: Option<&Arc<Held>>) -> Option<Arc<Held>> {
        let mut turn = self.turn.clone().lock_owned().await;
        let held = self.held();
        let is_newer = held.as_ref().is_some_and(|held| seen.is_none_or(|seen| !Arc::ptr_eq(held, seen)));
        if is_newer || turn.is_some_and(|tried_at| self.is_younger(tried_at, KEYS_PAUSE)) {
            return held.filter(|held| self.is_usable(held));
        }
        *turn = Some(self.clock.now());
        // Whoever waits may go away: the others still need the keys.
        let keys = self.clone();
        tokio::spawn(async move { keys.fetch(turn).await }).await.ok().flatten()
    }

    async fn fetch(&self, turn: OwnedMutexGuard<Option<DateTime<Utc>>>) -> Option<Arc<Held>> {
        match self.ask().await {
            Ok(set) => {
                let held = Arc::new(Held { set, fetched_at: self.clock.now() });
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
            }
            Err(error) => tracing::warn!(%error, "the keys of the identity provider were not renewed"),
        }
        drop(turn);
        self.held().filter(|held| self.is_usable(held))
    }

    async fn ask(&self) -> Result<KeySet, NoKeys> {
        KeySet::read(&self.provider.keys().await?).ok_or(NoKeys::NoSignatureKey)
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_usable(&self, held: &Held) -> bool {
        self.is_younger(held.fetched_at, KEYS_STALE_MAX)
    }

    /// Whether less than this lies between then and now. A clock that was set back is no reason to trust for longer.
    fn is_younger(&self, then: DateTime<Utc>, limit: Duration) -> bool {
        (self.clock.now() - then).abs().to_std().is_ok_and(|age| age < limit)
    }
}
