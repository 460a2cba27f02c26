//! What goes wrong around a broker, each time judged by all logs together: nothing lost, nothing twice, nothing oversold, every saga ends.

mod again;
mod broker_away;
mod database;
mod hot;
mod members;
mod orders;
mod poisoned;
