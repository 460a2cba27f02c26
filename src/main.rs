//! The program `traveladvisor`: parse, build, call, print.

mod cli;

use std::process::ExitCode;

/// A third of the engine's own time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
