//! Goes through a stream, event by event.

use serde_json::Value;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, StoredEvent};

use super::bounds::Bounds;
use super::changes::changes as differences;
use super::state::shown;
use super::step::Step;
use crate::cli::events::Sight;
use crate::cli::failure::Failure;
use crate::cli::print::Printer;

/// Events read at once, and held.
const PAGE: usize = 500;

/// Prints each step as it is made.
pub(super) async fn run(
    log: &EventLog,
    stream: StreamId,
    bounds: &Bounds,
    sight: Sight,
    printer: Printer,
) -> Result<(), Failure> {
    let mut replay = Replay::new(stream, sight);
    let mut first = None;
    let mut is_any_shown = false;
    loop {
        let page = log.read_stream_page(stream, replay.reached, PAGE).await?;
        first = first.or_else(|| page.first().cloned());
        let included = page.iter().take_while(|event| bounds.include(event));
        for event in included {
            if bounds.show(event) {
                replay.step(event)?.print(printer)?;
                is_any_shown = true;
            } else {
                replay.take(event);
            }
        }
        if page.len() < PAGE || page.last().is_some_and(|event| !bounds.include(event)) {
            break;
        }
    }
    match (first, replay.damaged) {
        (None, _) => Err(Failure::failed(format!("the log holds nothing under {stream}"))),
        (_, Some(damage)) => Err(Failure::damage(format!("{stream} is damaged: {damage}"))),
        (Some(first), None) if !is_any_shown => Err(bounds.nothing(stream, &first)),
        _ => Ok(()),
    }
}

/// A stream in the making.
struct Replay {
    state: Aggregate,
    /// The state after the last step that was shown; absent before the first.
    shown: Option<Value>,
    sight: Sight,
    /// The last sequence.
    reached: u64,
    /// The first thing that is wrong; from there on the state is not known.
    damaged: Option<String>,
}

impl Replay {
    fn new(stream: StreamId, sight: Sight) -> Self {
        Self { state: Aggregate::empty(stream.kind), shown: None, sight, reached: 0, damaged: None }
    }

    /// Takes an event into the state, and tells what it changes.
    fn step(&mut self, event: &StoredEvent) -> Result<Step, Failure> {
        if self.damaged.is_some() {
            let damage = self.take(event);
            return Ok(Step::new(event, None, damage));
        }
        let known = self.shown.take();
        let is_first = known.is_none();
        let before = known.map_or_else(|| shown(&self.state, self.sight), Ok).map_err(no_json)?;
        let damage = self.take(event);
        let mut changes = None;
        if damage.is_none() {
            let after = shown(&self.state, self.sight).map_err(no_json)?;
            changes = Some(differences(&before, &after));
            self.shown = Some(after);
        }
        let step = Step::new(event, changes, damage);
        Ok(if is_first { step.after(before) } else { step })
    }

    /// Takes an event into the state; what is wrong with it, if anything is.
    fn take(&mut self, event: &StoredEvent) -> Option<String> {
        self.shown = None;
        let expected = self.reached + 1;
        self.reached = event.sequence;
        let damage = match event.decode() {
            Err(error) => error.to_string(),
            Ok(_) if event.sequence != expected => {
                format!("event {expected} is missing before event {} of the stream", event.sequence)
            }
            Ok(_) if self.damaged.is_some() => return None,
            Ok(events) if events.iter().all(|event| self.state.apply(event)) => return None,
            Ok(_) => "the event is of another kind of stream".to_owned(),
        };
        self.damaged.get_or_insert_with(|| damage.clone());
        Some(damage)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
fn no_json(error: serde_json::Error) -> Failure {
    Failure::failed(format!("the state is no JSON: {error}"))
}
