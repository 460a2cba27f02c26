//! api, as its users see it.
