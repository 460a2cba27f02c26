//! The projector runtime.

use traveladvisor_infra::event_log::{EventLog, Position};

/// The projections of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectionName {
    /// Trips and their sagas.
    Booking,
    /// Rooms left.
    HotelAvailability,
    /// Seats left.
    FlightAvailability,
    /// Vehicles left.
    CarAvailability,
}

impl ProjectionName {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Booking, Self::HotelAvailability, Self::FlightAvailability, Self::CarAvailability];

    /// The stored name, for example `hotel_availability`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::HotelAvailability => "hotel_availability",
            Self::FlightAvailability => "flight_availability",
            Self::CarAvailability => "car_availability",
        }
    }
}

/// What a projector is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectionState {
    /// Taking over its checkpoint.
    Starting,
    /// Following the log.
    Live,
    /// The database does not answer; it tries again.
    Waiting,
    /// It met an event that it cannot take in, and stays before it.
    Stopped,
    /// Another process has taken it over.
    Deposed,
    /// The program asked it to end.
    Ended,
}

impl ProjectionState {
    /// The word for it, for example `live`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Deposed => "deposed",
            Self::Ended => "ended",
        }
    }
}

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Which.
    pub name: &'static str,
    /// The version of its fold.
    pub version: u32,
    /// The last event it has taken in.
    pub position: Position,
    /// What it is doing.
    pub state: ProjectionState,
    /// Why, if it is not live.
    pub reason: Option<String>,
}

/// The projectors of this process.
#[derive(Debug)]
pub struct Projectors {}

impl Projectors {
    /// Starts one projector for each projection; each takes over its checkpoint from whoever had it.
    pub fn start(_log: EventLog) -> Self {
        Self {}
    }

    /// How far each projection has come.
    pub fn positions(&self) -> Vec<(&'static str, Position)> {
        Vec::new()
    }

    /// How each projection is doing.
    pub fn status(&self) -> Vec<ProjectionStatus> {
        Vec::new()
    }

    /// Ends them after the batch they are at.
    pub async fn stop(self) {}
}
