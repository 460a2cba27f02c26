//! The adapters against what is really there: Postgres, files, processes.

mod private_server;
mod testing;
