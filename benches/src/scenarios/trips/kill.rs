//! A process that books by card is killed; the next engine ends what it left. Measured until no saga is unfinished.

use std::time::{Duration, Instant};

use futures::future::{try_join, try_join_all};
use sqlx::ConnectOptions;
use tokio::sync::Mutex;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_infra::event_log::{EventLog, RELAY};

use super::doomed::Booking;
use crate::Outcome;
use crate::database::{self, beginning};
use crate::options::{Doomed, Trips};
use crate::report::{Recovery, Spread, progress};
use crate::server::BenchServer;
use crate::sides::course::Course;
use crate::sides::ends::{Ends, LAST_EVENTS};
use crate::sides::house::House;

/// How long a process books before it is killed. All shares together take less than a lease.
const LOAD: Duration = Duration::from_millis(400);
/// Kills until one leaves something unfinished: one client often has just been answered.
const TRIES_MAX: u32 = 30;
/// How often it is looked whether the next engine has its turn.
const TURN_POLL: Duration = Duration::from_millis(2);
/// Longest wait for it.
const TURN_MAX: Duration = Duration::from_secs(30);

/// Kills at one number of clients.
pub(super) struct Kills<'a> {
    pub(super) server: &'a BenchServer,
    pub(super) options: &'a Trips,
    pub(super) clients: u32,
}

/// What followed one kill.
struct Sample {
    unfinished: usize,
    from_kill: Duration,
    from_start: Duration,
    from_turn: Duration,
}

impl Kills<'_> {
    /// What kills cost each course.
    pub(super) async fn of(&self, courses: &[Course]) -> Outcome<Vec<Option<Recovery>>> {
        let mut samples: Vec<Vec<Sample>> = courses.iter().map(|_| Vec::new()).collect();
        for kill in 1..=self.options.kills() {
            progress(&format!("trips, {} clients, kill {kill}", self.clients));
            // One after the other is put under load and killed. So the leases run out side by side, and no load is left by then.
            let loading = Mutex::new(());
            let kills = courses
                .iter()
                .enumerate()
                .map(|(at, course)| self.sample(*course, format!("kill_{kill}_{at}"), &loading));
            for (of_course, sample) in samples.iter_mut().zip(try_join_all(kills).await?) {
                of_course.push(sample);
            }
        }
        Ok(samples.iter().map(|samples| recovery(samples)).collect())
    }

    async fn sample(&self, course: Course, name: String, loading: &Mutex<()>) -> Outcome<Sample> {
        for tried in 0..TRIES_MAX {
            let database = format!("{}_{name}_{tried}", course.database(self.clients));
            let killed = {
                let _loading = loading.lock().await;
                self.load_and_kill(course, &database).await?
            };
            self.server.left_alone(&database).await?;
            if let Some(sample) = self.recover(&database, killed).await? {
                return Ok(sample);
            }
        }
        Err(format!("{TRIES_MAX} kills left nothing unfinished").into())
    }

    async fn load_and_kill(&self, course: Course, database: &str) -> Outcome<Instant> {
        let common = &self.options.common;
        database::own(self.server, database).await?.pool().close().await;
        let doomed = Doomed {
            database: self.server.connect_options(database).to_url_lossy().to_string(),
            clients: self.clients,
            fail_percent: course.fail_percent().unwrap_or(0),
            log_only: common.log_only,
        };
        let booking = Booking::start(&doomed).await?;
        tokio::time::sleep(LOAD).await;
        booking.kill().await
    }

    /// Starts the next engine and waits until no saga is unfinished; nothing if none was.
    async fn recover(&self, database: &str, killed: Instant) -> Outcome<Option<Sample>> {
        let log = database::open(self.server.connect_options(database));
        let started = Instant::now();
        let dead = epoch(&log).await?;
        let ends = Ends::after(log.head().await?, &log);
        let left = unfinished(&log).await?;
        // A clock that started anew would take a later part of the trips' time for an earlier one.
        let house = House::open(log.clone(), log.program_time().await?.unwrap_or_else(beginning)).await?;
        if left.is_empty() {
            house.close().await;
            return Ok(None);
        }
        let house = if self.options.common.log_only { house } else { house.with_read_models() };
        let ended = try_join_all(left.iter().map(|booking| ends.of(*booking)));
        let (turn, last) = try_join(next_turn(&log, dead), async { ended.await.map(|_| Instant::now()) }).await?;
        let still = unfinished(&log).await?.len();
        if still > 0 {
            return Err(format!("{still} sagas are unfinished after all that the kill had left have ended").into());
        }
        house.close().await;
        Ok(Some(Sample {
            unfinished: left.len(),
            from_kill: last - killed,
            from_start: last - started,
            from_turn: last.saturating_duration_since(turn),
        }))
    }
}

/// Trips that were accepted and whose sagas have not ended.
async fn unfinished(log: &EventLog) -> Outcome<Vec<BookingId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT aggregate_id FROM events AS asked WHERE aggregate_type = 'booking' AND event_type = 'BookingRequested' \
            AND NOT EXISTS (SELECT FROM events AS saga WHERE saga.aggregate_type = 'trip_saga' \
                               AND saga.aggregate_id = 'trip_saga_' || substr(asked.aggregate_id, length('booking_') + 1) \
                               AND saga.event_type = ANY($1))",
    )
    .bind(&LAST_EVENTS[..])
    .fetch_all(log.pool())
    .await?;
    ids.iter().map(|id| Ok(BookingId(id.parse::<StreamId>()?.uuid))).collect()
}

/// Which turn of delivering it is.
async fn epoch(log: &EventLog) -> Outcome<u64> {
    let owners = log.owners().await?;
    Ok(owners.iter().find(|owner| owner.name == RELAY).map_or(0, |owner| owner.epoch))
}

/// Waits until somebody else than the dead process delivers. Gives when that was seen.
async fn next_turn(log: &EventLog, dead: u64) -> Outcome<Instant> {
    let begun = Instant::now();
    while epoch(log).await? <= dead {
        if begun.elapsed() > TURN_MAX {
            return Err("nobody has taken over from the dead process".into());
        }
        tokio::time::sleep(TURN_POLL).await;
    }
    Ok(Instant::now())
}

fn recovery(samples: &[Sample]) -> Option<Recovery> {
    let ms = |value: fn(&Sample) -> Duration| {
        Spread::of(&samples.iter().map(|sample| value(sample).as_secs_f64() * 1_000.0).collect::<Vec<_>>())
    };
    let unfinished: Vec<f64> = samples.iter().map(|sample| sample.unfinished as f64).collect();
    (!samples.is_empty()).then(|| Recovery {
        kills: samples.len(),
        unfinished: Spread::of(&unfinished),
        from_kill_ms: ms(|sample| sample.from_kill),
        from_start_ms: ms(|sample| sample.from_start),
        from_turn_ms: ms(|sample| sample.from_turn),
    })
}
