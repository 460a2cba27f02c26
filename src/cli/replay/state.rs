//! A state as JSON.

use serde_json::Value;
use traveladvisor_domain::aggregate::Aggregate;

use crate::cli::events::{Sight, masked};

/// The state in serde's plain form, personal values as they may be seen.
pub(super) fn shown(state: &Aggregate, sight: Sight) -> Result<Value, serde_json::Error> {
    let state = match state {
        Aggregate::Booking(state) => serde_json::to_value(state),
        Aggregate::TripSaga(state) => serde_json::to_value(state),
        Aggregate::Hotel(state) => serde_json::to_value(state),
        Aggregate::Flight(state) => serde_json::to_value(state),
        Aggregate::Car(state) => serde_json::to_value(state),
        Aggregate::Payment(state) => serde_json::to_value(state),
        Aggregate::DeadLetter(state) => serde_json::to_value(state),
        Aggregate::Member(state) => serde_json::to_value(state),
        Aggregate::EmailClaim(state) => serde_json::to_value(state),
        Aggregate::PointsAccount(state) => serde_json::to_value(state),
        Aggregate::Campaign(state) => serde_json::to_value(state),
        Aggregate::Reward(state) => serde_json::to_value(state),
        Aggregate::Programme(state) => serde_json::to_value(state),
    }?;
    Ok(if sight.shows_personal() { state } else { masked(state) })
}
