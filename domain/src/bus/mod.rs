//! What crosses a broker where contexts have logs of their own: which topic, under which key, in which envelope.
//!
//! The messages are those of [`crate::message`]; beside them stand announcements, which nobody answers.

mod announcement;
mod asyncapi;
mod envelope;
#[cfg(test)]
mod golden_messages;
mod origin;
mod payload;
#[cfg(test)]
mod tests;
mod topic;
mod trace;
mod version;

pub use announcement::{ANNOUNCING, Announcement, Standing, announcement};
pub use asyncapi::asyncapi;
pub use envelope::{Content, Envelope, Parcel, Received, Sent, UnreadableMessage, parcel, parcel_in, read};
pub use topic::{Carries, TOPICS, Topic, announcement_topic, topic_of, topics_for};
pub use trace::{is_traceparent, traceparent};
pub use version::{NoVersion, Version};
