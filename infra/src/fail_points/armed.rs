//! The fail points as tests arm them, by the environment of a child process.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Point;

/// The environment variable that arms a point: `append:after:3` kills the process right after its third append was answered. It is no
/// setting of the program, so it does not begin like one.
pub const SETTING: &str = "FAIL_POINT";

/// Where a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The call has not been made.
    Before,
    /// It has been answered, and nobody knows.
    After,
}

#[derive(Debug)]
struct Armed {
    point: Point,
    side: Side,
    /// Passes that are survived.
    spared: u64,
    passed: AtomicU64,
}

static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
    let text = std::env::var(SETTING).ok()?;
    // A test that is mistyped must not pass as one whose point is never reached.
    Some(read(&text).unwrap_or_else(|| panic!("{SETTING} is a point, a side and a number, not {text:?}")))
});

/// How often each point has been passed on its far side.
static PASSED: [AtomicU64; Point::ALL.len()] = [const { AtomicU64::new(0) }; Point::ALL.len()];

/// How often this process has come to each point so far and got beyond it; those that it has not passed are left out.
pub fn passes() -> Vec<(Point, u64)> {
    let passed = Point::ALL.into_iter().map(|point| (point, PASSED[point as usize].load(Ordering::Relaxed)));
    passed.filter(|(_, times)| *times > 0).collect()
}

fn read(text: &str) -> Option<Armed> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let point = Point::ALL.into_iter().find(|point| point.as_str() == name)?;
    let side = match parts.next()? {
        "before" => Side::Before,
        "after" => Side::After,
        _ => return None,
    };
    let spared = parts.next()?.parse::<u64>().ok()?.checked_sub(1)?;
    Some(Armed { point, side, spared, passed: AtomicU64::new(0) })
}

/// Dies here, as by a kill -9, if it is time.
pub(super) fn pass(point: Point, side: Side) {
    if side == Side::After {
        PASSED[point as usize].fetch_add(1, Ordering::Relaxed);
    }
    let Some(armed) = ARMED.as_ref().filter(|armed| armed.point == point && armed.side == side) else { return };
    if armed.passed.fetch_add(1, Ordering::Relaxed) == armed.spared {
        // It does not come back.
        kill(Pid::this(), Signal::SIGKILL).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, Side, read};

    #[test]
    fn a_point_is_armed_by_name_side_and_number() {
        let armed = read("append:after:3").expect("armed");
        assert_eq!((armed.point, armed.side, armed.spared), (Point::Append, Side::After, 2));
        for text in ["", "append", "append:after", "append:after:0", "append:during:1", "apend:after:1"] {
            assert!(read(text).is_none(), "{text:?}");
        }
    }
}
