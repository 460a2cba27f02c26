//! The simulator in this process, on a port and a ledger of its own, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traveladvisor_infra::clock::SystemClock;
use traveladvisor_infra::gateway::{Faults, HttpGateway, HttpSettings, Simulator, SimulatorOptions};

/// Longest wait for what must come.
pub(super) const AT_LAST: Duration = Duration::from_mins(2);

pub(super) struct World {
    pub(super) address: SocketAddr,
    dir: TempDir,
    api_key: Option<SecretString>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl World {
    pub(super) async fn begin() -> Self {
        Self::begin_at(SocketAddr::from(([127, 0, 0, 1], 0)), None).await
    }

    /// On a port, and with a key that callers must show.
    pub(super) async fn begin_at(address: SocketAddr, api_key: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut world = Self { address, dir, api_key: api_key.map(SecretString::from), running: None };
        world.start().await;
        world
    }

    async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        let ledger = self.dir.path().join("ledger.jsonl");
        let options = SimulatorOptions { ledger, faults: Faults::default(), seed: 7, api_key: self.api_key.clone() };
        let simulator = Simulator::open(options, Arc::new(SystemClock)).expect("a ledger");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(simulator.serve(listener, async {
            stopped.await.ok();
        }));
        self.running = Some((stop, serving));
    }

    /// Ends it and starts it again over the same ledger.
    pub(super) async fn restart(&mut self) {
        let (stop, serving) = self.running.take().expect("it runs");
        stop.send(()).expect("it still runs");
        serving.await.expect("it ends");
        self.start().await;
    }

    /// A client that is as patient as real ones, but for what `change` says.
    pub(super) fn client(&self, change: impl FnOnce(&mut HttpSettings)) -> HttpGateway {
        self.client_with(self.api_key.as_ref(), change)
    }

    pub(super) fn client_with(
        &self,
        key: Option<&SecretString>,
        change: impl FnOnce(&mut HttpSettings),
    ) -> HttpGateway {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        HttpGateway::new(&self.url(""), key, Arc::new(SystemClock), settings).expect("a client")
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets the faults from now on.
    pub(super) async fn inject(&self, faults: &Value) {
        let asked = reqwest::Client::new().post(self.url("/v1/faults")).body(faults.to_string());
        assert!(asked.send().await.expect("an answer").status().is_success(), "{faults}");
    }

    /// No faults any more.
    pub(super) async fn heal(&self) {
        self.inject(&json!({})).await;
    }

    /// How often a fault was injected.
    pub(super) async fn injected(&self, fault: &str) -> u64 {
        self.get("/v1/faults").await["injected"][fault].as_u64().expect("a number")
    }

    /// What stands in the ledger: key, outcome, times seen.
    pub(super) async fn ledger(&self) -> Vec<(String, String, u64)> {
        let told = self.get("/v1/ledger").await;
        let entries = told["entries"].as_array().expect("entries").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        entries
            .map(|entry| (text(&entry["key"]), text(&entry["outcome"]), entry["seen"].as_u64().unwrap_or(0)))
            .collect()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(self.url(path)).await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }
}

/// One entry of the ledger, as [`World::ledger`] gives it.
pub(super) fn entry(key: &str, outcome: &str, seen: u64) -> (String, String, u64) {
    (key.to_owned(), outcome.to_owned(), seen)
}
