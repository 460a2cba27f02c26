//! `gateway-simulator` as a process, over the ledger of a data directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::Home;
use crate::support::http::get;

/// A running simulator. Killed when dropped.
pub(super) struct Simulator {
    child: Child,
    /// Where it listens, as `host:port`.
    pub(super) address: String,
    /// How many calls were in its ledger when it started.
    pub(super) calls: u64,
}

impl Simulator {
    /// Starts it on a port (0: a free one) with faults. Its standard error goes to the file `simulator.log`.
    pub(super) fn start(home: &Home, address: &str, faults: &str) -> Self {
        let log = File::options().create(true).append(true).open(home.file("simulator.log")).expect("a log file");
        let mut command = home.command(&["gateway-simulator", "--json", "--listen", address, "--faults", faults]);
        command.env("TRAVELADVISOR_LOG", "trace").stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("standard output")).read_line(&mut line).expect("a banner");
        let banner: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("no banner: {}", std::fs::read_to_string(home.file("simulator.log")).unwrap_or_default())
        });
        let url = banner["url"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").to_owned();
        Self { child, address, calls: banner["calls"].as_u64().expect("a number") }
    }

    /// Its address as the program's setting.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Its ledger, by key.
    pub(super) fn ledger(&self) -> BTreeMap<String, Value> {
        let told = get(&self.address, "/v1/ledger").expect("an answer").json();
        let entries = told["entries"].as_array().expect("entries").iter();
        entries.map(|entry| (entry["key"].as_str().expect("a key").to_owned(), entry.clone())).collect()
    }

    /// How often each fault was injected.
    pub(super) fn injected(&self) -> Value {
        get(&self.address, "/v1/faults").expect("an answer").json()["injected"].clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
