//! The read model `traveller_bookings`: the trips of a traveller by e-mail address, the newest first, as a list of them needs it.

pub(crate) mod query;
mod rows;
mod state;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::trip_saga::TripSagaEvent;

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{TRIPS, Trip, TripBatch};
use state::TripState;

/// The projection of travellers' trips. Its key is the booking. Booking and saga tell all that a list shows: what the parts and the payment
/// answer, the saga says right after them.
#[derive(Debug, Clone, Copy, Default)]
pub struct TravellerBookings;

impl Projection for TravellerBookings {
    const NAME: &'static str = "traveller_bookings";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Booking, StreamKind::TripSaga];
    const TABLES: &'static [&'static Table] = &[&TRIPS];
    type Batch = TripBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        let changes = match &recorded.told.event {
            Event::Booking(BookingEvent::AnswerRepeated { .. })
            | Event::TripSaga(TripSagaEvent::LateAnswerNoted { .. }) => false,
            Event::Booking(_) | Event::TripSaga(_) => true,
            _ => false,
        };
        changes.then(|| BookingId(recorded.stream.uuid).stream())
    }

    fn key_of_unreadable(stream: StreamId, _correlation: &str) -> StreamId {
        BookingId(stream.uuid).stream()
    }

    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut TripBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        recorded.sequence == 1 && matches!(recorded.told.event, Event::Booking(BookingEvent::BookingRequested { .. }))
    }

    fn holds(batch: &TripBatch, key: StreamId) -> bool {
        batch.trips.holds(&BookingId(key.uuid))
    }

    fn fold(&self, batch: &mut TripBatch, recorded: &Recorded) -> Result<(), FoldError> {
        let booking = BookingId(recorded.stream.uuid);
        if let Event::Booking(BookingEvent::BookingRequested { owner, traveller, plan }) = &recorded.told.event {
            if batch.trips.holds(&booking) {
                return Err(FoldError::new("the trip was asked for twice"));
            }
            let state = TripState::requested(owner.clone(), plan);
            let trip = Trip::new(&traveller.value.email, recorded.told.occurred_at, state);
            batch.trips.keep_new(booking, trip);
            return Ok(());
        }
        // What concerns a trip that nobody asked for is left out: there is nothing to show.
        let Some(way) = batch.trips.get(&booking).map(|trip| trip.state.way) else { return Ok(()) };
        let after = way.after(&recorded.told.event);
        if after != way
            && let Some(trip) = batch.trips.change(&booking)
        {
            trip.state.way = after;
        }
        Ok(())
    }

    fn flush(&self, batch: &mut TripBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &TripBatch) -> usize {
        batch.bytes()
    }
}
