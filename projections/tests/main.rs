//! projections, as its users see it.
