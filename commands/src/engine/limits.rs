//! Every bound of the engine, with its value (L11).

use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_infra::kafka::RECORD_BYTES_MAX;

/// Callers' commands waiting at most; the next one is refused at once with OVERLOADED.
pub const CALLER_LANE_MAX: usize = 1_024;
/// Answers, undos and timers waiting at most; beyond it their sources pause.
pub const SYSTEM_LANE_MAX: usize = 4_096;
/// Jobs of one batch at most.
pub const BATCH_JOBS_MAX: usize = 256;
/// How often the loop steps back after a commit, so that those who were answered may ask again before the next append.
pub const GATHER_ROUNDS: usize = 8;
/// Bytes of payloads after which a batch takes no more jobs: far below what one append may have, so that a batch is not refused for its
/// length.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// Places of a batch that callers' commands always have, however many answers wait.
pub const BATCH_CALLERS_MIN: usize = 64;
/// Messages that one job may have followed inside its batch; the relay delivers what is left.
pub const FOLLOW_UPS_MAX: usize = 64;
/// Bytes of states in memory, about. A hotel with a hundred bookings takes some 60 KiB with its staged copy, a finished trip 3 KiB: this is
/// room for all that some thousand busy hotels need, and small beside the server's own cache.
pub const CACHE_BYTES_MAX: usize = 256 << 20;
/// Streams of which a staged copy is kept at most, beside those of the batches under way.
pub const STAGED_STREAMS_MAX: usize = 2_000;
/// Jobs that wait for streams to be loaded at most; beyond it nothing more is taken up.
pub const PARKED_JOBS_MAX: usize = 256;
/// Callers' commands among them at most: the other places are for answers, undos and timers, whatever callers ask for.
pub const PARKED_CALLERS_MAX: usize = 192;
/// Answers, undos and timers among them at most: the other places are the callers', however many timers are due.
pub const PARKED_SYSTEM_MAX: usize = 192;
/// Loads at once. Loads and readers share the pool's connections; the append has its own.
pub const LOADS_AT_ONCE_MAX: usize = 8;
/// Streams of bookings, sagas and payments that one load reads together: they are short, and a question for each would cost more than what
/// it brings.
pub const LOAD_STREAMS_MAX: usize = 64;
/// Events of each that such a load reads; the few that are longer are read on one by one.
pub const LOAD_STREAM_EVENTS: usize = 64;
/// Events of a stream read at once.
pub const HYDRATION_PAGE: usize = 2_000;
/// Events since its last snapshot before a hotel, flight, car, account or campaign gets another; reading fewer is not worth saving.
pub const SNAPSHOT_EVENTS_MIN: u64 = 200;
/// Bytes that an event of a hotel, flight, car, account or campaign takes in the log, payload and metadata, about.
pub const EVENT_BYTES_ABOUT: usize = 512;
/// How many times the last snapshot's bytes the events since then must come to before the next.
pub const SNAPSHOT_REST_FACTOR: usize = 4;
/// Bytes of a state beyond which no snapshot of it is written: it would hold up the log's writers.
pub const SNAPSHOT_BYTES_MAX: usize = 32 << 20;
/// Bytes of snapshots after which an append takes no more of them.
pub const SNAPSHOTS_OF_APPEND_BYTES_MAX: usize = 1 << 20;
/// Events of other processes read at once, so that states in memory follow the log's tail.
pub const FOLLOW_PAGE: usize = 200;
/// Events of others beyond which states in memory do not follow: conflicts tell then what has changed.
pub const FOLLOW_BEHIND_MAX: u64 = 20_000;
/// Conflicts in a row after which a batch is halved.
pub const CONFLICTS_BEFORE_HALVING: usize = 2;
/// Tries of a single job before its caller gets CONFLICT and others go back to their source.
pub const TRIES_ALONE_MAX: usize = 8;
/// Longest random pause between tries of a single job.
pub const PAUSE_ALONE_MAX: Duration = Duration::from_millis(20);
/// How long a caller waits for an answer; then UNAVAILABLE, and the same key asks again.
pub const CALLER_DEADLINE: Duration = Duration::from_secs(25);
/// Tries to load a stream before those that wait for it are told that the database does not answer.
pub const LOAD_TRIES_MAX: usize = 3;
/// Pause between tries to load.
pub const LOAD_PAUSE: Duration = Duration::from_millis(200);
/// Events that the relay reads at once.
pub const RELAY_PAGE: usize = 500;
/// Messages that the relay has under way at most.
pub const RELAY_IN_FLIGHT_MAX: usize = 1_024;
/// How often the relay's checkpoint is written, if it has moved.
pub const RELAY_CHECKPOINT_EVERY: Duration = Duration::from_millis(250);
/// How long the relay sleeps at most before it looks at the log by itself.
pub const RELAY_POLL: Duration = Duration::from_millis(200);
/// Pause before the relay's checkpoint is read again at the beginning of a turn.
pub const OPEN_AGAIN: Duration = Duration::from_millis(100);
/// How long timers wait at most, at the beginning of a turn, for what stood in the log to be delivered: an answer that is there already
/// goes before the deadline that has passed meanwhile.
pub const TIMERS_WAIT_MAX: Duration = Duration::from_secs(10);
/// Pause before a message that came back is delivered again.
pub const REDELIVERY_PAUSE: Duration = Duration::from_millis(100);
/// Records of other logs that are with the engine at most; beyond it no more are taken from the broker.
pub const RECORDS_UNDER_WAY_MAX: usize = 1_024;
/// Bytes that a record has beside key, headers and value at most, lengths and times above all.
pub const RECORD_FRAME_BYTES: usize = 256;
/// Bytes of an event, payload and metadata, below which nothing that it tells others can be too large for a record: a record repeats what its
/// event says, in an envelope that takes far less than the other half.
pub const EVENT_BYTES_SURELY_FIT: usize = RECORD_BYTES_MAX / 2;
/// How often it is told how far behind the consumed partitions are.
pub const LAG_TOLD_EVERY: Duration = Duration::from_secs(1);
/// Messages for other logs that the broker has not acknowledged at most; beyond it the relay reads no further. Far more than of messages
/// that stay here, so that those go on for long while a broker is away.
pub const POSTS_UNDER_WAY_MAX: usize = 10_000;
/// Pause before a record is handed to the producer again whose queue was full.
pub const POST_AGAIN: Duration = Duration::from_millis(10);
/// Pause before it is tried again whether a topic takes records that took none, as one that is missing.
pub const HELD_AGAIN: Duration = Duration::from_secs(1);
/// How long the relay waits at its end for what is on its way to the broker, so that less of it is sent twice.
pub const POST_FLUSH_PATIENCE: Duration = Duration::from_secs(2);
/// Pause before a broker's client is made anew that was lost; the relay's is doubled each time.
pub const BROKER_AGAIN: Duration = Duration::from_secs(1);
/// Longest pause before the relay begins again: each time it sends once more what the broker has not acknowledged.
pub const BROKER_AGAIN_MAX: Duration = Duration::from_secs(5);
/// How long the relay goes on before its next loss of the client counts as the first one again.
pub const BROKER_STEADY_AFTER: Duration = Duration::from_secs(10);
/// After how long without an acknowledgement a broker that owes one counts as silent.
pub const BROKER_SILENT_AFTER: Duration = Duration::from_secs(3);
/// How often it is looked how far a connector has come.
pub const SLOT_LOOKED_EVERY: Duration = Duration::from_secs(1);
/// How long a connector may take to say that it has what was written: it says so at intervals of its own settings, see `infra/debezium`. Beyond
/// it nothing is heard of the broker.
pub const SLOT_CONFIRMS_WITHIN: Duration = Duration::from_secs(5);
/// How long another setting of the outbox waits for the lease of who worked by the former one to run out: longer than a lease lasts, so that
/// whoever has it then is at work.
pub const OUTBOX_PATIENCE: Duration = Duration::from_secs(6);
/// Pause before that is looked at again.
pub const OUTBOX_AGAIN: Duration = Duration::from_millis(200);
/// How long timers wait at least at the beginning of a turn, and once a silent broker is heard again: what was on its way goes before the
/// deadlines that passed meanwhile.
pub const TIMERS_AFTER_SILENCE: Duration = Duration::from_secs(10);
/// How long they wait at most for what an outage has left: beyond, a participant that does not keep up counts as one that does not answer.
pub const TIMERS_AFTER_SILENCE_MAX: Duration = Duration::from_mins(5);
/// Records not read or not acknowledged that are no more than what is always on its way.
pub const LAG_SMALL: u64 = 100;
/// Hotels, flights, fleets, members and vouchers of other logs that are known here at most.
pub const COPIES_MAX: usize = 2_000_000;
/// Calls to the payment gateway at once.
pub const GATEWAY_CALLS_AT_ONCE_MAX: usize = 32;
/// Calls to the gateway whose outcome is not known yet at most; beyond it the relay waits.
pub const GATEWAY_CALLS_OPEN_MAX: usize = 20_000;
/// How often the outcome of a gateway call is looked up before it is left unknown for now; the saga asks again later by its timer. Even with
/// the shortest pauses this takes longer than a call can live and clocks can differ, so that "not found" is final by then; with the longest
/// it is over before the saga stops waiting for the payment's answer.
pub const GATEWAY_LOOK_UPS_MAX: u32 = 11;
/// Longest pause before the first look-up; doubled for each further one. Half of each pause is random.
pub const GATEWAY_LOOK_UP_PAUSE_FIRST: Duration = Duration::from_millis(500);
/// Longest pause between look-ups.
pub const GATEWAY_LOOK_UP_PAUSE_MAX: Duration = Duration::from_secs(20);
/// Expiries of calls that are kept at least before those that are over are looked for.
pub const GATEWAY_EXPIRIES_TIDY: usize = 1_024;
/// How long one call to the gateway may take before its outcome counts as unknown.
pub const GATEWAY_CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long a timer fires again that could not be handled, and a message comes again that was set aside and that nobody would ask for
/// once more: a program that can handle it may have been started meanwhile.
pub const DEAD_LETTER_PAUSE: Duration = Duration::from_mins(5);
/// How often whoever delivers counts the letters that are open.
pub const LETTERS_COUNTED_EVERY: Duration = Duration::from_secs(10);
/// Letters that are read and fetched again at once, beside the timers of sagas.
pub const LETTERS_AT_ONCE_MAX: usize = 8;
/// Letters that wait in memory for their place among those; of more it is read again once these are brought.
pub const LETTERS_WAITING_MAX: usize = 256;
/// How long the timers read past the rows of letters that wait for their place. So late at most a timer fires that another process has set to
/// a time before theirs.
pub const LETTERS_PASSED_FOR: Duration = Duration::from_secs(5);
/// How long the broker may take to acknowledge a record that was set aside and is sent again; then it comes again later.
pub const LETTER_SENT_WITHIN: Duration = Duration::from_secs(20);
/// Wake-ups read at once.
pub const WAKEUPS_PAGE: usize = 256;
/// Wake-ups handed to the engine and not handled yet, about; beyond it their source waits, so that answers and undos find room in the lane.
pub const WAKEUPS_UNDER_WAY_MAX: usize = 1_024;
/// How long the timers sleep at most before they look by themselves: so late at most a timer fires that another process has set.
pub const WAKEUPS_POLL: Duration = Duration::from_millis(500);
/// How long they sleep at least once all that was due is handed on: what came back is not to come again at once.
pub const WAKEUPS_REST: Duration = Duration::from_millis(10);
/// How long an idempotency key stands for what it named, by the program's clock; then it is forgotten. Twice what is promised, so that a
/// caller who asks again at the last moment is on the safe side whatever the clocks say.
pub const KEYS_KEPT: TimeDelta = TimeDelta::hours(48);
/// Keys forgotten by one statement at most: none holds anything for long.
pub const KEYS_FORGOTTEN_AT_ONCE_MAX: usize = 1_000;
/// Pause between two such statements while there are more.
pub const KEYS_REST: Duration = Duration::from_millis(100);
/// How often it is looked for keys that are over.
pub const KEYS_LOOKED_EVERY: Duration = Duration::from_mins(1);
/// How long the engine's tasks may take to end.
pub const STOP_DEADLINE: Duration = Duration::from_secs(10);
