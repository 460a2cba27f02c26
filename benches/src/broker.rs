//! A Kafka broker of the bench's own, in a temporary directory, started by the project's scripts.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use traveladvisor_infra::kafka::KafkaSettings;

use crate::Outcome;
use crate::cost::cpu_ms_of;

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/local/kafka");

/// The broker and its directory.
pub(crate) struct BenchBroker {
    directory: TempDir,
    brokers: String,
}

impl BenchBroker {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("traveladvisor-bench-kafka-").tempdir()?;
        let said = script("start", &["--port", "0"], directory.path()).await?;
        let brokers = said.trim().rsplit_once('=').ok_or("the script does not say where the broker is")?.1.to_owned();
        Ok(Self { directory, brokers })
    }

    /// How to reach it, with names of one installation.
    pub(crate) fn settings(&self, installation: &str) -> KafkaSettings {
        KafkaSettings { brokers: self.brokers.clone(), topic_prefix: format!("{installation}.") }
    }

    /// Milliseconds of processor time so far.
    pub(crate) fn cpu_ms(&self) -> f64 {
        let process = fs::read_to_string(self.directory.path().join("pid"));
        let process = process.ok().and_then(|number| number.trim().parse().ok());
        process.and_then(cpu_ms_of).unwrap_or(0) as f64
    }

    /// Stops it; its directory goes with it.
    pub(crate) async fn stop(self) -> Outcome<()> {
        script("stop", &[], self.directory.path()).await?;
        Ok(())
    }
}

async fn script(name: &str, arguments: &[&str], directory: &Path) -> Outcome<String> {
    let done = Command::new(Path::new(SCRIPTS).join(name))
        .args(arguments)
        .env("KAFKA_RUN", directory)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !done.status.success() {
        return Err(format!("no Kafka: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}
