//! A real broker: one for all tests of a program, or one of a test's own, which may be killed, frozen and started again.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::OnceCell;

use super::Frozen;
use crate::kafka::KafkaSettings;

/// Where the scripts are that fetch and start it.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/local/kafka");
/// The environment variable that says after how many milliseconds of silence a process has lost its partitions. A group takes a dead
/// member's partitions from it by nothing but that silence: where many die, waiting for it would be all that a test does. It is no setting
/// of the program, so it does not begin like one.
pub const SESSION: &str = "KAFKA_SESSION_MS";
/// Arguments: the broker's folder. A test that was killed leaves no broker behind, not even a frozen one.
const CLEAN_UP: &str = r#"
read -r _
if read -r broker <"$1/pid"; then
    kill -s KILL "$broker"
fi
rm -rf "$1"
"#;

static SHARED: OnceCell<Broker> = OnceCell::const_new();
/// Brokers and prefixes of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A broker of one node, in a folder of its own. Dropping it ends it and removes what it held.
#[derive(Debug)]
pub struct Broker {
    dir: PathBuf,
    brokers: String,
    clean_up: Child,
}

/// The broker that all tests of this program share: it is started with the first and ends with the process.
///
/// # Panics
///
/// When it cannot be had: the scripts say what is missing.
pub async fn shared() -> &'static Broker {
    SHARED.get_or_init(Broker::start).await
}

/// How to reach the shared broker, with a prefix that no other test has.
///
/// # Panics
///
/// As [`shared`].
pub async fn settings() -> KafkaSettings {
    shared().await.settings()
}

impl Broker {
    /// Starts a broker that no other test uses.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    pub async fn start() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("traveladvisor-broker-{}-{number}", std::process::id()));
        // Left by a former process of the same number.
        std::fs::remove_dir_all(&dir).ok();
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        let clean_up = leave_clean_up(&dir);
        let brokers = script("start", &["--port", "0"], &dir).await;
        let brokers = brokers.trim().rsplit_once('=').expect("the script says where it is").1.to_owned();
        Self { dir, brokers, clean_up }
    }

    /// How to reach it, with a prefix that was not given before.
    pub fn settings(&self) -> KafkaSettings {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        KafkaSettings { brokers: self.brokers.clone(), topic_prefix: format!("t{number}.") }
    }

    /// `host:port`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Kills it at once, as the kernel would when memory runs out.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&self) {
        kill(Pid::from_raw(self.pid()), Signal::SIGKILL).expect("it is ours to end");
    }

    /// Starts it again at the same address with what it held, and waits until it serves.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn start_again(&self) {
        script("start", &[], &self.dir).await;
    }

    /// Freezes it until what is returned is dropped. The kernel still takes connections.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn freeze(&self) -> Frozen {
        Frozen::these([self.pid()])
    }

    fn pid(&self) -> i32 {
        let text = std::fs::read_to_string(self.dir.join("pid")).expect("it was started");
        text.trim().parse().expect("a process number")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.clean_up.stdin = None;
        self.clean_up.wait().ok();
    }
}

/// Runs one of the scripts for a broker in this folder, and gives what it said on standard output.
async fn script(name: &str, arguments: &[&str], dir: &Path) -> String {
    let done = tokio::process::Command::new(Path::new(SCRIPTS).join(name))
        .args(arguments)
        .env("KAFKA_RUN", dir)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the script is there");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "no Kafka for the tests: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

pub(super) fn leave_clean_up(dir: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", CLEAN_UP, "sh"])
        .arg(dir)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell")
}
