//! What a dead letter can be asked.

use super::event::DeadLetterEvent;

/// Commands of the aggregate `dead_letter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterCommand {
    /// Set a message aside. The same message again changes nothing, unless an operator had it tried again since.
    SetAside {
        /// What is known of it.
        letter: DeadLetterEvent,
    },
    /// Have it tried again.
    Retry {
        /// Which operator.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Give it up. Given up already: nothing changes.
    Discard {
        /// Which operator.
        actor: String,
        /// Why.
        reason: String,
    },
}
