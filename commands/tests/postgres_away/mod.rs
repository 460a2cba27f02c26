//! What callers see while Postgres is away, and what they find when it is back.

mod connections;
mod disk_full;
mod frozen;
mod ledger;
mod load;
mod stopped;
mod world;
