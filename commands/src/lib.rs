//! The write side: engine, inbox, relay, timers, catalogue import.
