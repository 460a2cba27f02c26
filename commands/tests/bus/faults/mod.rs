//! What goes wrong around a broker, each time judged by all logs together: nothing lost, nothing twice, nothing oversold, every saga ends.

mod again;
mod ahead;
mod broker_away;
mod database;
mod hot;
mod members;
mod missing;
mod orders;
mod poisoned;
mod refused;
