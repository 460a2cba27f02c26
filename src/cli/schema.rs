//! `schema`: the GraphQL schema.

use super::failure::Failure;
use super::print::Printer;

/// Runs the verb.
pub(crate) fn run(printer: Printer) -> Result<(), Failure> {
    let sdl = traveladvisor_api::sdl();
    Ok(printer.line(sdl.trim_end())?)
}
