//! How the program comes to each of its fail points, and at which pass it dies there.

use std::fmt;

use traveladvisor_infra::fail_points::Point;

/// What is done so that a point is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The program serves and travellers book and cancel.
    Travels,
    /// The same, and it is asked to stop when all have their answers.
    Stops,
    /// The same, beside another one that owns relay and read models and at which the same travellers ask.
    Beside,
    /// The same, and the hotel has a snapshot that this program cannot read.
    OtherSnapshot,
    /// The same, and connections are cut all the time.
    CutOff,
    /// The same, and the gateway does what it is asked, but its answers are lost.
    AnswersLost,
    /// The same, and an event stands in the log that no projection can take in.
    Damaged,
    /// The same, and the rows of a projection are of another version.
    OtherVersion,
    /// After such an event was set aside, an operator has it tried again.
    Retried,
    /// A verb is run, with these arguments.
    Verb(&'static [&'static str]),
    /// `migrate` is run on an empty database.
    Migrates,
    /// `migrate` is run in an empty directory.
    PrivateServer,
    /// The program never makes this call, which is this method of the log: only tests do.
    NotCalled(&'static str),
    /// Only called where contexts have logs of their own. Whoever gathers them is cut off at every moment by the tests of `projections`;
    /// processes at a broker are swept by the tests of `commands`.
    SeveralLogs,
}

/// Two read models are made anew and switched, one after the other.
const REBUILDS: Way =
    Way::Verb(&["projections", "rebuild", "booking", "hotel_availability", "--rate", "unlimited", "--json"]);

/// The way to a point, and the passes at each of which the program dies once. A new point does not compile before it has a way.
pub(super) const fn way_to(point: Point) -> (Way, &'static [u64]) {
    match point {
        Point::Append => (Way::Travels, &[1, 2, 3, 4, 6]),
        Point::Charge | Point::Listen => (Way::Travels, &[1, 2, 3]),
        Point::Refund | Point::LeaseClaimed => (Way::Travels, &[1, 2]),
        Point::ProjectionCommitted | Point::ProjectionClaimed => (Way::Travels, &[1, 4]),
        Point::ConsumedOffset
        | Point::ReadAfter
        | Point::ReadStreams
        | Point::ReadFromSnapshot
        | Point::Head
        | Point::LastOccurredAt
        | Point::DueWakeups
        | Point::LeaseConnected
        | Point::LeaseRenewed
        | Point::CheckpointMoved
        | Point::ProgramTime
        | Point::KeysForgotten
        | Point::LettersCounted
        | Point::Unheld
        | Point::Connection
        | Point::ConnectionTried
        | Point::ConnectionSetUp
        | Point::Condition
        | Point::SchemaName
        | Point::SchemaVersion
        | Point::Tokenise
        | Point::ProjectionBegun
        | Point::ProjectionMoved
        | Point::ProjectionLoaded
        | Point::ProjectionWritten
        | Point::DeadLettersRead
        | Point::ProjectionTold
        | Point::CallerRates
        | Point::Query => (Way::Travels, &[1]),
        Point::LeaseLetGo => (Way::Stops, &[1]),
        Point::ProjectionLooked => (Way::Beside, &[1]),
        Point::ReadStreamPage => (Way::OtherSnapshot, &[1]),
        Point::ProjectionPosition => (Way::CutOff, &[1]),
        Point::LookUp => (Way::AnswersLost, &[1]),
        Point::ProjectionStopped => (Way::OtherVersion, &[1]),
        Point::DeadLettersWritten => (Way::Damaged, &[1]),
        Point::DeadLettersRetried => (Way::Retried, &[1]),
        Point::ProjectionsReported => (Way::Verb(&["projections", "list"]), &[1]),
        Point::ProjectionPaused => (Way::Verb(&["projections", "pause", "car_availability"]), &[1]),
        Point::Owners | Point::Checkpoints => (Way::Verb(&["doctor"]), &[1]),
        Point::Search => (Way::Verb(&["events", "list", "--json"]), &[1]),
        Point::ReadStream => (Way::Verb(&["events", "show"]), &[1]),
        Point::Migration => (Way::Migrates, &[1, 2, 3, 4, 5, 6, 7]),
        Point::ServerReady | Point::ServerVersion => (Way::PrivateServer, &[1]),
        Point::ServerDatabase => (Way::PrivateServer, &[1, 2]),
        Point::Rebuilt => (REBUILDS, &[1, 2, 5, 9, 14]),
        Point::Switched => (REBUILDS, &[1, 2, 4, 6, 8, 9, 11]),
        Point::RebuildCopied => (REBUILDS, &[1, 2]),
        Point::ReadCopied | Point::RebuildLocked | Point::RebuildTold => (REBUILDS, &[1]),
        Point::Gathered
        | Point::GatheredRead
        | Point::GatheredLooked
        | Point::GatheredTold
        | Point::RecordSent
        | Point::RecordTaken
        | Point::PartitionsGiven => (Way::SeveralLogs, &[]),
        Point::NextWakeup => (Way::NotCalled("next_wakeup"), &[]),
    }
}

/// One death of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Death {
    pub(super) point: Point,
    pub(super) side: &'static str,
    pub(super) pass: u64,
}

impl fmt::Display for Death {
    /// As the program reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.point.as_str(), self.side, self.pass)
    }
}

/// How many deaths follow one another on the same log: then all is judged.
pub(super) const ROW: usize = 5;

/// All deaths, in the rows in which they are suffered: before and after each pass of each point.
pub(super) fn rows(is_wanted: impl Fn(&Death) -> bool) -> Vec<Vec<Death>> {
    let passes = Point::ALL.into_iter().flat_map(|point| way_to(point).1.iter().map(move |pass| (point, *pass)));
    let deaths = passes.flat_map(|(point, pass)| ["before", "after"].map(|side| Death { point, side, pass }));
    let mut left: Vec<Death> = deaths.filter(is_wanted).collect();
    let mut take = |is_one: fn(Way) -> bool| -> Vec<Death> {
        left.extract_if(.., |death| is_one(way_to(death.point).0)).collect()
    };
    // What dies in these on the way to a database comes a step further each time.
    let single = [
        take(|way| way == Way::Migrates),
        take(|way| way == Way::PrivateServer),
        // An event is set aside once only, and before that there is nothing to try again.
        [take(|way| way == Way::Damaged), take(|way| way == Way::Retried)].concat(),
    ];
    // Dealt out like cards, so that points of one kind do not come together: many wait for the lease of the one that died before.
    let count = left.len().div_ceil(ROW);
    let dealt = (0..count).map(|first| left.iter().skip(first).step_by(count).copied().collect());
    dealt.chain(single).collect()
}
