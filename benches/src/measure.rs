//! Sides in turn, round by round, so that what else the machine does meets all of them.

use std::time::Duration;

use crate::Outcome;
use crate::cost::Spent;
use crate::load::Slice;
use crate::options::ROUNDS;
use crate::report::{BesideHappy, Row};
use crate::server::BenchServer;
use crate::sides::course::Course;
use crate::sides::{Kind, Left, Side};
use crate::statistics::{median, spread};

/// Length of the slice that nobody counts, as a part of a slice.
const WARM_UP_PART: f64 = 0.2;
/// Longest slice that nobody counts.
const WARM_UP_MAX: Duration = Duration::from_secs(1);

/// One slice of one side.
struct Round {
    slice: Slice,
    left: Option<Left>,
    cpu_ms: f64,
    wal_bytes: f64,
}

/// One side and its rounds.
struct Track {
    side: Box<dyn Side>,
    rounds: Vec<Round>,
}

/// Measures the sides of one scenario and client count.
pub(crate) async fn measure(
    server: &BenchServer,
    clients: u32,
    sides: Vec<Box<dyn Side>>,
    slice: Duration,
) -> Outcome<Vec<Row>> {
    let mut tracks: Vec<Track> = sides.into_iter().map(|side| Track { side, rounds: Vec::new() }).collect();
    for track in &mut tracks {
        track.side.run(slice.mul_f64(WARM_UP_PART).min(WARM_UP_MAX)).await?;
        track.side.settle().await?;
    }
    for _ in 0..ROUNDS {
        for track in &mut tracks {
            let round = round(server, track.side.as_mut(), slice).await?;
            track.rounds.push(round);
        }
    }
    let mut rows: Vec<Row> = tracks.iter().map(|track| row(track, &tracks, clients)).collect();
    for (track, row) in tracks.into_iter().zip(&mut rows) {
        row.notes = track.side.finish().await?;
    }
    Ok(rows)
}

async fn round(server: &BenchServer, side: &mut dyn Side, length: Duration) -> Outcome<Round> {
    let before = Spent::read(server).await?;
    let slice = side.run(length).await?;
    let (cpu_ms, wal_bytes) = Spent::read(server).await?.since(before);
    let left = side.settle().await?;
    Ok(Round { slice, left, cpu_ms, wal_bytes })
}

fn row(track: &Track, all: &[Track], clients: u32) -> Row {
    let of = |value: fn(&Round) -> f64| track.rounds.iter().map(value).collect::<Vec<_>>();
    let rates = of(|round| round.slice.rate());
    let (slowest, fastest) = spread(&rates);
    let own = matches!(track.side.kind(), Kind::Own | Kind::Beside | Kind::OwnOther);
    // Ratios are taken within a round, then their median: the machine was the same for both.
    let ratio = |kind: Kind, value: fn(&Round) -> f64| {
        let mut referred = all.iter().filter(|other| other.side.kind() == kind).peekable();
        referred.peek()?;
        let referred: Vec<&Track> = referred.collect();
        let ratios = track.rounds.iter().enumerate().map(|(at, round)| {
            let best = referred.iter().filter_map(|other| other.rounds.get(at)).map(value).fold(0.0, f64::max);
            value(round) / best
        });
        Some(median(&ratios.collect::<Vec<_>>())).filter(|_| own)
    };
    let per_op = |value: fn(&Left) -> u64| {
        let values = track.rounds.iter().map(|round| Some(value(&round.left?) as f64 / round.slice.ops as f64));
        values.collect::<Option<Vec<_>>>().map(|values| median(&values))
    };
    Row {
        scenario: track.side.name(),
        clients,
        ops_per_s: median(&rates),
        slowest,
        fastest,
        p50_ms: median(&of(|round| round.slice.quantile_ms(0.5))),
        p99_ms: median(&of(|round| round.slice.quantile_ms(0.99))),
        max_ms: spread(&of(|round| round.slice.quantile_ms(1.0))).1,
        fail_percent: track.side.course().and_then(Course::fail_percent),
        ratio_to_floor: ratio(Kind::Floor, |round| round.slice.rate()),
        p50_to_floor: ratio(Kind::Floor, |round| round.slice.quantile_ms(0.5)),
        ratio_to_ceiling: ratio(Kind::Ceiling, events_rate),
        ratio_to_postgres_es: ratio(Kind::PostgresEs, |round| round.slice.rate()),
        ratio_to_bare: ratio(Kind::Bare, |round| round.slice.rate()),
        ratio_to_engine: ratio(Kind::Beside, |round| round.slice.rate()).filter(|_| track.side.kind() == Kind::Own),
        events_per_op: per_op(|left| left.events),
        commits_per_op: per_op(|left| left.commits),
        wal_bytes_per_op: median(&of(|round| round.wal_bytes / round.slice.ops as f64)),
        cpu_ms_per_op: median(&of(|round| round.cpu_ms / round.slice.ops as f64)),
        beside_happy: beside_happy(track, all),
        ..Row::default()
    }
}

/// Ratios are taken within a round here as well.
fn beside_happy(track: &Track, all: &[Track]) -> Option<BesideHappy> {
    let course = track.side.course()?;
    let beside = course.beside()?;
    let happy = all.iter().find(|other| other.side.course() == Some(beside))?;
    let times = |value: fn(&Round) -> f64| {
        let pairs = track.rounds.iter().zip(&happy.rounds);
        median(&pairs.map(|(round, happy)| value(round) / value(happy)).collect::<Vec<_>>())
    };
    let of_it = [
        times(|round| 1.0 / round.slice.rate()),
        times(|round| round.cpu_ms / round.slice.ops as f64),
        times(|round| round.slice.quantile_ms(0.5)),
    ];
    Some(BesideHappy::of(of_it, course.bound()))
}

fn events_rate(round: &Round) -> f64 {
    let events = round.left.map_or(round.slice.ops, |left| left.events);
    events as f64 / round.slice.elapsed.as_secs_f64()
}
