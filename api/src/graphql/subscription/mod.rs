//! What callers can follow: one file for each subscription.

mod booking_progress;
mod bookings;
mod follow;
mod root_field;
mod trip;

use async_graphql::MergedSubscription;

pub(crate) use self::follow::{follow, is_mutation, is_subscription, once};
pub(crate) use self::root_field::keep_one;

/// What callers can follow, over a WebSocket (`graphql-transport-ws`) or as `text/event-stream`.
#[derive(Debug, Default, MergedSubscription)]
pub(crate) struct Subscription(booking_progress::BookingProgressSubscription, bookings::BookingsSubscription);
