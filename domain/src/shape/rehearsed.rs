//! An event that never was, for tests: it changes its shape in every way that there is, so that each way of reading the log can show that it
//! recasts what it reads. Built with the feature `testing` only.

use serde_json::Value;

use super::{Fields, Part, Shape, Unfit, Upcast, add, rename};
use crate::id::StreamKind;

/// `{"BookingSettled":{"nth":1}}` of version 1 is called `attempt` in version 2, says why in version 3, and is an approval and the wish to
/// cancel from then on.
static BOOKING_SETTLED: Shape = Shape::retired(
    "BookingSettled",
    &[Upcast::Next(named_as_elsewhere), Upcast::Next(with_reason), Upcast::Split(split)],
);

pub(super) fn shape(kind: StreamKind, name: &str) -> Option<&'static Shape> {
    (kind == StreamKind::Booking && name == BOOKING_SETTLED.name).then_some(&BOOKING_SETTLED)
}

fn named_as_elsewhere(fields: &mut Fields) -> Result<(), Unfit> {
    rename(fields, "nth", "attempt")
}

fn with_reason(fields: &mut Fields) -> Result<(), Unfit> {
    add(fields, "reason", Value::Null)
}

fn split(mut fields: Fields) -> Result<Vec<Part>, Unfit> {
    let reason = fields.remove("reason").ok_or(Unfit("no reason"))?;
    let wish = Fields::from_iter([("reason".to_owned(), reason)]);
    Ok(vec![
        Part { event_type: "BookingApproved", version: 1, fields },
        Part { event_type: "CancellationRequested", version: 1, fields: wish },
    ])
}
