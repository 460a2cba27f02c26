//! Time and identities, drawn at the edge and passed on as parameters, so that decisions can be repeated.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use uuid::Uuid;

/// Where the program reads the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port's real side")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock for the sandbox: starts at a given instant and runs on at the real pace.
#[derive(Debug, Clone, Copy)]
pub struct SandboxClock {
    start: DateTime<Utc>,
    begun: Instant,
}

impl SandboxClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self { start, begun: Instant::now() }
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.begun.elapsed()).unwrap_or(TimeDelta::MAX);
        self.start.checked_add_signed(elapsed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Where the program draws new identities.
pub trait IdSource: Send + Sync {
    /// A new `UUIDv7` of the instant given, to the millisecond.
    fn uuid_v7(&self, at: DateTime<Utc>) -> Uuid;
}

/// Identities nobody can foresee.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the IdSource port's real side")]
    fn uuid_v7(&self, at: DateTime<Utc>) -> Uuid {
        uuid_v7(at, &mut rand::rng())
    }
}

/// Identities that are the same in every run, for tests.
#[derive(Debug)]
pub struct SeededIds(Mutex<StdRng>);

impl SeededIds {
    /// The sequence of identities that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl IdSource for SeededIds {
    fn uuid_v7(&self, at: DateTime<Utc>) -> Uuid {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uuid_v7(at, &mut *rng)
    }
}

fn uuid_v7(at: DateTime<Utc>, rng: &mut impl RngCore) -> Uuid {
    let mut random = [0; 10];
    rng.fill_bytes(&mut random);
    // UUIDv7 counts from 1970; nothing here is older.
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Reads an instant as people write it: RFC 3339, or a date alone for its midnight in UTC.
///
/// # Errors
///
/// A sentence that says what is expected.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .map_err(|_| format!("{text:?} is no instant; write 2024-12-01T09:30:00Z or a date such as 2024-12-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_clock_starts_where_it_is_told_and_runs_on() {
        let start = parse_instant("2024-12-01").expect("a date");
        let clock = SandboxClock::starting_at(start);
        let first = clock.now();
        let second = clock.now();
        assert!(first >= start && second >= first);
        assert!(second < start + TimeDelta::hours(1), "it runs at the real pace");
    }

    #[test]
    fn an_identity_bears_its_instant_and_is_new_each_time() {
        let at = parse_instant("2024-12-01T09:30:00.123Z").expect("an instant");
        let (first, second) = (RandomIds.uuid_v7(at), RandomIds.uuid_v7(at));
        assert_ne!(first, second);
        assert_eq!(first.get_version_num(), 7);
        let (seconds, nanos) = first.get_timestamp().expect("a v7 has one").to_unix();
        let stamp = DateTime::from_timestamp(seconds.cast_signed(), nanos);
        assert_eq!(stamp, Some(at));
    }

    #[test]
    fn seeded_identities_repeat() {
        let at = DateTime::UNIX_EPOCH;
        let draw = |seed| {
            let ids = SeededIds::new(seed);
            [ids.uuid_v7(at), ids.uuid_v7(at)]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1]);
    }

    #[test]
    fn what_is_no_instant_is_told_how_to_write_one() {
        assert!(parse_instant("2024-12-01T10:00:00+02:00").is_ok());
        let error = parse_instant("tomorrow").expect_err("no instant");
        assert!(error.contains("2024-12-01"), "{error}");
    }
}
