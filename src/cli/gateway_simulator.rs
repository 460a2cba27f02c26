//! `gateway-simulator`: a payment gateway for trials, as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use traveladvisor_infra::clock::SystemClock;
use traveladvisor_infra::config::Config;
use traveladvisor_infra::gateway::{Faults, Simulator, SimulatorOptions};

use super::failure::Failure;
use super::print::Printer;
use super::running::listener;
use super::signals::asked_to_stop;

/// The ledger's file, in the data directory.
const LEDGER: &str = "gateway-ledger.jsonl";

/// What the verb takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8073")]
    listen: SocketAddr,
    /// The file of its ledger [default: gateway-ledger.jsonl in the data directory]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Faults from the start, as POST /v1/faults takes them, such as {"latencyMs": 50, "lostAnswerRate": 0.1}
    #[arg(long, value_name = "JSON", default_value = "{}")]
    faults: Faults,
    /// What faults are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

#[derive(Serialize)]
struct Banner {
    url: String,
    ledger: String,
    calls: usize,
}

/// Runs the verb.
pub(crate) async fn run(config: Config, arguments: Arguments, printer: Printer) -> Result<(), Failure> {
    let Arguments { listen, ledger, faults, seed } = arguments;
    if !listen.ip().is_loopback() {
        return Err(Failure::usage(
            "the simulator moves no real money and asks nobody who they are: listen on 127.0.0.1",
        ));
    }
    let path = match ledger {
        Some(path) => path,
        None => in_data_dir(&config)?,
    };
    let listener = listener(listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::failed(format!("cannot listen: {error}")))?;
    let options = SimulatorOptions { ledger: path.clone(), faults, seed, api_key: config.gateway_api_key };
    let simulator =
        Simulator::open(options, Arc::new(SystemClock)).map_err(|error| Failure::failed(error.to_string()))?;
    let banner =
        Banner { url: format!("http://{address}"), ledger: path.display().to_string(), calls: simulator.calls() };
    // Whoever started it may not read what it says: that is no reason to end.
    let _ = print(&banner, printer);
    simulator.serve(listener, asked_to_stop()).await;
    Ok(())
}

fn in_data_dir(config: &Config) -> Result<PathBuf, Failure> {
    let dir = &config.data_dir;
    std::fs::create_dir_all(dir).map_err(|error| {
        Failure::failed(format!("cannot make {}: {error}; choose another --data-dir", dir.display()))
    })?;
    Ok(dir.join(LEDGER))
}

fn print(banner: &Banner, printer: Printer) -> Result<(), Failure> {
    if printer.is_json() {
        return Ok(printer.json(banner)?);
    }
    printer.line(format!("gateway-simulator serves {}", banner.url))?;
    printer.line(format!("  ledger {} ({} calls)", banner.ledger, banner.calls))?;
    printer.line(format!("  use    TRAVELADVISOR_GATEWAY_URL={} traveladvisor serve", banner.url))?;
    Ok(printer.line("  stop   Ctrl-C")?)
}
