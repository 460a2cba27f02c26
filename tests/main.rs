//! End to end: the program as a user starts it.
