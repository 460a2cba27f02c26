//! What a booking is: pure, no IO, no clock, no randomness.
