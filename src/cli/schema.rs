//! `schema`: the GraphQL schema, or the page of its error codes.

use clap::Args;

use super::failure::Failure;
use super::print::Printer;

/// What is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Arguments {
    /// Print the page of all error codes instead, as docs/errors.md holds it
    #[arg(long)]
    errors: bool,
}

/// Runs the verb.
pub(crate) fn run(what: Arguments, printer: Printer) -> Result<(), Failure> {
    let text = if what.errors { traveladvisor_api::error_page() } else { traveladvisor_api::sdl() };
    Ok(printer.line(text.trim_end())?)
}
