//! Drawing the occasion of a job: the program's time and a few random bits, once.

use rand::Rng;
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_infra::clock::Clock;

/// Draws the occasion of one job.
pub(crate) fn draw(clock: &dyn Clock) -> Occasion {
    #[expect(clippy::disallowed_methods, reason = "the one place where a job's random bits are drawn")]
    let entropy = rand::rng().random();
    Occasion { at: clock.now(), entropy }
}
