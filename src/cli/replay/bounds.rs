//! How much of a stream is replayed.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::clock::parse_instant;
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};

use crate::cli::failure::Failure;

/// An end, as people give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsOf {
    /// By the server's clock at the append.
    Moment(DateTime<Utc>),
    /// By the place in the log.
    Place(Position),
}

impl FromStr for AsOf {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Place(position));
        }
        if let Ok(local) = text.parse::<NaiveDateTime>() {
            return Ok(Self::Moment(local.and_utc()));
        }
        parse_instant(text).map(Self::Moment).map_err(|_| {
            format!("{text:?} is no instant and no position; write 2024-12-03T12:00:00Z, a date for its midnight in UTC, or a position")
        })
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(moment) => write!(f, "{}", moment.to_rfc3339()),
            Self::Place(position) => write!(f, "position {position}"),
        }
    }
}

/// Where a replay begins to show, and where it ends.
#[derive(Debug)]
pub(super) struct Bounds {
    from: u64,
    to: u64,
    place: Option<Position>,
    as_of: Option<AsOf>,
}

impl Bounds {
    /// The bounds that were asked for, in sequences of this stream.
    pub(super) async fn of(
        log: &EventLog,
        stream: StreamId,
        (from, to): (u64, Option<u64>),
        as_of: Option<AsOf>,
    ) -> Result<Self, Failure> {
        let mut bounds = Self { from, to: to.unwrap_or(u64::MAX), place: None, as_of };
        match as_of {
            Some(AsOf::Moment(moment)) => {
                let last = log.sequence_by(stream, moment).await?.unwrap_or(0);
                bounds.to = bounds.to.min(last);
            }
            Some(AsOf::Place(position)) => bounds.place = Some(position),
            None => {}
        }
        Ok(bounds)
    }

    /// Whether an event is to be gone through.
    pub(super) fn include(&self, event: &StoredEvent) -> bool {
        event.sequence <= self.to && self.place.is_none_or(|place| event.position <= place)
    }

    /// Whether its step is to be shown.
    pub(super) const fn show(&self, event: &StoredEvent) -> bool {
        event.sequence >= self.from
    }

    /// Why nothing was shown of a stream that is there.
    pub(super) fn nothing(&self, stream: StreamId, first: &StoredEvent) -> Failure {
        let began =
            format!("{stream} began at position {}, recorded at {}", first.position, first.recorded_at.to_rfc3339());
        Failure::failed(match self.as_of {
            Some(as_of) if !self.include(first) => format!("{began}: as of {as_of} it was not there"),
            _ => format!("{stream} has no step {} within these bounds", self.from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_utc_unless_it_says_otherwise_and_a_number_is_a_position() {
        let noon = AsOf::Moment(parse_instant("2024-12-03T12:00:00Z").expect("an instant"));
        for text in ["2024-12-03T12:00:00Z", "2024-12-03T12:00:00", "2024-12-03T13:00:00+01:00"] {
            assert_eq!(text.parse(), Ok(noon), "{text}");
        }
        assert_eq!("2024".parse(), Ok(AsOf::Place(Position(2024))));
        assert!("2024-12-03".parse::<AsOf>().is_ok());
        for text in ["noon", "-1", "2024-13-01", ""] {
            assert!(text.parse::<AsOf>().is_err(), "{text}");
        }
    }
}
