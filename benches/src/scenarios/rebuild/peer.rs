//! The peer: what postgres-es offers for the same, `QueryReplay` into `GenericQuery` views, fed with the same trips.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqrs_es::persist::{GenericQuery, QueryReplay};
use cqrs_es::{Aggregate, EventEnvelope, View};
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Row};
use traveladvisor_domain::booking::Booking;
use traveladvisor_domain::payment::Payment;
use traveladvisor_domain::trip_saga::TripSaga;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres;

use crate::server::BenchServer;
use crate::{Outcome, database};

/// Longest replay.
const REPLAY_MAX: Duration = Duration::from_mins(2);
/// The streams of a trip that are its own.
const KINDS: [&str; 3] = [Booking::TYPE, TripSaga::TYPE, Payment::TYPE];

/// The state of an aggregate: the least that a view of it can hold.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State<A>(A);

impl<A: Aggregate> View<A> for State<A>
where
    Self: std::fmt::Debug,
{
    fn update(&mut self, event: &EventEnvelope<A>) {
        self.0.apply(event.payload.clone());
    }
}

/// Its own database with the events of some trips.
pub(super) struct Peer {
    pool: PgPool,
    events: u64,
}

impl Peer {
    /// Copies so many events of the first trips of the log.
    pub(super) async fn open(server: &BenchServer, log: &EventLog, events: u32) -> Outcome<Self> {
        let pool = database::peer(server, "rebuild_postgres_es", postgres::CONNECTIONS_MAX).await?;
        for kind in KINDS {
            // As postgres-es describes it.
            let view = format!(
                "CREATE TABLE {kind}_view (view_id text NOT NULL, version bigint CHECK (version >= 0) NOT NULL, \
                 payload json NOT NULL, PRIMARY KEY (view_id))"
            );
            sqlx::raw_sql(&view).execute(&pool).await?;
        }
        let columns = "aggregate_type, aggregate_id, sequence, event_type, event_version";
        let rows = sqlx::query(&format!(
            "SELECT {columns}, payload::text AS payload, metadata::text AS metadata FROM events \
              WHERE aggregate_type = ANY($1) ORDER BY position LIMIT $2"
        ))
        .bind(&KINDS[..])
        .bind(i64::from(events))
        .fetch_all(log.pool())
        .await?;
        let texts = |name: &str| rows.iter().map(|row| row.get::<String, _>(name)).collect::<Vec<_>>();
        let sequences: Vec<i64> = rows.iter().map(|row| row.get("sequence")).collect();
        sqlx::query(&format!(
            "INSERT INTO events ({columns}, payload, metadata) \
             SELECT e.kind, e.id, e.sequence, e.type, e.version, e.payload::json, e.metadata::json \
               FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) \
                    AS e(kind, id, sequence, type, version, payload, metadata)"
        ))
        .bind(texts("aggregate_type"))
        .bind(texts("aggregate_id"))
        .bind(sequences)
        .bind(texts("event_type"))
        .bind(texts("event_version"))
        .bind(texts("payload"))
        .bind(texts("metadata"))
        .execute(&pool)
        .await?;
        sqlx::raw_sql("VACUUM ANALYZE events").execute(&pool).await?;
        Ok(Self { pool, events: rows.len() as u64 })
    }

    /// Replays all of it into empty views. Gives how many events that were.
    pub(super) async fn replay(&self) -> Outcome<(u64, Duration)> {
        for kind in KINDS {
            sqlx::raw_sql(&format!("TRUNCATE {kind}_view")).execute(&self.pool).await?;
        }
        let begun = Instant::now();
        let all = async {
            self.replay_of::<Booking>().await?;
            self.replay_of::<TripSaga>().await?;
            self.replay_of::<Payment>().await
        };
        tokio::time::timeout(REPLAY_MAX, all).await??;
        let elapsed = begun.elapsed();
        self.check().await?;
        Ok((self.events, elapsed))
    }

    async fn replay_of<A>(&self) -> Outcome<()>
    where
        A: Aggregate<Services = ()> + 'static,
        State<A>: View<A>,
    {
        let failures = Arc::new(AtomicU64::new(0));
        let count = |failures: &Arc<AtomicU64>| {
            let failures = failures.clone();
            Box::new(move |_| {
                failures.fetch_add(1, Ordering::Relaxed);
            })
        };
        let views = PostgresViewRepository::<State<A>, A>::new(&format!("{}_view", A::TYPE), self.pool.clone());
        let mut query = GenericQuery::new(Arc::new(views));
        query.use_error_handler(count(&failures));
        let mut replay = QueryReplay::new(PostgresEventRepository::new(self.pool.clone()), query);
        replay.use_error_handler(count(&failures));
        replay.replay_all().await.map_err(|error| error.to_string())?;
        match failures.load(Ordering::Relaxed) {
            0 => Ok(()),
            failures => Err(format!("{failures} events of {} could not be replayed", A::TYPE).into()),
        }
    }

    /// Each event has made one version of a view: a replay that ended early says nothing of it.
    async fn check(&self) -> Outcome<()> {
        let mut versions = 0;
        for kind in KINDS {
            let sum: i64 = sqlx::query_scalar(&format!("SELECT coalesce(sum(version), 0)::bigint FROM {kind}_view"))
                .fetch_one(&self.pool)
                .await?;
            versions += sum.unsigned_abs();
        }
        if versions == self.events {
            return Ok(());
        }
        Err(format!("{versions} of {} events have been replayed", self.events).into())
    }

    pub(super) async fn close(self) {
        self.pool.close().await;
    }
}
