//! What readers get: plain rows, with the domain's own value types and the public words for states.

mod supply;
mod trip;
mod words;

pub use supply::*;
pub use trip::*;
pub use words::*;
