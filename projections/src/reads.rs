//! The queries: everything that the API reads.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId};
use traveladvisor_infra::event_log::{EventLog, Position};

use crate::runtime::{ProjectionName, Projectors};
pub use crate::search::{BookingFilter, CarSearch, FlightSearch, HotelSearch, PAGE_ITEMS_MAX, Page, Slice};
use crate::views::{BookingView, CarView, FlightView, HotelView, SagaView};

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The cursor is none that this list gave.
    #[error("the cursor is not one of this list: hand back one that it gave")]
    BadCursor,
    /// The projection has not come as far as was asked, in the time that was given.
    #[error("the projection {projection} stands at {reached} and has not reached {wanted} in time: ask again")]
    Behind {
        /// Which.
        projection: &'static str,
        /// Where it stands.
        reached: Position,
        /// What was asked.
        wanted: Position,
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
    pool: PgPool,
}

impl Reads {
    /// Reads of the log's database; waits for these projectors.
    pub fn new(log: &EventLog, _projectors: &Projectors) -> Self {
        Self { pool: log.pool().clone() }
    }

    /// A trip.
    pub async fn booking(&self, _id: BookingId) -> Result<Option<BookingView>, ReadError> {
        self.not_yet()
    }

    /// Trips, the newest first.
    pub async fn bookings(&self, _filter: &BookingFilter, _page: &Page) -> Result<Slice<BookingView>, ReadError> {
        self.not_yet()
    }

    /// The process manager of a trip.
    pub async fn saga(&self, _id: BookingId) -> Result<Option<SagaView>, ReadError> {
        self.not_yet()
    }

    /// A hotel; rooms left and totals are absent.
    pub async fn hotel(&self, _id: HotelId) -> Result<Option<HotelView>, ReadError> {
        self.not_yet()
    }

    /// A flight.
    pub async fn flight(&self, _id: FlightId) -> Result<Option<FlightView>, ReadError> {
        self.not_yet()
    }

    /// A car; vehicles left and total are absent.
    pub async fn car(&self, _id: CarId) -> Result<Option<CarView>, ReadError> {
        self.not_yet()
    }

    /// Hotels by name.
    pub async fn hotels(&self, _search: &HotelSearch, _page: &Page) -> Result<Slice<HotelView>, ReadError> {
        self.not_yet()
    }

    /// Flights by departure.
    pub async fn flights(&self, _search: &FlightSearch, _page: &Page) -> Result<Slice<FlightView>, ReadError> {
        self.not_yet()
    }

    /// Cars by daily price.
    pub async fn cars(&self, _search: &CarSearch, _page: &Page) -> Result<Slice<CarView>, ReadError> {
        self.not_yet()
    }

    /// Waits until a projection has taken in the event at a position.
    pub async fn wait_for(
        &self,
        projection: ProjectionName,
        wanted: Position,
        _limit: Duration,
    ) -> Result<(), ReadError> {
        Err(ReadError::Behind { projection: projection.as_str(), reached: Position::START, wanted })
    }

    /// Tells how far the projection `booking` has come: changes whenever bookings may have changed.
    pub fn booking_changes(&self) -> watch::Receiver<Position> {
        watch::channel(Position::START).1
    }

    fn not_yet<T>(&self) -> Result<T, ReadError> {
        Err(ReadError::Unavailable(format!("not filled yet ({} connections)", self.pool.size())))
    }
}
