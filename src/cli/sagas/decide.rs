//! What an operator has said, once it is sound.

use traveladvisor_api::{operator_reason, reason_fingerprint, resolution};
use traveladvisor_commands::input::FieldError;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip_saga::attention::{Resolution, Verb};

use super::{Many, Marked, Signed};
use crate::cli::failure::Failure;
use crate::cli::operator::actor;

/// A verb on some trips.
pub(super) struct Decision {
    pub(super) target: Target,
    /// The reason that it is about; absent: whatever they wait for.
    pub(super) fingerprint: Option<String>,
    pub(super) resolution: Resolution,
    pub(super) actor: String,
    pub(super) reason: String,
}

/// Which trips.
pub(super) enum Target {
    /// These.
    Trips(Vec<BookingId>),
    /// All that wait for this reason.
    Reason {
        /// Its fingerprint.
        fingerprint: String,
        /// Without being asked.
        yes: bool,
    },
}

impl Decision {
    /// A verb on some trips, or on all that wait for one reason.
    pub(super) fn of_many(verb: Verb, many: &Many) -> Result<Self, Failure> {
        let target = match &many.fingerprint {
            Some(fingerprint) => Target::Reason { fingerprint: fingerprint.clone(), yes: many.yes },
            None => Target::Trips(many.bookings.clone()),
        };
        let fingerprint = match (&many.fingerprint, &many.expecting) {
            (Some(searched), _) => Some(checked("--fingerprint", reason_fingerprint(searched))?),
            (None, expected) => expecting(expected.as_deref())?,
        };
        let resolution = checked("--reference", resolution(verb, None))?;
        Ok(Self { fingerprint, ..Self::signed(target, resolution, &many.signed)? })
    }

    /// A charge that was made.
    pub(super) fn of_one(marked: &Marked) -> Result<Self, Failure> {
        let resolution = checked("--reference", resolution(Verb::MarkDone, Some(&marked.reference)))?;
        let fingerprint = expecting(marked.expecting.as_deref())?;
        Ok(Self { fingerprint, ..Self::signed(Target::Trips(vec![marked.booking]), resolution, &marked.signed)? })
    }

    fn signed(target: Target, resolution: Resolution, signed: &Signed) -> Result<Self, Failure> {
        let reason = checked("--reason", operator_reason(&signed.reason))?;
        Ok(Self { target, fingerprint: None, resolution, actor: actor(signed.actor.as_deref())?, reason })
    }
}

fn expecting(fingerprint: Option<&str>) -> Result<Option<String>, Failure> {
    fingerprint.map(|fingerprint| checked("--expecting", reason_fingerprint(fingerprint))).transpose()
}

fn checked<T>(option: &str, value: Result<T, FieldError>) -> Result<T, Failure> {
    value.map_err(|error| Failure::usage(format!("{option}: {}", error.message)))
}
