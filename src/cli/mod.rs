//! The command line: one file for each verb.

mod catalog;
mod completions;
mod dead_letters;
mod demo;
mod doctor;
mod events;
mod failure;
mod gateway;
mod gateway_simulator;
mod house;
mod identity;
mod kafka;
mod logs;
mod migrate;
mod operator;
mod print;
mod projections;
mod replay;
mod revive;
mod running;
mod sagas;
mod schema;
mod serve;
mod signals;
mod token;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use traveladvisor_infra::clock::parse_instant;
use traveladvisor_infra::config::{Config, Overrides, Role};
use traveladvisor_infra::telemetry::{self, Verbosity};

use self::failure::Failure;
use self::print::Printer;

/// Heading of the options that every verb takes.
const EVERYWHERE: &str = "Everywhere";

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 drift or damage found, 4 refused by the domain, 5 a needed service is unavailable.

Settings: the command line goes before the environment (DATABASE_URL, TRAVELADVISOR_*), that before the file \
(--config, or traveladvisor.toml here). Without DATABASE_URL the program runs its own Postgres in the data directory. \
NO_COLOR switches colours off; TRAVELADVISOR_LOG=debug says more on standard error.";

/// A booking engine for whole trips: hotel, flight and car, all of it or none of it.
#[derive(Debug, Parser)]
#[command(name = "traveladvisor", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
struct Globals {
    /// Where the program keeps what it has [default: .traveladvisor]
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    data_dir: Option<PathBuf>,
    /// Print JSON of a stable shape, which each verb's help describes
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
    /// Print results only: no progress, no hints, no warnings
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    quiet: bool,
    /// Read settings from this file
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    config: Option<PathBuf>,
    /// Directory with `initdb` and `postgres` for the private server
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    postgres_bin: Option<PathBuf>,
}

/// What only the sandbox takes.
#[derive(Debug, Clone, Args)]
struct Sandbox {
    /// Let the sandbox's clock start here and run on, such as 2024-12-01 or 2024-12-01T09:30:00Z
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    clock: Option<DateTime<Utc>>,
}

/// Where to listen, and with which clock.
#[derive(Debug, Clone, Args)]
struct Listening {
    /// Address and port of the HTTP server [default: 127.0.0.1 and the port of the role; 8072 where it does everything]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    sandbox: Sandbox,
}

/// What `serve` does, and where.
#[derive(Debug, Clone, Args)]
struct Serving {
    /// Do only this, with other processes for the rest: booking, hotel, flight, car, payment, member, relay, projections or api; again for
    /// each further one [default: everything]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
    #[command(flatten)]
    listening: Listening,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start everything, load the catalogue, book four trips and check them against the log
    ///
    /// The clock starts at 2024-12-01 unless told otherwise. Ends with 1 when anything is not as said.
    ///
    /// --json: {"trips": [{"name", "bookingId", "status", "sagaStatus", "timeline"}], "checks": [{"name", "ok"}]}
    Demo {
        #[command(flatten)]
        listening: Listening,
        /// Go on serving until Ctrl-C
        #[arg(long)]
        serve: bool,
    },
    /// Serve GraphQL over HTTP until Ctrl-C
    ///
    /// With --role a process does a part, on the port of its first role: member 9200, payment 9300, booking 9400, hotel 9500, flight 9600, car
    /// 9700, api 8072, relay 9100, projections 9800.
    ///
    /// --json: {"url", "mode", "roles", "gateway", "clock", "note"} once it listens; roles is empty where it does everything; note: whose
    /// tokens callers show, or that none is needed
    Serve {
        #[command(flatten)]
        serving: Serving,
    },
    /// Create or upgrade the database schema
    ///
    /// --json: {"outcome": "created"|"upgraded"|"unchanged", "version"}
    Migrate,
    /// Check settings, identity, broker, topics, server, schemas, durability, payment gateway, who owns what, relays and projections
    ///
    /// Ends with 3 when something is wrong, with 5 when the server, the payment gateway, the identity provider or the broker is away.
    ///
    /// --json: {"checks": [{"name", "ok", "detail"}], "owners": [{"name": "gather"|"projections"|"relay", "log", "epoch", "holder", "heldUntil"}]}; holder
    /// and heldUntil are null while nobody owns it
    Doctor,
    /// Be a payment gateway for trials, with test cards and faults on demand, until Ctrl-C
    ///
    /// Its ledger outlives it. Serve against it with the setting `gateway_url`. When `gateway_api_key` is set, callers must
    /// show it.
    ///
    /// --json: {"url", "ledger", "calls"} once it listens; calls counts those in the ledger
    GatewaySimulator(gateway_simulator::Arguments),
    /// Make a token for trying rights on a server without an identity provider
    ///
    /// It proves nothing: whoever can write JSON can make one. No other server takes it.
    ///
    /// --json: {"token", "owner", "scopes", "expiresAt"}; expiresAt is null when it is good for ever
    Token(token::Arguments),
    /// Print the GraphQL schema
    Schema(schema::Arguments),
    /// Write the completion script of a shell to standard output
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Read models: rebuild, roll back
    #[command(subcommand)]
    Projections(projections::ProjectionsVerb),
    /// The catalogue of hotels, flights and cars
    #[command(subcommand)]
    Catalog(catalog::CatalogVerb),
    /// The event log
    Events(events::Arguments),
    /// Go through a stream event by event, with what each changes in its state
    ///
    /// Times are those at which the log recorded the events. Ends with 3 when an event cannot be read or is missing; it is told at its
    /// place.
    ///
    /// --json: one object a line, {"position", "stream", "sequence", "type", "version", "occurredAt", "recordedAt", "before", "changes",
    /// "damage"}; before: the whole state before it, in the first line only; changes: [{"path", "from", "old", "new"}], to be made in this
    /// order: path is a JSON pointer, old is absent of what was added, new of what was removed, from is there alone where something goes
    /// on under another name; null where the state is not known; damage: a sentence, or null
    ///
    /// With --into: {"name", "schema", "tables", "position", "deadLetters"}, a line for each read model
    Replay(replay::Arguments),
    /// What lies on the broker between services
    #[command(subcommand)]
    Kafka(kafka::KafkaVerb),
    /// Trips under way, and those that need an operator
    #[command(subcommand)]
    Sagas(sagas::SagasVerb),
    /// Messages that could not be handled
    DeadLetters(dead_letters::Arguments),
}

/// Runs the program.
pub(crate) async fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing better can be done when even this cannot be printed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::FAILED));
        }
    };
    let printer = Printer::new(cli.globals.json, cli.globals.quiet);
    match Box::pin(dispatch(cli, printer)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = &failure.message {
                printer.error(message);
            }
            ExitCode::from(failure.code)
        }
    }
}

async fn dispatch(cli: Cli, printer: Printer) -> Result<(), Failure> {
    let globals = cli.globals;
    match cli.verb {
        Verb::Demo { listening, serve } => {
            demo::run(settings(&globals, Some(&listening))?, &listening, serve, printer).await
        }
        Verb::Serve { serving: Serving { listening, roles } } => {
            serve::run(settings_of(&globals, Some(&listening), roles)?, printer).await
        }
        Verb::GatewaySimulator(arguments) => {
            gateway_simulator::run(settings(&globals, None)?, arguments, printer).await
        }
        Verb::Token(arguments) => token::run(&settings(&globals, None)?, arguments, printer),
        Verb::Schema(arguments) => schema::run(arguments, printer),
        Verb::Migrate => migrate::run(settings(&globals, None)?, printer).await,
        Verb::Doctor => doctor::run(settings(&globals, None)?, printer).await,
        Verb::Completions { shell } => completions::run(shell),
        Verb::Projections(verb) => projections::run(verb, &globals, printer).await,
        Verb::Catalog(verb) => catalog::run(verb, &globals, printer).await,
        Verb::Events(arguments) => events::run(arguments, settings(&globals, None)?, printer).await,
        Verb::Replay(arguments) => replay::run(arguments, settings(&globals, None)?, printer).await,
        Verb::Kafka(verb) => kafka::run(verb, settings(&globals, None)?, printer).await,
        Verb::DeadLetters(arguments) => dead_letters::run(arguments, settings(&globals, None)?, printer).await,
        Verb::Sagas(verb) => sagas::run(verb, settings(&globals, None)?, printer).await,
    }
}

/// Reads the settings and starts to log by them.
fn settings(globals: &Globals, listening: Option<&Listening>) -> Result<Config, Failure> {
    settings_of(globals, listening, Vec::new())
}

/// The same for a process with these roles.
fn settings_of(globals: &Globals, listening: Option<&Listening>, roles: Vec<Role>) -> Result<Config, Failure> {
    let overrides = Overrides {
        config_file: globals.config.clone(),
        data_dir: globals.data_dir.clone(),
        postgres_bin: globals.postgres_bin.clone(),
        listen: listening.and_then(|given| given.listen),
        clock: listening.and_then(|given| given.sandbox.clock),
        mode: None,
        roles,
    };
    let config = Config::load(overrides).map_err(|error| Failure::usage(error.to_string()))?;
    let verbosity = if globals.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    telemetry::init(&config.log_level, config.log_format, verbosity).map_err(Failure::usage)?;
    Ok(config)
}
