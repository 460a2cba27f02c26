//! `gateway-simulator` as a process, over the ledger of a data directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::Home;
use crate::support::http::{get, post_to};

/// A running simulator. Killed when dropped.
pub(crate) struct Simulator {
    child: Child,
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
    /// How many calls were in its ledger when it started.
    pub(crate) calls: u64,
}

impl Simulator {
    /// Starts it on a port (0: a free one) with faults. Its standard error goes to the file `simulator.log`.
    pub(crate) fn start(home: &Home, address: &str, faults: &str) -> Self {
        Self::start_with(home, address, faults, "trace")
    }

    /// The same with a log filter.
    pub(crate) fn start_with(home: &Home, address: &str, faults: &str, filter: &str) -> Self {
        let log = File::options().create(true).append(true).open(home.file("simulator.log")).expect("a log file");
        let mut command = home.command(&["gateway-simulator", "--json", "--listen", address, "--faults", faults]);
        command.env("TRAVELADVISOR_LOG", filter).stdout(Stdio::piped()).stderr(log);
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
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Does these things wrong from now on.
    pub(crate) fn inject(&self, faults: &str) {
        let answer = post_to(&self.address, "/v1/faults", "", faults.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Its ledger, by key.
    pub(crate) fn ledger(&self) -> BTreeMap<String, Value> {
        let mut ledger = BTreeMap::new();
        let mut from = Some(0);
        while let Some(place) = from {
            let told = get(&self.address, &format!("/v1/ledger?from={place}")).expect("an answer").json();
            let entries = told["entries"].as_array().expect("entries").iter();
            ledger.extend(entries.map(|entry| (entry["key"].as_str().expect("a key").to_owned(), entry.clone())));
            from = told["next"].as_u64();
        }
        ledger
    }

    /// How often each fault was injected.
    pub(crate) fn injected(&self) -> Value {
        get(&self.address, "/v1/faults").expect("an answer").json()["injected"].clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
