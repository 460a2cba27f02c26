//! What an append may hold (L11). Checked before anything is sent, so that what can never be stored, or never be read again, is refused
//! like any bad data.

use super::{Append, LogError, NewEvent};

/// Payload and metadata of one event at most, in bytes. Ours have a few hundred; the edge bounds every text that goes into one.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// Payloads and metadata of one append at most, in bytes.
pub const APPEND_BYTES_MAX: usize = 16 << 20;
/// Snapshots of one append at most, in bytes: they are written under the order lock as well. Whoever makes them keeps far below it.
pub const APPEND_SNAPSHOT_BYTES_MAX: usize = 64 << 20;

/// U+0000 as JSON writes it.
const NUL: &str = "\\u0000";

/// Refuses what is too large, and texts with a NUL: Postgres stores them in `json`, but cannot read any field beside them.
pub(super) fn check(append: &Append) -> Result<(), LogError> {
    let mut append_bytes = 0;
    for event in &append.events {
        let NewEvent { event_type, payload, metadata, .. } = event;
        let bytes = payload.len() + metadata.len();
        if bytes > EVENT_BYTES_MAX {
            let reason = format!("{event_type} has {bytes} bytes; {EVENT_BYTES_MAX} are allowed");
            return Err(LogError::Refused(reason));
        }
        if has_nul(payload) || has_nul(metadata) {
            return Err(LogError::Refused(format!("{event_type} has a text with U+0000")));
        }
        append_bytes += bytes;
    }
    if append_bytes > APPEND_BYTES_MAX {
        return Err(LogError::Refused(format!("an append of {append_bytes} bytes; {APPEND_BYTES_MAX} are allowed")));
    }
    let snapshot_bytes: usize = append.snapshots.iter().map(|snapshot| snapshot.payload.len()).sum();
    if snapshot_bytes > APPEND_SNAPSHOT_BYTES_MAX {
        let reason = format!("snapshots of {snapshot_bytes} bytes; {APPEND_SNAPSHOT_BYTES_MAX} are allowed");
        return Err(LogError::Refused(reason));
    }
    Ok(())
}

/// A backslash that is itself escaped begins no escape. Nearly all have none at all, which is found out fast.
fn has_nul(json: &str) -> bool {
    if !json.contains('\\') {
        return false;
    }
    let is_escape = |at: usize| json[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
    json.match_indices(NUL).any(|(at, _)| is_escape(at))
}

#[cfg(test)]
mod tests {
    use super::has_nul;

    #[test]
    fn a_nul_is_told_from_words_about_it() {
        for text in ["\0", "a\0b", "\\\0", "\\\\\0", "\\u0000\0"] {
            assert!(has_nul(&serde_json::to_string(text).expect("JSON")), "{text:?}");
        }
        for text in ["", "u0000", "\\u0000", "\\\\u0000", "\u{1}", "\\"] {
            assert!(!has_nul(&serde_json::to_string(text).expect("JSON")), "{text:?}");
        }
    }
}
