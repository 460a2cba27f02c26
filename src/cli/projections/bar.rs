//! How far long work on the log has come: a bar on a terminal, a line now and then otherwise.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use tokio::sync::watch;
use traveladvisor_projections::runtime::rebuild::{Phase, Progress};

use crate::cli::print::Printer;

/// How often the bar is drawn at most.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows progress for as long as it is polled.
pub(crate) async fn show(mut progress: watch::Receiver<Progress>, printer: Printer) {
    let bar = printer.shows_bars().then(|| {
        let style = ProgressStyle::with_template("{msg:11} {bar:40} {pos}/{len}  {prefix}");
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let mut phase = None;
    loop {
        let told = *progress.borrow_and_update();
        match &bar {
            Some(bar) => draw(bar, told),
            None if told.until.0 > 0 && (phase != Some(told.phase) || told.phase == Phase::Reading) => {
                printer.hint(line(told));
            }
            None => {}
        }
        phase = Some(told.phase);
        tokio::time::sleep(if bar.is_some() || told.until.0 == 0 { DRAW_EVERY } else { LINE_EVERY }).await;
    }
}

fn draw(bar: &ProgressBar, told: Progress) {
    bar.set_length(told.until.0);
    bar.set_position(told.position.0);
    bar.set_message(told.phase.as_str());
    bar.set_prefix(pace(told));
}

fn line(told: Progress) -> String {
    format!("{}: {} of {}, {}", told.phase.as_str(), told.position, told.until, pace(told))
}

/// Events a second and the time left.
fn pace(told: Progress) -> String {
    let left = u32::try_from(told.until.0.saturating_sub(told.position.0)).unwrap_or(u32::MAX);
    let per_s = format!("{:.0} events/s", told.events_per_s);
    if told.phase != Phase::Reading || told.events_per_s < 1.0 {
        return per_s;
    }
    let left = Duration::from_secs_f64(f64::from(left) / told.events_per_s);
    format!("{per_s}, {} left", HumanDuration(left))
}
