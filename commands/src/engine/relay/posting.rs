//! What the relay has for other logs: handed to the broker in order, and behind it once the broker has it.

use std::sync::Arc;

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::bus::{Content, Parcel, announcement};
use traveladvisor_domain::message::Message;
use traveladvisor_domain::shape::Events;
use traveladvisor_infra::event_log::{Metadata, StoredEvent};
use traveladvisor_infra::kafka::NotSent;

use super::super::bus::{Post, Unsendable, surely_fits};
use super::super::job::Origin;
use super::{Relay, Stopped, Under, now};

/// What the broker's client tells of a record, by position and place.
pub(super) struct Reported {
    at: (u64, usize),
    outcome: Result<(), NotSent>,
}

/// What is to be known of a record that the broker has not acknowledged.
pub(super) struct Unposted {
    topic: &'static str,
    /// What is set aside if the broker refuses it.
    unsendable: Box<Unsendable>,
}

impl Relay {
    pub(super) fn announces(&self, stored: &StoredEvent, event: &Event) -> bool {
        self.post.as_ref().is_some_and(|post| post.sends() || !surely_fits(stored)) && announcement(event).is_some()
    }

    /// What an event tells whoever wants to know, behind its messages.
    pub(super) async fn announce(
        &mut self,
        stored: &StoredEvent,
        metadata: &Metadata,
        (first, events): (usize, &Events),
    ) -> Result<(), Stopped> {
        let Some(from) = self.post.as_ref().map(|post| post.context(stored.stream)) else { return Ok(()) };
        for (place, announced) in events.iter().filter_map(announcement).enumerate() {
            self.put(stored, metadata, first + place, Content::Announcement(from, &announced)).await?;
        }
        Ok(())
    }

    /// A message for another log.
    pub(super) async fn send(
        &mut self,
        stored: &StoredEvent,
        metadata: &Metadata,
        place: usize,
        message: &Message,
    ) -> Result<(), Stopped> {
        self.put(stored, metadata, place, Content::Message(message)).await
    }

    /// Hands a record to the producer, unless a connector has it, or lets it wait behind others of its topic. One that nobody will ever take is set
    /// aside, and what waits behind it goes on.
    async fn put(
        &mut self,
        stored: &StoredEvent,
        metadata: &Metadata,
        place: usize,
        content: Content<'_>,
    ) -> Result<(), Stopped> {
        let at = (stored.position.0, place);
        let Some(post) = &self.post else { return Ok(()) };
        if !post.sends() && surely_fits(stored) {
            return Ok(());
        }
        let parcel = stored
            .occurred_at()
            .ok()
            .and_then(|at| post.pack((stored.stream, stored.sequence), (metadata, at), place, content));
        let Some(parcel) = parcel else {
            tracing::error!(position = at.0, "the relay's checkpoint stays before an event whose message has no topic");
            self.begin(at, Under::Unreadable);
            return Ok(());
        };
        let cause = self.cause(stored.stream, stored.sequence, place);
        let unsendable = Unsendable::of(content, cause, Arc::new(Origin::of_message(metadata, &cause)));
        if self.held.joins(parcel.topic.name, at) {
            self.begin(at, Under::Post(Unposted { topic: parcel.topic.name, unsendable: Box::new(unsendable) }));
            return Ok(());
        }
        self.hand_over(at, &parcel, unsendable).await
    }

    /// Hands over a record of its own place, or sets it aside.
    pub(super) async fn hand_over(
        &mut self,
        at: (u64, usize),
        parcel: &Parcel,
        unsendable: Unsendable,
    ) -> Result<(), Stopped> {
        let Some(post) = &self.post else { return Ok(()) };
        if let Err(why) = Post::check(parcel) {
            self.begin(at, Under::Aside);
            return self.outlet(at).set_aside(unsendable, &why).await;
        }
        if !post.sends() {
            return Ok(());
        }
        let (report, topic) = (self.report.clone(), parcel.topic.name);
        // A relay that has ended sends again from its checkpoint: it need not hear.
        let told = move |outcome| drop(report.send(Reported { at, outcome }));
        let sent = tokio::select! {
            sent = post.send(parcel, told) => sent,
            () = self.turn.lost() => return Err(Stopped::Over),
        };
        if let Err(error) = sent {
            self.begin(at, Under::Aside);
            return self.outlet(at).set_aside(unsendable, &error.to_string()).await;
        }
        self.begin(at, Under::Post(Unposted { topic, unsendable: Box::new(unsendable) }));
        Ok(())
    }

    /// Takes in what the broker's client reports, this and all that waits.
    pub(super) fn settle_posts(&mut self, first: Option<Reported>) -> Result<(), Stopped> {
        let (mut next, mut is_heard) = (first, false);
        while let Some(Reported { at, outcome }) = next {
            match outcome {
                Ok(()) => {
                    is_heard = true;
                    self.sent(at);
                }
                Err(not_sent) => self.not_sent(at, &not_sent)?,
            }
            next = self.reported.try_recv().ok();
        }
        if is_heard {
            self.hear();
        }
        Ok(())
    }

    /// The broker has it.
    fn sent(&mut self, at: (u64, usize)) {
        let Some(Under::Post(unposted)) = self.in_flight.get(&at) else { return };
        if !self.held.took(unposted.topic, at) {
            self.end(at);
        }
    }

    fn not_sent(&mut self, at: (u64, usize), not_sent: &NotSent) -> Result<(), Stopped> {
        let (Some(Under::Post(unposted)), Some(post)) = (self.in_flight.get(&at), &self.post) else { return Ok(()) };
        let topic = unposted.topic;
        let error = post.why(not_sent, topic);
        if error.is_fatal() || error.is_away() {
            tracing::error!(position = at.0, topic, %error, "the broker has not taken a record: the relay begins again there");
            return Err(Stopped::Broker);
        }
        if !error.is_refusal() {
            if self.held.begins(topic, at, now()) {
                tracing::error!(position = at.0, topic, %error, "a topic takes no records: they wait for it, all else goes on");
            }
            return Ok(());
        }
        let unsendable = unposted.unsendable.clone();
        self.held.passes(topic, at, now());
        self.end(at);
        self.begin(at, Under::Aside);
        let outlet = self.outlet(at);
        self.waiting.spawn(async move { outlet.set_aside(*unsendable, &error.to_string()).await });
        Ok(())
    }
}
