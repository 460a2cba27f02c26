//! What a dead letter can be asked.

use super::event::DeadLetterEvent;

/// Commands of the aggregate `dead_letter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterCommand {
    /// Set a message aside. The same message again changes nothing.
    SetAside {
        /// What is known of it.
        letter: DeadLetterEvent,
    },
}
