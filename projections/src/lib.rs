//! The read side: projector runtime, read models and their queries.
