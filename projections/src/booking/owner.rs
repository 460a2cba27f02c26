//! Whose a trip is, told by the log: a read model may not have heard yet of a trip that was just asked for.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::EventLog;

use crate::reads::ReadError;
use crate::runtime::{FoldError, decode};

/// The owner of a trip, for ever whoever asked for it: the first event of its stream names them.
pub(crate) async fn owner_of(log: &EventLog, id: BookingId) -> Result<Option<String>, ReadError> {
    let first = log.read_stream_page(id.stream(), 0, 1).await?;
    let Some(stored) = first.first() else { return Ok(None) };
    let unreadable = |error: FoldError| ReadError::Damaged(format!("event {}: {error}", stored.position));
    let entry = decode(stored).map_err(unreadable)?;
    let owner = entry.parts().find_map(|recorded| match &recorded.told.event {
        Event::Booking(BookingEvent::BookingRequested { owner, .. }) => Some(owner.clone()),
        _ => None,
    });
    owner.map(Some).ok_or_else(|| unreadable(FoldError::new("it does not begin a trip")))
}
