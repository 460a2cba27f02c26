//! The program dies right before and right after every kind of call that leaves it, is started again, and what comes of it all is judged by
//! the log, the gateway's books and the read models.

mod land;
mod plan;
mod run;
mod travellers;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use traveladvisor_infra::fail_points::Point;

use self::land::Land;
use self::plan::{Death, Way, way_to};

/// Rows of deaths at the same time, each on a log of its own. Most of a death is waiting for the lease of the dead one to run out.
const AT_ONCE: usize = 5;
/// The beginnings of the deaths' names to which a person wants to restrict the sweep, with commas between them: also a row as a fault names it.
const ONLY: &str = "SWEEP_ONLY";

#[test]
fn wherever_the_program_dies_every_trip_ends_once_and_whole() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let rows = plan::rows(|death| only.split(',').any(|wanted| death.to_string().starts_with(wanted.trim())));
    let swept: usize = rows.iter().map(Vec::len).sum();
    let (left, faults) = (Mutex::new(rows), Mutex::new(Vec::new()));
    let begun = Instant::now();
    let land = Land::new();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(row) = left.lock().expect("the list").pop() else { return };
                    let found = run::suffer(&land, &row);
                    let names = row.iter().map(Death::to_string).collect::<Vec<_>>().join(", ");
                    faults.lock().expect("the list").extend(found.iter().map(|fault| format!("{names}: {fault}")));
                }
            });
        }
    });
    drop(land);
    let mut faults = faults.into_inner().expect("the list");
    faults.sort();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    // Past the test runner, which keeps what a test that went well has printed.
    let told = format!("points swept: {swept}, of {} kinds of calls, in {:.0?}", Point::ALL.len(), begun.elapsed());
    writeln!(std::io::stdout(), "{told}").expect("standard output");
}

#[test]
fn what_the_sweep_leaves_out_is_not_called_by_the_program() {
    for point in Point::ALL {
        let Way::NotCalled(method) = way_to(point).0 else { continue };
        for sources in ["src", "api/src", "commands/src", "projections/src"] {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources);
            let found = Command::new("grep").args(["-rlw", method]).arg(dir).output().expect("grep");
            assert!(found.stdout.is_empty(), "{method}: {}", String::from_utf8_lossy(&found.stdout));
        }
    }
}
