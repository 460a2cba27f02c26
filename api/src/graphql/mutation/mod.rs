//! What callers can change: one file for each mutation.

mod accepted_saga;
mod accepted_trip;
mod book_trip;
mod cancel_booking;
mod card_digits;
mod card_in_key;
mod change_allotment;
mod changed_projection;
mod close_campaign;
mod close_member;
mod grant_reward;
mod key;
mod member_payload;
mod member_rules;
mod open_campaign;
mod rebuild_projection;
mod resolution;
mod resolve_saga;
mod resolve_sagas;
mod rollback_projection;
mod rules;
mod sign_up;
mod submit;
mod update_profile;
mod upsert_car;
mod upsert_flight;
mod upsert_hotel;

use async_graphql::MergedObject;

pub(crate) use self::card_digits::no_card;
pub(crate) use card_digits::holds_card_number;
pub use resolution::{operator_reason, reason_fingerprint, resolution};
pub(crate) use rules::idempotency_key;

/// What callers can change. What a caller did wrong is answered in the payload's `errors`.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Mutation(
    book_trip::BookTrip,
    cancel_booking::CancelBooking,
    upsert_hotel::UpsertHotel,
    change_allotment::ChangeAllotment,
    upsert_flight::UpsertFlight,
    upsert_car::UpsertCar,
    resolve_saga::ResolveSaga,
    resolve_sagas::ResolveSagas,
    rebuild_projection::RebuildProjection,
    rollback_projection::RollbackProjection,
    sign_up::SignUp,
    update_profile::UpdateProfile,
    close_member::CloseMember,
    grant_reward::GrantReward,
    open_campaign::OpenCampaign,
    close_campaign::CloseCampaign,
);
