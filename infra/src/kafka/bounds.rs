//! Every bound of what talks to a broker.

use std::time::Duration;

/// Largest record that the producer takes, in bytes; a topic takes no larger ones unless it is told to.
pub const RECORD_BYTES_MAX: usize = 1_000_000;
/// Largest batch of records that a topic takes, in bytes: one of [`RECORD_BYTES_MAX`] with its frame.
pub(super) const BATCH_BYTES_MAX: usize = 1_048_588;
/// Records that may wait for the broker's acknowledgement; one more is [`SendError::Full`](super::SendError::Full).
pub const UNSENT_RECORDS_MAX: usize = 20_000;
/// Bytes that may wait for the broker's acknowledgement, in units of 1024.
pub(super) const UNSENT_KIB_MAX: usize = 64 * 1024;
/// How long a record waits for company, in milliseconds: little, as people wait for the trip behind it.
pub(super) const LINGER_MS: u32 = 1;
/// How long a record waits for its topic before it is given back, in milliseconds: one that was just made may not be known everywhere.
pub(super) const TOPIC_KNOWN_MS: u32 = 5_000;
/// Longest pause between two tries to connect, in milliseconds: a broker that comes back is found soon.
pub(super) const RECONNECT_MS_MAX: u32 = 1_000;
/// After how much silence a group takes a member's partitions from it, in milliseconds.
pub(super) const SESSION_MS: u32 = 6_000;
/// How often a member shows its group that it lives, in milliseconds.
pub(super) const HEARTBEAT_MS: u32 = 1_500;
/// Times that it does so at least before its group takes it for gone: some may get lost.
pub(super) const HEARTBEATS_PER_SESSION_MIN: u32 = 4;
/// Longest time between two looks of a member at its group's events, in milliseconds. Only asking for offsets takes long.
pub(super) const POLL_MS_MAX: u32 = 300_000;
/// Longest wait for one look at a broker's events; also how long a seek or an end waits to be noticed.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// Events that a consumer's or reader's channel holds; then the partitions are paused.
pub const EVENTS_MAX: usize = 2_000;
/// How long the thread waits for room in the channel before it pauses the partitions.
pub(super) const ROOM_PATIENCE: Duration = Duration::from_millis(200);
/// Pause between two tries to put an event into a full channel.
pub(super) const ROOM_AGAIN: Duration = Duration::from_millis(1);
/// Fetched bytes that wait in the client, in units of 1024.
pub(super) const FETCHED_KIB_MAX: u32 = 16 * 1024;
/// Fetched messages of one partition that wait in the client.
pub(super) const FETCHED_MESSAGES_MIN: u32 = 2_000;
/// How long the broker may hold back a fetch that finds nothing, in milliseconds.
pub(super) const FETCH_WAIT_MS: u32 = 250;
/// Longest time for all answers about where to read on; then the member leaves its group and joins again.
pub(super) const OFFSETS_LIMIT: Duration = Duration::from_mins(2);
/// Pause before that is asked again.
pub(super) const OFFSETS_AGAIN: Duration = Duration::from_millis(500);
/// Longest wait for a seek to be taken.
pub(super) const SEEK_LIMIT: Duration = Duration::from_secs(10);
/// How often a client looks for new partitions of its topics, in milliseconds.
pub(super) const NEW_PARTITIONS_MS: u32 = 30_000;
/// How often the ends of the partitions are noted, in milliseconds.
pub(super) const ENDS_MS: u32 = 2_000;
/// After how long a broker that owes a member an answer counts as silent: many times as long as a fetch is held back.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// Longest wait for one answer about topics, groups or single records.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait of a consumer's or reader's end for its thread: it leaves its group first.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(15);
/// Pause before a topic that is not there is looked for again.
pub(super) const TOPIC_AGAIN: Duration = Duration::from_secs(1);
/// Pause before it is asked again whether topics that were just made are known.
pub(super) const KNOWN_AGAIN: Duration = Duration::from_millis(50);
/// Partitions of a topic unless told otherwise.
pub const PARTITIONS_DEFAULT: u32 = 8;
/// Most partitions of a topic: more is a slip of the keyboard.
pub const PARTITIONS_MAX: u32 = 1_000;
/// How long messages are kept: longer than any participant is away.
pub(super) const MESSAGES_KEPT: Duration = Duration::from_hours(7 * 24);
/// How long what was set aside is kept for operators.
pub(super) const LETTERS_KEPT: Duration = Duration::from_hours(30 * 24);
