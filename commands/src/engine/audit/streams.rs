//! Sequences without gaps, in the order of positions.

use std::collections::HashMap;

use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{Position, StoredEvent};

use super::{Audit, Damage};

/// The last sequence of every stream: a stream has far fewer events than fit.
#[derive(Default)]
pub(super) struct Streams {
    last: HashMap<StreamId, u32>,
    position: Position,
}

impl Streams {
    pub(super) fn check(&mut self, stored: &StoredEvent, audit: &mut Audit) {
        if stored.position <= self.position {
            audit.find(Damage::Order, stored, format!("it stands behind position {}", self.position));
        }
        self.position = stored.position;
        let last = self.last.entry(stored.stream).or_default();
        let sequence = u32::try_from(stored.sequence).unwrap_or(u32::MAX);
        if sequence != last.saturating_add(1) {
            let what = match *last {
                0 => format!("the stream begins with sequence {}", stored.sequence),
                last => format!("sequence {} follows {last}", stored.sequence),
            };
            audit.find(Damage::Sequence, stored, what);
        }
        *last = sequence.max(*last);
    }

    pub(super) fn count(&self) -> u64 {
        self.last.len() as u64
    }
}
