//! `completions`: what a shell needs to complete our command line.

use std::io::Write;

use clap::CommandFactory;

use super::Cli;
use super::failure::Failure;

/// Runs the verb.
pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "traveladvisor", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}
