//! What readers get: plain rows, with the domain's own value types and the public words for states.

mod member;
mod money;
mod occupancy;
mod supply;
mod traveller;
mod trip;
mod words;

pub use member::*;
pub use money::*;
pub use occupancy::*;
pub use supply::*;
pub use traveller::*;
pub use trip::*;
pub use words::*;
