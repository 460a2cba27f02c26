//! The read side against a real Postgres: real events through the log, then what readers see.

mod booking;
mod campaigns;
mod cars;
mod chaos;
mod dead_letters;
mod flights;
mod gather;
mod hotels;
mod ledger;
mod members;
mod models;
mod occupancy;
mod pages;
mod points;
mod rebuild;
mod report;
mod retry;
mod runtime;
mod standby;
mod support;
mod travellers;
mod two_owners;
mod vouchers;
