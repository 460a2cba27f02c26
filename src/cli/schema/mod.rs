//! `schema`: the GraphQL schema, the page of its error codes, or the description of the bus.

mod yaml;

use clap::Args;
use traveladvisor_domain::bus::asyncapi;
use traveladvisor_infra::config::Role;

use super::failure::Failure;
use super::print::Printer;
use super::running::part;

/// What is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Arguments {
    /// Print only what processes of this role serve: booking, hotel, flight, car, payment, member, projections or api
    #[arg(long, value_name = "ROLE", conflicts_with = "errors")]
    role: Option<Role>,
    /// Print the page of all error codes instead, as docs/errors.md holds it
    #[arg(long)]
    errors: bool,
    /// Print the description of the bus instead, what services send each other over Kafka, as api/asyncapi.yaml holds it
    #[arg(long, conflicts_with_all = ["errors", "role"])]
    bus: bool,
}

/// Runs the verb.
pub(crate) fn run(what: Arguments, printer: Printer) -> Result<(), Failure> {
    if what.bus {
        return Ok(printer.line(yaml::yaml(&asyncapi(env!("CARGO_PKG_VERSION"))))?);
    }
    let text = match what.role {
        _ if what.errors => traveladvisor_api::error_page(),
        None => traveladvisor_api::sdl(),
        Some(role) => traveladvisor_api::sdl_of(part(&[role])),
    };
    if text.is_empty() {
        return Err(Failure::usage("this role serves no part of the schema: it answers /health and /metrics alone"));
    }
    Ok(printer.line(text.trim_end())?)
}
