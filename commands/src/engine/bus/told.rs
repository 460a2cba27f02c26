//! What an event of this log tells others, found again by its place: what waits for its topic or was set aside is not kept beside the log.

use std::sync::Arc;

use traveladvisor_domain::bus::{Announcement, Content, Parcel, announcement};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::message::{Message, messages_of};
use traveladvisor_domain::shape::Events;
use traveladvisor_infra::event_log::{LogError, Metadata, StoredEvent};

use super::super::job::{Cause, Origin};
use super::{Post, Unsendable};

/// What stands at a place of an event: its messages come first, what it announces behind them.
enum Told {
    Message(Box<Message>),
    Announcement(Context, Box<Announcement>),
}

impl Told {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Message(message) => Content::Message(message),
            Self::Announcement(from, announced) => Content::Announcement(*from, announced),
        }
    }
}

/// A record that is sent once more.
pub(crate) struct Again {
    /// As it was sent before, under the same id.
    pub(crate) parcel: Parcel,
    /// What is set aside if it is refused.
    pub(crate) unsendable: Unsendable,
}

impl Post {
    /// The record of an event at the place of this cause; none where it tells others nothing there.
    ///
    /// Errors: the event cannot be read.
    pub(crate) fn again(&self, stored: &StoredEvent, cause: Cause) -> Result<Option<Again>, LogError> {
        let (events, metadata, at) = (stored.decode()?, stored.decode_metadata()?, stored.occurred_at()?);
        let Some(told) = self.told(stored, &events, cause.place) else { return Ok(None) };
        let parcel = self.pack((stored.stream, stored.sequence), (&metadata, at), cause.place, told.content());
        Ok(parcel.map(|parcel| Again { parcel, unsendable: unsendable(&told, cause, &metadata) }))
    }

    fn told(&self, stored: &StoredEvent, events: &Events, place: usize) -> Option<Told> {
        let mut messages = messages_of(stored.stream, events);
        if place < messages.len() {
            let message = messages.swap_remove(place);
            return self.is_for_others(&message).then(|| Told::Message(Box::new(message)));
        }
        let announced = events.iter().filter_map(announcement).nth(place - messages.len())?;
        Some(Told::Announcement(self.context(stored.stream), Box::new(announced)))
    }
}

fn unsendable(told: &Told, cause: Cause, metadata: &Metadata) -> Unsendable {
    Unsendable::of(told.content(), cause, Arc::new(Origin::of_message(metadata, &cause)))
}
