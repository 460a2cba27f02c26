//! Every call that leaves the process passes [`outgoing`], so that tests can kill the process right before and right after each of them.
//!
//! A test holds the sources against it: a statement, a transaction's begin or end, a connection, a gateway call outside of it turns red. In
//! the real program it is the call itself and nothing else; only the feature `testing` arms it, see [`SETTING`].

#[cfg(feature = "testing")]
mod armed;

#[cfg(feature = "testing")]
pub use armed::{SETTING, passes};

macro_rules! points {
    ($($point:ident $name:literal $meaning:literal,)+) => {
        /// A kind of call that leaves the process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Point {
            $(#[doc = $meaning] $point,)+
        }

        impl Point {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$point),+];

            /// Its name, as tests write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    Append "append" "One append to the log.",
    CheckpointMoved "checkpoint_moved" "The relay's checkpoint moves.",
    ConsumedOffset "consumed_offset" "The relay's checkpoint is read.",
    ReadCopied "read_copied" "A page of the log is read in bulk.",
    ReadAfter "read_after" "The log's tail is read.",
    ReadStream "read_stream" "A whole stream is read.",
    ReadStreamPage "read_stream_page" "A page of a stream is read.",
    ReadStreams "read_streams" "The first events of several streams are read together.",
    ReadFromSnapshot "read_from_snapshot" "A snapshot and the rest of its stream are read.",
    Search "search" "Events are searched for a person.",
    Head "head" "The log's end is asked.",
    LastOccurredAt "last_occurred_at" "The time of the last event is asked.",
    DueWakeups "due_wakeups" "Due wake-ups are read.",
    NextWakeup "next_wakeup" "The next wake-up's time is asked.",
    KeysForgotten "keys_forgotten" "Idempotency keys that are over are forgotten.",
    LettersCounted "letters_counted" "Dead letters that are open are counted.",
    Gathered "gathered" "Events of other logs are copied into the read log.",
    GatheredRead "gathered_read" "The tail of a log is read, to be copied.",
    GatheredLooked "gathered_looked" "It is asked how far a read log has gathered others.",
    GatheredTold "gathered_told" "Its owner tells how a read log does.",
    Listen "listen" "Appends of others are listened for.",
    LeaseClaimed "lease_claimed" "A lease is asked for.",
    LeaseRenewed "lease_renewed" "A lease is renewed.",
    LeaseLetGo "lease_let_go" "A lease is let go.",
    LeaseConnected "lease_connected" "A connection for leases is made.",
    ProgramTime "program_time" "The program's time is asked of whoever delivers.",
    Unheld "unheld" "What nobody owns is asked.",
    Owners "owners" "All owners are asked.",
    Connection "connection" "A connection is taken out of the pool, made if there is none.",
    ConnectionTried "connection_tried" "A connection is asked for a sign of life.",
    ConnectionSetUp "connection_set_up" "A kept connection is set up.",
    Condition "condition" "The server is asked how it is doing.",
    Checkpoints "checkpoints" "All checkpoints of projections are read.",
    SchemaName "schema_name" "The log's schema is asked.",
    SchemaVersion "schema_version" "The schema's version is asked.",
    Migration "migration" "A statement of a migration.",
    ServerReady "server_ready" "The private server is tried.",
    ServerDatabase "server_database" "The private server's database is looked for, or made.",
    ServerVersion "server_version" "The private server's version is asked.",
    Tokenise "tokenise" "A card number is exchanged for a token.",
    Charge "charge" "Money is taken.",
    Refund "refund" "Money is given back.",
    LookUp "look_up" "A call's outcome is looked up by its key.",
    Rebuilt "rebuilt" "A statement that makes a read model anew.",
    RebuildCopied "rebuild_copied" "Rows of a read model in the making are written.",
    RebuildLocked "rebuild_locked" "The right to make a read model anew is asked for.",
    RebuildTold "rebuild_told" "How far a rebuild has come is written down.",
    Switched "switched" "A statement of a switch between makings of a read model.",
    ProjectionClaimed "projection_claimed" "A projection's checkpoint is taken over.",
    ProjectionLooked "projection_looked" "A projection's checkpoint is looked at by others.",
    ProjectionPosition "projection_position" "A projection's checkpoint is read after a failure.",
    ProjectionMoved "projection_moved" "A projection's checkpoint moves.",
    ProjectionStopped "projection_stopped" "Why a projection has stopped is written down.",
    ProjectionBegun "projection_begun" "A projection's transaction begins.",
    ProjectionLoaded "projection_loaded" "Rows of a read model are read by its projection.",
    ProjectionWritten "projection_written" "Rows of a read model are written.",
    ProjectionCommitted "projection_committed" "A projection's transaction ends.",
    ProjectionPaused "projection_paused" "A projection is paused, or let go on.",
    ProjectionTold "projection_told" "A projection's owner tells how it is doing.",
    ProjectionsReported "projections_reported" "It is asked how all projections are doing.",
    DeadLettersRead "dead_letters_read" "What a projection has set aside is read.",
    DeadLettersRetried "dead_letters_retried" "What a projection has set aside is tried again.",
    DeadLettersWritten "dead_letters_written" "A projection sets events aside.",
    Query "query" "A read model is queried.",
    RecordSent "record_sent" "A record is handed to the broker's client, until the broker has acknowledged it.",
    RecordTaken "record_taken" "A record comes from the broker.",
    PartitionsGiven "partitions_given" "Partitions are given to a member of a group, or taken from it.",
    CallerRates "caller_rates" "What a caller spends is counted for all processes, or forgotten.",
}

/// Makes a call that leaves the process.
#[cfg(not(feature = "testing"))]
#[inline]
pub fn outgoing<F: Future>(_point: Point, call: F) -> impl Future<Output = F::Output> {
    call
}

/// Makes a call that leaves the process, unless the process is to die before it or after it.
#[cfg(feature = "testing")]
pub fn outgoing<F: Future>(point: Point, call: F) -> impl Future<Output = F::Output> {
    // In a box, so that calls within calls stay small.
    let call = Box::pin(call);
    async move {
        armed::pass(point, armed::Side::Before);
        let answer = call.await;
        armed::pass(point, armed::Side::After);
        answer
    }
}

/// What is handed over at once and answered later, or called by somebody else, is a call in two halves: right before it …
#[inline]
pub fn before(point: Point) {
    #[cfg(feature = "testing")]
    armed::pass(point, armed::Side::Before);
    #[cfg(not(feature = "testing"))]
    let _ = point;
}

/// … and right after it.
#[inline]
pub fn after(point: Point) {
    #[cfg(feature = "testing")]
    armed::pass(point, armed::Side::After);
    #[cfg(not(feature = "testing"))]
    let _ = point;
}
