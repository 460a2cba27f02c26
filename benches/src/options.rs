//! The command line.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::sides::course::Course;

/// What `--seconds` takes.
const SECONDS: RangeInclusive<f64> = 0.1..=3_600.0;
/// Shortest log of `growth`: the engine's own trips, which are told again, need some.
const EVENTS_MIN: u64 = 20_000;
/// Longest log of `growth`: some 70 GB.
const EVENTS_MAX: u64 = 100_000_000;
/// Shares of failing trips unless others are asked for.
const FAIL_PERCENT: [u32; 3] = [0, 10, 100];
/// Kills unless others are asked for.
const KILLS: u32 = 3;
/// The same in a short run.
const QUICK_KILLS: u32 = 1;
/// Shortest log of `rebuild`.
const REBUILD_EVENTS_MIN: u64 = 60_000;
/// Length of the log that is rebuilt from, unless another is asked for.
const REBUILD_EVENTS: u64 = 1_000_000;
/// The same in a short run.
const REBUILD_EVENTS_QUICK: u64 = 300_000;
/// Rounds of every scenario: the medians are of these.
pub(crate) const ROUNDS: u32 = 3;

/// Measures the engine beside the floor, the ceiling and its peers, on a Postgres of its own.
#[derive(Debug, Parser)]
#[command(name = "traveladvisor-bench", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) call: Call,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    #[command(flatten)]
    Measure(Verb),
    /// Books trips until it is killed. For `trips`, which starts it.
    #[command(hide = true)]
    Doomed(Doomed),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// One-event commands on fresh aggregates.
    Engine(Common),
    /// Every client on one hotel.
    Hot(Common),
    /// Whole trips, standing and taken back, and after a kill; read models live.
    Trips(Trips),
    /// The cost of an append, and the start, on logs of growing length.
    Growth(Growth),
    /// Trips booked and read over HTTP, beside the engine alone.
    Http(Http),
    /// Trips, the relay and the broker, with a log and engines for every context.
    Cluster(Cluster),
    /// Read models made again from a long log, also under load, and how soon they have what was committed.
    Rebuild(Rebuild),
}

/// What a run may last.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if SECONDS.contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("from {} to {} seconds", SECONDS.start(), SECONDS.end()))
}

fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.to_owned()),
        _ => Err("write NAME=VALUE, for example jit=off".to_owned()),
    }
}

impl Verb {
    pub(crate) const fn common(&self) -> &Common {
        match self {
            Self::Engine(common) | Self::Hot(common) => common,
            Self::Cluster(cluster) => &cluster.common,
            Self::Trips(trips) => &trips.common,
            Self::Growth(growth) => &growth.common,
            Self::Rebuild(rebuild) => &rebuild.common,
            Self::Http(http) => &http.common,
        }
    }
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Common {
    /// Clients at once; each count is a scenario of its own.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: Vec<u32>,
    /// Seconds for each scenario and side, all rounds together.
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// A short run: under 45 s in all.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory with `initdb` and `postgres` to use instead of the pinned ones.
    #[arg(long, value_name = "DIR", env = "TRAVELADVISOR_POSTGRES_BIN")]
    pub(crate) postgres_bin: Option<PathBuf>,
    /// Measure ours only, without floor, ceiling and peers. For profiling.
    #[arg(long)]
    pub(crate) alone: bool,
    /// A setting of Postgres for our own databases, to try what it does, for example `plan_cache_mode=force_generic_plan`.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<String>,
    /// Run trips without read models: what engine and log cost by themselves.
    #[arg(long)]
    pub(crate) log_only: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Trips {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Of a hundred trips by card so many are declined; each share is a side of its own.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    fail_percent: Vec<u32>,
    /// How often a process that books by card is killed, for each number of clients and each share.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    kills: Option<u32>,
    /// Only trips that are paid in this way, beside payment NONE.
    #[arg(long, value_enum, conflicts_with_all = ["fail_percent", "kills"])]
    pub(crate) payment: Option<Paid>,
}

/// How trips are paid that are measured for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Paid {
    /// With points of many members.
    Points,
}

/// What a process books that will be killed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Doomed {
    #[arg(long)]
    pub(crate) database: String,
    #[arg(long)]
    pub(crate) clients: u32,
    #[arg(long)]
    pub(crate) fail_percent: u32,
    #[arg(long)]
    pub(crate) log_only: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Growth {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Lengths of the logs, in events.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u64).range(EVENTS_MIN..=EVENTS_MAX))]
    events: Vec<u64>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Length of the log, in events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(REBUILD_EVENTS_MIN..=EVENTS_MAX))]
    events: Option<u64>,
    /// The program that serves and rebuilds, instead of the one that is built beside the bench.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Http {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The program that serves, instead of the one that is built beside the bench.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Cluster {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<ClusterPart>,
    /// The program that serves, instead of the one that is built beside the bench.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
}

/// What `cluster` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClusterPart {
    /// From a commit to the broker's acknowledgement.
    Acknowledgement,
    /// What the relay sends of a backlog.
    Relay,
    /// Trips, with processes for each role.
    Trips,
    /// The same with all engines in the bench's process, asked without HTTP and without read models: what the broker and the logs cost.
    Engines,
}

impl Cluster {
    /// Whether this part is measured. Unless some are named all are that are asked for; the engines alone are for profiles.
    pub(crate) fn measures(&self, part: ClusterPart) -> bool {
        if self.only.is_empty() { part != ClusterPart::Engines } else { self.only.contains(&part) }
    }
}

impl Common {
    /// The client counts asked for, else those of the scenario.
    pub(crate) fn clients(&self, of_the_scenario: &[u32]) -> Vec<u32> {
        distinct(&self.clients, of_the_scenario)
    }

    /// Length of one slice, when a scenario and side gets `full` seconds in a full run and `quick` in a short one.
    pub(crate) fn slice(&self, full: f64, quick: f64) -> Duration {
        let total = self.seconds.unwrap_or(if self.quick { quick } else { full });
        Duration::from_secs_f64(total.max(0.1) / f64::from(ROUNDS))
    }
}

/// What was asked for, each once and in its order, else what the scenario has.
fn distinct(given: &[u32], of_the_scenario: &[u32]) -> Vec<u32> {
    if given.is_empty() {
        return of_the_scenario.to_vec();
    }
    let mut seen = HashSet::new();
    given.iter().copied().filter(|value| seen.insert(*value)).collect()
}

impl Trips {
    /// The courses by card.
    pub(crate) fn courses(&self) -> Vec<Course> {
        let shares = distinct(&self.fail_percent, &FAIL_PERCENT).into_iter();
        shares.map(|fail_percent| Course::Card { fail_percent }).collect()
    }

    /// How often each is killed.
    pub(crate) fn kills(&self) -> u32 {
        self.kills.unwrap_or(if self.common.quick { QUICK_KILLS } else { KILLS })
    }
}

impl Doomed {
    /// The command line that asks for it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let named = [
            ("database", self.database.clone()),
            ("clients", self.clients.to_string()),
            ("fail-percent", self.fail_percent.to_string()),
        ];
        let named = named.into_iter().map(|(name, value)| format!("--{name}={value}"));
        let log_only = self.log_only.then(|| "--log-only".to_owned());
        ["doomed".to_owned()].into_iter().chain(named).chain(log_only).collect()
    }
}

impl Growth {
    /// The lengths asked for, the shortest first, else the issue's.
    pub(crate) fn lengths(&self) -> Vec<u64> {
        let mut lengths = match (&*self.events, self.common.quick) {
            ([], true) => vec![100_000, 300_000],
            ([], false) => vec![100_000, 1_000_000],
            // One length alone is compared with the shortest of a full run.
            ([only], _) if *only > 100_000 => vec![100_000, *only],
            (given, _) => given.to_vec(),
        };
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }
}

impl Rebuild {
    /// Length of the log, in events.
    pub(crate) fn events(&self) -> u64 {
        self.events.unwrap_or(if self.common.quick { REBUILD_EVENTS_QUICK } else { REBUILD_EVENTS })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Arguments, Call, Doomed, Paid, Verb};
    use crate::sides::course::Course;

    fn parsed(line: &str) -> Option<Verb> {
        let arguments = Arguments::try_parse_from(["bench"].into_iter().chain(line.split(' '))).ok()?;
        let Call::Measure(verb) = arguments.call else { return None };
        Some(verb)
    }

    #[test]
    fn what_cannot_be_measured_is_refused_before_a_server_is_started() {
        for odd in ["inf", "NaN", "0", "-1", "1e9", "soon"] {
            assert!(parsed(&format!("engine --seconds={odd}")).is_none(), "{odd}");
        }
        for odd in [
            "engine --clients 0",
            "engine --clients 300",
            "growth --events 0",
            "rebuild --events 1000",
            "hot --set jit",
            "hot --set =on",
            "trips --fail-percent 101",
            "trips --kills -1",
            "trips --payment card",
            "trips --payment points --kills 1",
        ] {
            assert!(parsed(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn what_is_asked_for_twice_is_measured_once() {
        let Some(verb) = parsed("engine --clients 8,1,8") else { panic!("it is understood") };
        assert_eq!(verb.common().clients(&[64]), [8, 1]);
        let Some(Verb::Growth(growth)) = parsed("growth --events 30000,20000,30000") else {
            panic!("it is understood")
        };
        assert_eq!(growth.lengths(), [20_000, 30_000]);
        let Some(Verb::Trips(trips)) = parsed("trips --fail-percent 100,0,100") else { panic!("it is understood") };
        assert_eq!(trips.courses(), [Course::Card { fail_percent: 100 }, Course::Card { fail_percent: 0 }]);
    }

    #[test]
    fn trips_with_points_are_measured_for_themselves() {
        let Some(Verb::Trips(trips)) = parsed("trips --payment points --quick") else { panic!("it is understood") };
        assert_eq!(trips.payment, Some(Paid::Points));
    }

    #[test]
    fn a_short_run_kills_as_well() {
        for (line, kills) in
            [("trips", 3), ("trips --quick", 1), ("trips --quick --kills 5", 5), ("trips --kills 0", 0)]
        {
            let Some(Verb::Trips(trips)) = parsed(line) else { panic!("{line} is understood") };
            assert_eq!(trips.kills(), kills, "{line}");
        }
    }

    #[test]
    fn the_process_that_is_to_be_killed_understands_what_it_is_told() {
        let told =
            Doomed { database: "postgres://a@%2Fsocket:1/b".into(), clients: 16, fail_percent: 10, log_only: true };
        let arguments = Arguments::try_parse_from(["bench".to_owned()].into_iter().chain(told.arguments()));
        let Ok(Arguments { call: Call::Doomed(understood) }) = arguments else { panic!("it is understood") };
        assert_eq!(format!("{understood:?}"), format!("{told:?}"));
    }
}
