//! Who asks for a lease, renews it and lets it go.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::query::QueryScalar;
use sqlx::{ConnectOptions, PgPool};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{
    CLAIM_EVERY, CLAIM_PATIENCE, FAILURE_TOLD_EVERY, LEASE, LEASE_MARGIN, LET_GO_PATIENCE, RENEW_AGAIN, RENEW_EVERY,
    RENEW_PATIENCE, Turn, now,
};
use crate::clock::Clock;
use crate::event_log::LogError;
use crate::fail_points::{Point, outgoing};
use crate::stopping::told;

/// Has a connection of its own: under load the pool's are taken.
pub(super) struct Candidate {
    pool: PgPool,
    name: &'static str,
    who: String,
    /// Whose time is written down with every renewal.
    clock: Option<Arc<dyn Clock>>,
    connection: Option<PgConnection>,
    /// The epoch of its last turn; 0 before the first.
    last: u64,
    turns: watch::Sender<Option<Turn>>,
    /// When a claim first failed after the last that was answered, and when that was last told.
    failing: Option<(Instant, Instant)>,
}

/// How a turn ended.
enum Over {
    Deposed,
    NotRenewed,
    LetGo,
}

impl Candidate {
    pub(super) fn new(
        pool: PgPool,
        name: &'static str,
        clock: Option<Arc<dyn Clock>>,
        turns: watch::Sender<Option<Turn>>,
    ) -> Self {
        Self { pool, name, who: this_process(), clock, connection: None, last: 0, turns, failing: None }
    }

    /// Takes one turn after the other until told to stop.
    pub(super) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        loop {
            let begun = tokio::select! {
                begun = self.begin() => begun,
                // A claim that is given up may still come to stand: then its lease runs out by itself.
                () = told(&mut stopping) => break,
            };
            match begun {
                Ok(Some(until)) => {
                    self.failing = None;
                    let over = self.keep(until, &mut stopping).await;
                    self.turns.send_replace(None);
                    match over {
                        Over::Deposed => tracing::warn!(what = self.name, "another process has taken over"),
                        Over::NotRenewed => tracing::warn!(what = self.name, "the lease could not be renewed in time"),
                        Over::LetGo => {}
                    }
                }
                Ok(None) => self.failing = None,
                Err(error) => self.tell(&error),
            }
            if stops_within(CLAIM_EVERY, &mut stopping).await {
                break;
            }
        }
        self.let_go().await;
    }

    /// Tells the first failure, and at intervals that it goes on: it may be for good, and then nobody delivers or folds.
    fn tell(&mut self, error: &LogError) {
        let now = now();
        let since = match self.failing {
            Some((_, told)) if now < told + FAILURE_TOLD_EVERY => return,
            Some((since, _)) => since,
            None => now,
        };
        self.failing = Some((since, now));
        let for_seconds = (now - since).as_secs();
        tracing::warn!(what = self.name, %error, for_seconds, "ownership cannot be asked for; it is tried again");
    }

    /// Claims and, because a claim may wait for long, renews at once: the turn begins with a whole lease.
    async fn begin(&mut self) -> Result<Option<Instant>, LogError> {
        let claim = sqlx::query_scalar("SELECT claim_ownership($1, $2, $3, $4)")
            .bind(self.name)
            .bind(self.last.cast_signed())
            .bind(self.who.clone())
            .bind(LEASE);
        let Some(epoch) = self.ask(Point::LeaseClaimed, claim, CLAIM_PATIENCE).await? else { return Ok(None) };
        self.last = epoch;
        self.renew().await
    }

    /// The end of the lease by this process's clock; none when another has taken over.
    async fn renew(&mut self) -> Result<Option<Instant>, LogError> {
        let asked = now();
        let renewal = sqlx::query_scalar(
            "UPDATE owners SET held_until = clock_timestamp() + $3, program_at = coalesce($4, program_at) \
              WHERE name = $1 AND epoch = $2 RETURNING epoch",
        )
        .bind(self.name)
        .bind(self.last.cast_signed())
        .bind(LEASE)
        .bind(self.clock.as_ref().map(|clock| clock.now()));
        let renewed = self.ask(Point::LeaseRenewed, renewal, RENEW_PATIENCE).await?;
        Ok(renewed.map(|_| asked + LEASE.saturating_sub(LEASE_MARGIN)))
    }

    async fn keep(&mut self, until: Instant, stopping: &mut watch::Receiver<bool>) -> Over {
        let (sender, seen) = watch::channel(until);
        tracing::info!(what = self.name, epoch = self.last, "this process owns it now");
        self.turns.send_replace(Some(Turn { epoch: self.last, until: seen }));
        let mut pause = RENEW_EVERY;
        loop {
            if stops_within(pause, stopping).await {
                return Over::LetGo;
            }
            pause = match self.renew().await {
                Ok(None) => return Over::Deposed,
                Ok(Some(until)) => {
                    // A turn that was over by its own clock stays over: those who worked under it have gone.
                    if now() >= sender.send_replace(until) {
                        return Over::NotRenewed;
                    }
                    RENEW_EVERY
                }
                Err(error) => {
                    tracing::warn!(what = self.name, %error, "the lease is not renewed; it is tried again");
                    if now() >= *sender.borrow() {
                        return Over::NotRenewed;
                    }
                    RENEW_AGAIN
                }
            };
        }
    }

    async fn let_go(&mut self) {
        let statement = sqlx::query_scalar(
            "UPDATE owners SET holder = NULL, held_until = NULL WHERE name = $1 AND epoch = $2 RETURNING epoch",
        )
        .bind(self.name)
        .bind(self.last.cast_signed());
        if self.last > 0
            && let Err(error) = self.ask(Point::LeaseLetGo, statement, LET_GO_PATIENCE).await
        {
            tracing::debug!(what = self.name, %error, "the lease is not let go; it runs out by itself");
        }
    }

    /// A statement that gives an epoch or nothing. A connection that failed, or whose answer was given up, is not used again.
    async fn ask(
        &mut self,
        point: Point,
        statement: QueryScalar<'_, Postgres, Option<i64>, PgArguments>,
        patience: Duration,
    ) -> Result<Option<u64>, LogError> {
        let asking = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => outgoing(Point::LeaseConnected, self.pool.connect_options().connect()).await?,
            };
            let epoch = outgoing(point, statement.fetch_optional(&mut connection)).await?;
            self.connection = Some(connection);
            Ok::<_, sqlx::Error>(epoch.flatten())
        };
        match tokio::time::timeout(patience, asking).await {
            Ok(answer) => Ok(answer?.map(i64::unsigned_abs)),
            Err(_elapsed) => Err(LogError::Unavailable("no answer in time".to_owned())),
        }
    }
}

async fn stops_within(pause: Duration, stopping: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(pause, told(stopping)).await.is_ok()
}

/// For people, not for decisions: that is what epochs are for.
fn this_process() -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    format!("process {} on {}", std::process::id(), host.to_string_lossy())
}
