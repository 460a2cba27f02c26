//! One read log made of the logs of all contexts, and read models that are the same in whichever order these come in.

mod copying;
mod shuffled;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool, Row};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_projections::gather::{Gatherer, Source};

use crate::support::random::Dice;
use crate::support::{House, LIMIT};

/// The logs of all contexts; the first holds the bookings.
pub(crate) const LOGS: [&str; 6] = ["booking", "hotel", "flight", "car", "payment", "member"];
/// Which of them an event belongs to. Every log has dead letters of its own: here any of them, by chance.
const LOG_OF: &str = "CASE WHEN aggregate_type IN ('booking', 'trip_saga') THEN 'booking' \
     WHEN aggregate_type IN ('hotel', 'flight', 'car', 'payment') THEN aggregate_type \
     WHEN aggregate_type = 'dead_letter' \
     THEN (ARRAY['booking', 'hotel', 'flight', 'car', 'payment', 'member'])[1 + abs(hashtext(aggregate_id) % 6)] \
     ELSE 'member' END";
const COLUMNS: &str =
    "aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at";

/// A house whose events are told again by logs of the contexts, each a schema of its own, and a read log beside them.
pub(crate) struct Logs {
    pub(crate) house: House,
    pub(crate) read: EventLog,
    pub(crate) sources: Vec<EventLog>,
    /// Up to which position of the house each log has its events.
    told: BTreeMap<&'static str, u64>,
    /// Up to which the log of the bookings has them.
    bookings: i64,
}

impl Logs {
    pub(crate) async fn of(house: House) -> Self {
        let read = schema(&house, "reading").await;
        let mut sources = Vec::new();
        for name in LOGS {
            sources.push(schema(&house, name).await);
        }
        Self { house, read, sources, told: BTreeMap::new(), bookings: 0 }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.house.database.pool
    }

    pub(crate) fn gatherer(&self) -> Gatherer {
        Gatherer::start(&self.read, self.sources.iter().cloned().map(Source::new).collect())
    }

    /// The clocks of the logs' servers do not agree, by up to ten minutes.
    pub(crate) async fn set_clocks(&self, dice: &mut Dice) {
        for log in LOGS {
            let minutes = dice.roll(20);
            let sql = format!(
                "ALTER TABLE public.events DISABLE TRIGGER USER; \
                 UPDATE public.events SET recorded_at = recorded_at + interval '{minutes} min' - interval '10 min' WHERE {LOG_OF} = '{log}'; \
                 ALTER TABLE public.events ENABLE TRIGGER USER"
            );
            sqlx::raw_sql(&sql).execute(self.pool()).await.expect("set");
        }
    }

    /// A log gets the next of its events, at most `count`. Tells how many there were.
    pub(crate) async fn tell(&mut self, log: &'static str, count: u64) -> u64 {
        self.tell_until(log, count, i64::MAX).await
    }

    /// The same, and none that happened after what the log of the bookings has.
    pub(crate) async fn tell_caused(&mut self, log: &'static str, count: u64) -> u64 {
        let until = if log == LOGS[0] { i64::MAX } else { self.bookings };
        let told = self.tell_until(log, count, until).await;
        if log == LOGS[0] {
            let last = self.told.get(log).map_or(0, |last| last.cast_signed());
            // When there are no more, the others may tell the rest.
            self.bookings = if told < count { i64::MAX } else { last };
        }
        told
    }

    async fn tell_until(&mut self, log: &'static str, count: u64, until: i64) -> u64 {
        let told = self.told.entry(log).or_default();
        let sql = format!(
            "WITH next AS (SELECT * FROM public.events WHERE position > $1 AND position <= $4 AND {LOG_OF} = $2 \
                            ORDER BY position LIMIT $3), \
                  written AS (INSERT INTO {log}.events ({COLUMNS}) SELECT {COLUMNS} FROM next ORDER BY position RETURNING 1) \
             SELECT max(position) AS last, count(*) AS count, (SELECT count(*) FROM written) FROM next"
        );
        let next = sqlx::query(&sql).bind(told.cast_signed()).bind(log).bind(count.cast_signed()).bind(until);
        let row = next.fetch_one(&self.house.database.pool).await.expect("told again");
        *told = row.get::<Option<i64>, _>("last").map_or(*told, i64::unsigned_abs);
        row.get::<i64, _>("count").unsigned_abs()
    }

    /// All logs get all of their events.
    pub(crate) async fn tell_all(&mut self) {
        for log in LOGS {
            self.tell(log, i64::MAX.unsigned_abs()).await;
        }
    }

    pub(crate) async fn count(&self, schema: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {schema}.events")).await
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.expect("the database answers")
    }

    /// Waits until a query gives this number.
    pub(crate) async fn until(&self, sql: &str, wanted: i64) {
        let waiting = async {
            while self.number(sql).await != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let has_come = tokio::time::timeout(LIMIT, waiting).await.is_ok();
        assert!(has_come, "{sql} is {} and never {wanted}", self.number(sql).await);
    }

    /// Every event stands in the read log once, byte for byte, in the order of its own log, and of a trip none stands before its first.
    pub(crate) async fn assert_gathered(&self) {
        let differing = format!(
            "SELECT count(*) FROM (SELECT {TEXTS} FROM reading.events EXCEPT ALL SELECT {TEXTS} FROM public.events) extra"
        );
        assert_eq!(self.number(&differing).await, 0, "what was copied is what was told");
        assert_eq!(self.count("reading").await, self.count("public").await, "and all of it");
        for log in LOGS {
            let disorder = format!(
                "SELECT count(*) FROM (SELECT s.position - lag(s.position) OVER (ORDER BY r.position) AS step FROM {log}.events s \
                   JOIN reading.events r USING (aggregate_type, aggregate_id, sequence)) steps WHERE step < 0"
            );
            assert_eq!(self.number(&disorder).await, 0, "the order of {log}");
        }
        let too_early = "SELECT count(*) FROM reading.events begun JOIN reading.events e ON e.position < begun.position \
               AND (strpos(e.payload::text, begun.aggregate_id) > 0 \
                    OR e.aggregate_type IN ('payment', 'trip_saga') \
                       AND split_part(e.aggregate_id, '_', -1) = split_part(begun.aggregate_id, '_', -1)) \
             WHERE begun.aggregate_type = 'booking' AND begun.sequence = 1";
        assert_eq!(self.number(too_early).await, 0, "nothing of a trip before its first event");
    }
}

const TEXTS: &str =
    "aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text, recorded_at";

/// A schema of the house's database with a log of its own.
pub(crate) async fn schema(house: &House, name: &str) -> EventLog {
    let mut connection = PgConnection::connect_with(&house.database.options).await.expect("a connection");
    let sql = format!("CREATE SCHEMA {name}; SET search_path = {name}; {SCHEMA}");
    sqlx::raw_sql(&sql).execute(&mut connection).await.expect("the schema is made");
    let options = house.database.options.clone().options([("search_path", name)]);
    let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
    EventLog::new(name, pool)
}
