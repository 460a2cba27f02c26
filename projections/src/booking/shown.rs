//! Where a trip stood after each line of its timeline.

use traveladvisor_domain::id::StreamKind;

use crate::views::{BookingStatus, SagaStatus};

/// Where booking and saga stand.
pub(super) type Shown = (BookingStatus, SagaStatus);

/// Where both stand after a line, which may say it itself. What suppliers answer shows at once, before the saga has heard of it.
pub(super) fn after(before: Option<Shown>, told: Option<Shown>, stream: StreamKind, event_type: &str) -> Shown {
    let (status, saga) = before.unwrap_or((BookingStatus::Pending, SagaStatus::Started));
    told.unwrap_or_else(|| match (stream, event_type) {
        (
            StreamKind::Hotel | StreamKind::Flight | StreamKind::Car,
            "RoomsReserved" | "SeatsReserved" | "VehicleReserved",
        ) => {
            let saga = if saga == SagaStatus::Started { SagaStatus::Processing } else { saga };
            (booked(status, stream), saga)
        }
        (
            StreamKind::Hotel | StreamKind::Flight | StreamKind::Car,
            "RoomsReleased" | "SeatsReleased" | "VehicleReleased" | "ReservationBarred",
        ) => (given_back(status, stream), saga),
        _ => (status, saga),
    })
}

/// Parts are reserved in this order: a state never goes back.
const BOOKED: [(BookingStatus, Option<StreamKind>); 4] = [
    (BookingStatus::Pending, None),
    (BookingStatus::HotelBooked, Some(StreamKind::Hotel)),
    (BookingStatus::FlightBooked, Some(StreamKind::Flight)),
    (BookingStatus::CarBooked, Some(StreamKind::Car)),
];
/// And given back in this one.
const GIVEN_BACK: [(BookingStatus, Option<StreamKind>); 4] = [
    (BookingStatus::Cancelling, None),
    (BookingStatus::CarCancelled, Some(StreamKind::Car)),
    (BookingStatus::FlightCancelled, Some(StreamKind::Flight)),
    (BookingStatus::HotelCancelled, Some(StreamKind::Hotel)),
];

fn booked(status: BookingStatus, part: StreamKind) -> BookingStatus {
    farther(&BOOKED, status, part)
}

fn given_back(status: BookingStatus, part: StreamKind) -> BookingStatus {
    farther(&GIVEN_BACK, status, part)
}

fn farther(way: &[(BookingStatus, Option<StreamKind>)], status: BookingStatus, part: StreamKind) -> BookingStatus {
    let here = way.iter().position(|(known, _)| *known == status);
    let there = way.iter().position(|(_, known)| *known == Some(part));
    match (here, there) {
        (Some(here), Some(there)) => way[here.max(there)].0,
        _ => status,
    }
}
