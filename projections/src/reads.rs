//! The queries: everything that the API reads.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::watch;
use traveladvisor_domain::id::{BookingId, CampaignId, CarId, FlightId, HotelId, MemberId, RewardId};
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};

pub use crate::booking::as_of::{TAIL_POSITIONS_MAX, TRIP_EVENTS_MAX};
use crate::booking::changes::{Feed, lines_after};
pub use crate::booking::changes::{SWEEP_EVERY, TRIPS_WAITING_MAX, TravellerWatch, TripWatch};
use crate::booking::settled::{Questions, settled_among};
use crate::booking::timeline::Lines;
pub use crate::booking::timeline::{HISTORY_ENTRIES_FIRST, HISTORY_ENTRIES_MAX};
use crate::runtime::{Ear, ProjectionName, ProjectionReport, Projectors, Waiting, reports};
pub use crate::search::{
    BookingFilter, CampaignFilter, CarSearch, CursorEnd, FlightSearch, HotelSearch, PAGE_ITEMS_MAX, PERIOD_DAYS_MAX,
    Page, Period, SagaFilter, Slice, Take, TravellerTrips, VoucherFilter,
};
use crate::views::{
    BookingView, CampaignView, CarView, FlightView, HotelView, LedgerBalance, LedgerEntry, MemberView, OccupancyView,
    PointsAccountView, PointsEntryView, SagaView, Story, TimelineEntry, TravellerBookingView, VoucherView,
};
use crate::{booking, car_availability, flight_availability, hotel_availability};
use crate::{campaigns, members, points, vouchers};
use crate::{payment_ledger, supply_occupancy, traveller_bookings};

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The cursor is none that this list gave.
    #[error("the cursor is not one of this list: hand back one that it gave")]
    BadCursor(CursorEnd),
    /// The projection has not come as far as was asked, in the time that was given.
    #[error("the projection {projection} stands at {reached} and has not reached {wanted} in time: {}", why.as_deref().unwrap_or("ask again"))]
    Behind {
        /// Which.
        projection: &'static str,
        /// Where it stands.
        reached: Position,
        /// What was asked.
        wanted: Position,
        /// Why it will not come there by itself, if that is so.
        why: Option<String>,
    },
    /// The server is away, too slow or out of connections.
    #[error("the database does not answer: try again ({0})")]
    Unavailable(String),
    /// A row that this program cannot read.
    #[error("a row of the read side cannot be read: {0}")]
    Damaged(String),
}

/// Everything that can be read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reads {
    log: EventLog,
    /// Where trips begin: the same, unless that is gathered from several.
    bookings: EventLog,
    pool: PgPool,
    /// In the order of [`ProjectionName::ALL`].
    ears: [Ear; ProjectionName::ALL.len()],
    /// Shared by all clones: those who ask at the same time are answered together.
    settled: Arc<Questions>,
    /// Shared by all clones: one task tells all who watch.
    feed: Arc<Feed>,
    lines: Lines,
}

impl Reads {
    /// Reads of the log's database; waits for these projectors.
    pub fn new(log: &EventLog, projectors: &Projectors) -> Self {
        let ears = projectors.ears();
        let feed = Feed::new(log, ears[ProjectionName::Booking.place()].clone());
        Self {
            log: log.clone(),
            bookings: log.clone(),
            pool: log.pool().clone(),
            ears,
            settled: Arc::default(),
            feed,
            lines: Lines::Bounded,
        }
    }

    /// The same where the log is gathered from several: whose a trip is is told by the one in which it begins.
    #[must_use]
    pub fn with_bookings_in(self, bookings: &EventLog) -> Self {
        Self { bookings: bookings.clone(), ..self }
    }

    /// The same without what happened: timelines and histories are empty, and nothing is read for them.
    #[must_use]
    pub fn without_history(&self) -> Self {
        Self { lines: Lines::None, ..self.clone() }
    }

    /// A trip. Of its timeline the first [`HISTORY_ENTRIES_FIRST`] lines and the newest, at most [`HISTORY_ENTRIES_MAX`] in all; so it is
    /// with all timelines and histories.
    pub async fn booking(&self, id: BookingId) -> Result<Option<BookingView>, ReadError> {
        outgoing(Point::Query, booking::query::booking(&self.pool, id, self.lines)).await
    }

    /// Whose a trip is, also when no read model has heard of it yet; nothing when there is no such trip.
    pub async fn owner_of(&self, id: BookingId) -> Result<Option<String>, ReadError> {
        outgoing(Point::Query, booking::owner::owner_of(&self.bookings, id)).await
    }

    /// A trip as it stood at a moment, told by the log: see [`booking::as_of`]. Nothing when it had not been asked for.
    ///
    /// Errors: [`ReadError::Behind`] when the read model is so far behind the log that its timelines do not tell where the trip's events
    /// are.
    pub async fn booking_as_of(&self, id: BookingId, moment: DateTime<Utc>) -> Result<Option<BookingView>, ReadError> {
        outgoing(Point::Query, booking::as_of::booking(&self.log, id, moment, self.lines)).await
    }

    /// Whether a trip has ended: nothing more happens to it unless somebody asks. One that is not there has not.
    ///
    /// Cheap also when thousands ask: one query at a time answers all who asked before it began.
    pub async fn is_settled(&self, id: BookingId) -> Result<bool, ReadError> {
        self.settled.ask(id, |ids| outgoing(Point::Query, settled_among(self.pool.clone(), ids))).await
    }

    /// Trips, the newest first.
    pub async fn bookings(&self, filter: &BookingFilter, page: &Page) -> Result<Slice<BookingView>, ReadError> {
        outgoing(Point::Query, booking::query::bookings(&self.pool, filter, page, self.lines)).await
    }

    /// Those of some trips that there are, in no order.
    pub async fn bookings_by_id(&self, ids: &[BookingId]) -> Result<Vec<BookingView>, ReadError> {
        outgoing(Point::Query, booking::query::bookings_of(&self.pool, ids, self.lines)).await
    }

    /// The process manager of a trip.
    pub async fn saga(&self, id: BookingId) -> Result<Option<SagaView>, ReadError> {
        outgoing(Point::Query, booking::sagas::saga(&self.pool, id, self.lines)).await
    }

    /// The process managers of those of some trips that there are, in no order.
    pub async fn sagas_by_id(&self, ids: &[BookingId]) -> Result<Vec<SagaView>, ReadError> {
        outgoing(Point::Query, booking::sagas::sagas_of(&self.pool, ids, self.lines)).await
    }

    /// What happened to a trip, in all streams, and how much of it was left out; nothing when there is no such trip.
    pub async fn story(&self, id: BookingId) -> Result<Story, ReadError> {
        outgoing(Point::Query, booking::timeline::story(&self.pool, id)).await
    }

    /// Process managers of trips, in the order of the filter.
    pub async fn sagas(&self, filter: &SagaFilter, page: &Page) -> Result<Slice<SagaView>, ReadError> {
        outgoing(Point::Query, booking::sagas::sagas(&self.pool, filter, page, self.lines)).await
    }

    /// How many sagas wait for an operator for the reason with this fingerprint.
    pub async fn sagas_waiting_for(&self, fingerprint: &str) -> Result<u64, ReadError> {
        outgoing(Point::Query, booking::sagas::waiting_for(&self.pool, fingerprint)).await
    }

    /// A hotel; rooms left and totals are absent.
    pub async fn hotel(&self, id: HotelId) -> Result<Option<HotelView>, ReadError> {
        Ok(self.hotels_by_id(&[id]).await?.pop())
    }

    /// A flight.
    pub async fn flight(&self, id: FlightId) -> Result<Option<FlightView>, ReadError> {
        Ok(self.flights_by_id(&[id]).await?.pop())
    }

    /// A car; vehicles left and total are absent.
    pub async fn car(&self, id: CarId) -> Result<Option<CarView>, ReadError> {
        Ok(self.cars_by_id(&[id]).await?.pop())
    }

    /// Those of some hotels that there are, in no order; rooms left and totals are absent.
    pub async fn hotels_by_id(&self, ids: &[HotelId]) -> Result<Vec<HotelView>, ReadError> {
        outgoing(Point::Query, hotel_availability::query::hotels_of_ids(&self.pool, ids)).await
    }

    /// Those of some flights that there are, in no order.
    pub async fn flights_by_id(&self, ids: &[FlightId]) -> Result<Vec<FlightView>, ReadError> {
        outgoing(Point::Query, flight_availability::query::flights_of_ids(&self.pool, ids)).await
    }

    /// Those of some cars that there are, in no order; vehicles left and totals are absent.
    pub async fn cars_by_id(&self, ids: &[CarId]) -> Result<Vec<CarView>, ReadError> {
        outgoing(Point::Query, car_availability::query::cars_of_ids(&self.pool, ids)).await
    }

    /// Hotels by name. With a stay, those are left out of which no room type has the rooms in every night.
    pub async fn hotels(&self, search: &HotelSearch, page: &Page) -> Result<Slice<HotelView>, ReadError> {
        outgoing(Point::Query, hotel_availability::query::hotels(&self.pool, search, page)).await
    }

    /// Flights by departure. Those are left out of which no cabin, or not the cabin asked for, has the seats.
    pub async fn flights(&self, search: &FlightSearch, page: &Page) -> Result<Slice<FlightView>, ReadError> {
        outgoing(Point::Query, flight_availability::query::flights(&self.pool, search, page)).await
    }

    /// Cars by daily price, each currency by itself. With a rental, those are left out that have no vehicle for the whole of it.
    pub async fn cars(&self, search: &CarSearch, page: &Page) -> Result<Slice<CarView>, ReadError> {
        outgoing(Point::Query, car_availability::query::cars(&self.pool, search, page)).await
    }

    /// The trips of the traveller with this e-mail address, the newest first; upper and lower case are the same.
    pub async fn traveller_bookings(
        &self,
        wanted: &TravellerTrips<'_>,
        page: &Page,
    ) -> Result<Slice<TravellerBookingView>, ReadError> {
        outgoing(Point::Query, traveller_bookings::query::trips(&self.pool, wanted, page)).await
    }

    /// Those of some trips that there are, as their travellers' lists show them, in no order.
    pub async fn traveller_bookings_by_id(&self, ids: &[BookingId]) -> Result<Vec<TravellerBookingView>, ReadError> {
        outgoing(Point::Query, traveller_bookings::query::trips_of(&self.pool, ids)).await
    }

    /// What was taken for a trip and given back, by currency, in money and in points; nothing where neither moved.
    pub async fn payment_ledger(&self, booking: BookingId) -> Result<Vec<LedgerEntry>, ReadError> {
        outgoing(Point::Query, payment_ledger::query::ledger(&self.pool, booking)).await
    }

    /// For each currency the sums of the ledger beside those of the log, as far as the ledger has read it. Reads all payments there are: to be
    /// asked now and then, not for every caller.
    pub async fn ledger_balances(&self) -> Result<Vec<LedgerBalance>, ReadError> {
        outgoing(Point::Query, payment_ledger::query::balances(&self.pool)).await
    }

    /// What is sold of a hotel in each night of a period; nothing when there is no such hotel.
    pub async fn hotel_occupancy(&self, id: HotelId, period: Period) -> Result<Option<Vec<OccupancyView>>, ReadError> {
        outgoing(Point::Query, supply_occupancy::query::hotel(&self.pool, id, period)).await
    }

    /// What is sold of a flight; nothing when there is no such flight.
    pub async fn flight_occupancy(&self, id: FlightId) -> Result<Option<OccupancyView>, ReadError> {
        outgoing(Point::Query, supply_occupancy::query::flight(&self.pool, id)).await
    }

    /// What is sold of a fleet on each day of a period, at the rental location; nothing when there is no such fleet.
    pub async fn car_occupancy(&self, id: CarId, period: Period) -> Result<Option<Vec<OccupancyView>>, ReadError> {
        outgoing(Point::Query, supply_occupancy::query::car(&self.pool, id, period)).await
    }

    /// A member, by id, whether it has left or not. Waits for nothing: ask [`Self::wait_for`] with [`ProjectionName::Members`] before.
    pub async fn member(&self, id: MemberId) -> Result<Option<MemberView>, ReadError> {
        Ok(self.members_by_id(&[id]).await?.pop())
    }

    /// Those of some members that there are, in no order.
    pub async fn members_by_id(&self, ids: &[MemberId]) -> Result<Vec<MemberView>, ReadError> {
        outgoing(Point::Query, members::query::members_of(&self.pool, ids)).await
    }

    /// The member with this identity (the caller's opaque name, which is also the owner of its trips), whether it has left or not.
    pub async fn member_of_identity(&self, identity: &str) -> Result<Option<MemberView>, ReadError> {
        outgoing(Point::Query, members::query::of_identity(&self.pool, identity)).await
    }

    /// The member who has this e-mail address now; upper and lower case are the same. Who has left has none.
    pub async fn member_by_email(&self, email: &str) -> Result<Option<MemberView>, ReadError> {
        outgoing(Point::Query, members::query::by_email(&self.pool, email)).await
    }

    /// The points of a member; nothing before the first points have come.
    pub async fn points_account(&self, member: MemberId) -> Result<Option<PointsAccountView>, ReadError> {
        Ok(self.points_accounts_by_id(&[member]).await?.pop())
    }

    /// The points of those of some members who have an account, in no order.
    pub async fn points_accounts_by_id(&self, members: &[MemberId]) -> Result<Vec<PointsAccountView>, ReadError> {
        outgoing(Point::Query, points::query::accounts_of(&self.pool, members)).await
    }

    /// The history of a member's points, the newest first.
    pub async fn points_entries(&self, member: MemberId, page: &Page) -> Result<Slice<PointsEntryView>, ReadError> {
        outgoing(Point::Query, points::query::entries(&self.pool, member, page)).await
    }

    /// Those of some lines of histories of points that there are, by member and place in the log, in no order.
    pub async fn points_entries_by_id(
        &self,
        lines: &[(MemberId, Position)],
    ) -> Result<Vec<(MemberId, PointsEntryView)>, ReadError> {
        outgoing(Point::Query, points::query::entries_of(&self.pool, lines)).await
    }

    /// Members whose balance is not the sum of their history, line by line; none, unless the read model is damaged. Reads all histories
    /// there are: to be asked now and then, not for every caller.
    pub async fn points_that_do_not_add_up(&self) -> Result<Vec<MemberId>, ReadError> {
        outgoing(Point::Query, points::query::uneven(&self.pool)).await
    }

    /// A campaign. Where it stands is told by [`CampaignView::status`].
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<CampaignView>, ReadError> {
        Ok(self.campaigns_by_id(&[id]).await?.pop())
    }

    /// Those of some campaigns that there are, in no order.
    pub async fn campaigns_by_id(&self, ids: &[CampaignId]) -> Result<Vec<CampaignView>, ReadError> {
        outgoing(Point::Query, campaigns::query::campaigns_of(&self.pool, ids)).await
    }

    /// Campaigns, those that open last first.
    pub async fn campaigns(&self, filter: &CampaignFilter, page: &Page) -> Result<Slice<CampaignView>, ReadError> {
        outgoing(Point::Query, campaigns::query::campaigns(&self.pool, filter, page)).await
    }

    /// A reward of any kind.
    pub async fn voucher(&self, id: RewardId) -> Result<Option<VoucherView>, ReadError> {
        Ok(self.vouchers_by_id(&[id]).await?.pop())
    }

    /// Those of some rewards that there are, in no order.
    pub async fn vouchers_by_id(&self, ids: &[RewardId]) -> Result<Vec<VoucherView>, ReadError> {
        outgoing(Point::Query, vouchers::query::vouchers_of(&self.pool, ids)).await
    }

    /// What a member was granted, of all kinds, the newest first. Of who has left, as the read model `members` knows, nothing is usable.
    pub async fn vouchers(&self, filter: &VoucherFilter, page: &Page) -> Result<Slice<VoucherView>, ReadError> {
        outgoing(Point::Query, vouchers::query::vouchers(&self.pool, filter, page)).await
    }

    /// How the projections are doing, in whatever process they are followed.
    pub async fn projections(&self) -> Result<Vec<ProjectionReport>, ReadError> {
        reports(&self.pool).await
    }

    /// Waits until a projection has taken in the event at a position, for `limit` at most.
    ///
    /// Errors: [`ReadError::Behind`], at once when the projection will not move again in this process.
    pub async fn wait_for(
        &self,
        projection: ProjectionName,
        wanted: Position,
        limit: Duration,
    ) -> Result<(), ReadError> {
        let ear = &self.ears[projection.place()];
        let mut position = ear.position.clone();
        let mut condition = ear.condition.clone();
        let reached = async {
            let _waiting = (*position.borrow() < wanted).then(|| ear.wait());
            tokio::select! {
                biased;
                reached = position.wait_for(|reached| *reached >= wanted) => reached.is_ok(),
                _ = condition.wait_for(|(state, _)| state.is_still()) => false,
            }
        };
        if tokio::time::timeout(limit, reached).await.unwrap_or(false) {
            return Ok(());
        }
        let why = Some(condition.borrow().clone()).filter(|(state, _)| state.is_still()).and_then(|(_, reason)| reason);
        Err(ReadError::Behind { projection: projection.as_str(), reached: *ear.position.borrow(), wanted, why })
    }

    /// Waits until the projection `booking` has taken in all that stands in the log now.
    pub async fn wait_for_bookings(&self, limit: Duration) -> Result<(), ReadError> {
        let head = self.log.head().await?;
        self.wait_for(ProjectionName::Booking, head, limit).await
    }

    /// The next lines of a trip's timeline behind a position, in the order of the log, at most `limit`. Lines are only ever added behind the
    /// last one, so that reading on from the position of the last line read tells everything once.
    pub async fn lines_after(
        &self,
        id: BookingId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<TimelineEntry>, ReadError> {
        outgoing(Point::Query, lines_after(&self.pool, id, after, limit)).await
    }

    /// Hears of what is new of a trip. Must be called inside tokio.
    pub fn watch_trip(&self, id: BookingId) -> TripWatch {
        self.feed.watch_trip(id)
    }

    /// Hears which trips of the traveller with this e-mail address change, of one owner or of all. Must be called inside tokio.
    pub fn watch_traveller(&self, email: &str, owner: Option<&str>) -> TravellerWatch {
        self.feed.watch_traveller(email, owner)
    }

    /// How many watch trips or travellers now.
    pub fn watchers(&self) -> usize {
        self.feed.watchers()
    }

    /// Tells how far the projection `booking` has come: changes whenever bookings may have changed.
    pub fn booking_changes(&self) -> Changes {
        let ear = &self.ears[ProjectionName::Booking.place()];
        Changes { position: ear.position.clone(), _waiting: ear.wait() }
    }
}

/// The positions of a projection, one after the other.
#[derive(Debug)]
pub struct Changes {
    position: watch::Receiver<Position>,
    _waiting: Waiting,
}

impl Changes {
    /// Where it is now; what comes after counts as a change.
    pub fn borrow_and_update(&mut self) -> Position {
        *self.position.borrow_and_update()
    }

    /// Waits for the next change.
    ///
    /// Errors: there will be none in this process.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.position.changed().await
    }
}
