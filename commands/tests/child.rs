//! Another process: the test program runs itself again, tells it what to do over its input, and reads its answers.

use std::io::{BufRead, Write};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use sqlx::ConnectOptions;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use traveladvisor_commands::Engine;
use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_infra::clock::{RandomIds, SandboxClock};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::gateway::{PaymentGateway, SandboxGateway};
use traveladvisor_infra::postgres::{PgConnectOptions, pool};

use crate::crowd::AT_LAST;
use crate::support::{World, start};

/// Tells the other process which part it plays.
const PART: &str = "TRAVELADVISOR_TEST_PART";
/// Tells it where the log is.
const DATABASE: &str = "TRAVELADVISOR_TEST_DATABASE";
/// How its answers begin, so that they can be told from what the test program prints.
const ANSWER: &str = "answer: ";

/// Another process with an engine on the same log.
pub(crate) struct OtherProcess {
    process: tokio::process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl OtherProcess {
    /// Starts a process that plays a part, see [`the_other_process`].
    pub(crate) fn start(part: &str, world: &World) -> Self {
        Self::start_on(part, world.options(), &[])
    }

    /// Starts one on a log, with these in its environment.
    pub(crate) fn start_on(part: &str, database: &PgConnectOptions, environment: &[(&str, String)]) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("the test program"))
            .args(["--exact", "child::the_other_process", "--ignored", "--nocapture", "--test-threads", "1"])
            .env(PART, part)
            .env(DATABASE, database.to_url_lossy().as_str())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("another process");
        let input = process.stdin.take().expect("its input");
        let output = BufReader::new(process.stdout.take().expect("its output")).lines();
        Self { process, input, output }
    }

    pub(crate) async fn tell(&mut self, order: &str) {
        self.input.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> String {
        let answer = async {
            loop {
                let line = self.output.next_line().await.expect("readable").expect("it goes on");
                if let Some((_, answer)) = line.split_once(ANSWER) {
                    return answer.to_owned();
                }
            }
        };
        tokio::time::timeout(AT_LAST, answer).await.expect("it answers")
    }

    pub(crate) async fn ask(&mut self, order: &str) -> String {
        self.tell(order).await;
        self.answer().await
    }

    /// The same of one that may be dead by then: no answer.
    pub(crate) async fn try_ask(&mut self, order: &str) -> Option<String> {
        self.input.write_all(format!("{order}\n").as_bytes()).await.ok()?;
        self.try_answer().await
    }

    /// The next answer of one that may die before it.
    pub(crate) async fn try_answer(&mut self) -> Option<String> {
        let answer = async {
            while let Some(line) = self.output.next_line().await.ok()? {
                if let Some((_, answer)) = line.split_once(ANSWER) {
                    return Some(answer.to_owned());
                }
            }
            None
        };
        tokio::time::timeout(AT_LAST, answer).await.expect("it answers or dies")
    }

    /// Waits until it dies.
    pub(crate) async fn dies(&mut self) -> ExitStatus {
        self.process.wait().await.expect("it was ours")
    }

    /// Its number, so that it can be frozen.
    pub(crate) fn id(&self) -> i32 {
        self.process.id().and_then(|id| id.try_into().ok()).expect("it runs")
    }

    /// Lets it end in order, and waits for that.
    pub(crate) async fn ends(mut self) {
        drop(self.input);
        let ended = tokio::time::timeout(AT_LAST, self.process.wait()).await.expect("it ends").expect("it was ours");
        assert!(ended.success(), "{ended}");
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.expect("it is killed");
    }
}

/// What the other process has: an engine, and the orders of the test.
pub(crate) struct Inside {
    pub(crate) engine: Engine,
    pub(crate) running: RunningEngine,
    orders: mpsc::UnboundedReceiver<String>,
}

impl Inside {
    async fn begin(delivery: Delivery) -> Self {
        Self::begin_with(delivery, |sandbox| Arc::new(sandbox)).await
    }

    async fn begin_with(delivery: Delivery, gateway: impl FnOnce(SandboxGateway) -> Arc<dyn PaymentGateway>) -> Self {
        let url = std::env::var(DATABASE).expect("a database");
        let log = EventLog::new("public", pool(url.parse::<PgConnectOptions>().expect("a URL")));
        let ports = Ports {
            terms: Arc::default(),
            clock: Arc::new(SandboxClock::starting_at(start())),
            ids: Arc::new(RandomIds),
            gateway: gateway(SandboxGateway::new(log.pool().clone())),
        };
        let (engine, running) = Engine::start(log, ports, delivery).await.expect("the engine starts");
        Self { engine, running, orders: orders() }
    }

    /// One context's engine beside others.
    async fn begin_on_bus() -> Self {
        let url = std::env::var(DATABASE).expect("a database");
        let (name, bus) = crate::bus::process::told();
        let log = EventLog::new(&name, pool(url.parse::<PgConnectOptions>().expect("a URL")));
        let ports = Ports {
            terms: Arc::default(),
            clock: Arc::new(SandboxClock::starting_at(start())),
            ids: Arc::new(RandomIds),
            gateway: Arc::new(SandboxGateway::new(log.pool().clone())),
        };
        let started = Engine::start_on_bus(log, ports, Delivery::Here, bus).await.expect("the engine starts");
        Self { engine: started.0, running: started.1, orders: orders() }
    }

    /// The next order; none when the test is over.
    pub(crate) async fn order(&mut self) -> Option<String> {
        self.orders.recv().await
    }

    #[expect(clippy::unused_self, reason = "only the other process answers")]
    pub(crate) fn answer(&self, answer: &str) {
        let mut output = std::io::stdout().lock();
        writeln!(output, "{ANSWER}{answer}").expect("the test listens");
        output.flush().expect("the test listens");
    }
}

/// What comes over the input, line by line. A thread of its own reads it, because a read cannot be broken off.
fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    orders
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other process of other tests; it does nothing by itself"]
async fn the_other_process() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.as_str() {
        "races and delivers" => crate::last_room::race(Inside::begin(Delivery::Here).await, "one").await,
        "races" => crate::last_room::race(Inside::begin(Delivery::Elsewhere).await, "other").await,
        "dies" => {
            let mute = |sandbox| Arc::new(crate::relay::Mute(sandbox)) as Arc<dyn PaymentGateway>;
            crate::relay::book_until_killed(Inside::begin_with(Delivery::Here, mute).await).await;
        }
        "a crowd" => crate::overload::crowd(Inside::begin(Delivery::Elsewhere).await).await,
        "a context" => crate::bus::process::run(Inside::begin_on_bus().await).await,
        unknown => panic!("no such part: {unknown}"),
    }
}
