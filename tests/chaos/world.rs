//! Everything that can be killed: two servers on one log, their Postgres, and the gateway.

use std::fs;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};
use tokio::runtime::Runtime;
use traveladvisor_infra::event_log::LEASE;
use traveladvisor_infra::testing::{Ending, OwnServer};

use crate::judge;
use crate::kill::travellers;
use crate::support::server::{SERVE, Server};
use crate::support::simulator::Simulator;
use crate::support::{Home, told};

/// How long something is away.
const AWAY: Duration = Duration::from_secs(2);
/// Longest time until another has taken over.
const TAKE_OVER_LIMIT: Duration = Duration::from_mins(1);
/// How often the owner is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Lines of the servers' log that are told when something is wrong.
const LOG_LINES: usize = 60;

/// All processes.
pub(super) struct World {
    // In the order in which they end.
    servers: [Mutex<Server>; 2],
    gateway: Mutex<Simulator>,
    pool: PgPool,
    postgres: OwnServer,
    home: Home,
    runtime: Runtime,
    url: String,
}

impl World {
    /// Starts all of it, with a catalogue.
    pub(super) fn start(seed: u64) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let postgres = runtime.block_on(OwnServer::start());
        let options = postgres.connect_options();
        let url = options.to_url_lossy().to_string();
        let pool = runtime.block_on(async { PgPoolOptions::new().max_connections(4).connect_lazy_with(options) });
        let home = Home::new();
        fs::create_dir_all(home.data_dir()).expect("made");
        let gateway = Simulator::start_with(&home, "127.0.0.1:0", "{}", "warn");
        let offers = home.file("offers.jsonl");
        fs::write(&offers, travellers::catalogue()).expect("written");
        let offers = offers.to_str().expect("a path");
        let mut import = home.command(&["catalog", "import", offers, "--quiet", "--clock", "2024-12-01"]);
        let import = import.env("DATABASE_URL", &url).output().expect("it runs");
        assert!(import.status.success(), "seed {seed}: {}", told(&import));
        let servers = [(); 2].map(|()| Mutex::new(serve(&home, &url, &gateway)));
        Self { servers, gateway: Mutex::new(gateway), pool, postgres, home, runtime, url }
    }

    /// Where a client asks.
    pub(super) fn address(&self, client: usize) -> String {
        self.server(client).address.clone()
    }

    fn server(&self, place: usize) -> MutexGuard<'_, Server> {
        self.servers[place % 2].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gateway(&self) -> MutexGuard<'_, Simulator> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole log.
    pub(super) fn events(&self) -> Vec<Value> {
        self.runtime.block_on(judge::events(&self.pool))
    }

    /// kill -9 of these servers, and new ones in their places.
    pub(super) fn kill(&self, places: &[usize]) {
        for place in places {
            self.server(*place).kill();
        }
        thread::sleep(AWAY);
        for place in places {
            let next = serve(&self.home, &self.url, &self.gateway());
            *self.server(*place) = next;
        }
    }

    /// Which of them owns relay and timers.
    fn owner(&self) -> usize {
        let begun = Instant::now();
        loop {
            let sql = "SELECT holder FROM owners WHERE name = 'relay' AND held_until > clock_timestamp()";
            let holder = self.runtime.block_on(sqlx::query_scalar::<_, String>(sql).fetch_optional(&self.pool));
            let holder = holder.expect("the owners").unwrap_or_default();
            let owns = |place: &usize| holder.starts_with(&format!("process {} ", self.server(*place).pid()));
            if let Some(place) = [0, 1].iter().find(|place| owns(place)) {
                return *place;
            }
            assert!(begun.elapsed() < TAKE_OVER_LIMIT, "nobody takes over");
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Lets the owner stand still for longer than its lease and until the other owns what it owned; then it goes on.
    pub(super) fn freeze_owner(&self) {
        let place = self.owner();
        let begun = Instant::now();
        self.server(place).freeze();
        while begun.elapsed() < LEASE * 2 || self.owner() == place {
            thread::sleep(LOOK_EVERY);
        }
        self.server(place).thaw();
    }

    /// Ends Postgres and starts it again.
    pub(super) fn end_postgres(&self, ending: Ending) {
        self.runtime.block_on(async {
            self.postgres.end(ending).await;
            tokio::time::sleep(AWAY).await;
            self.postgres.start_again().await;
        });
    }

    /// kill -9 of the gateway, and a new one over the same books.
    pub(super) fn kill_gateway(&self) {
        let mut gateway = self.gateway();
        let address = gateway.address.clone();
        gateway.kill();
        thread::sleep(AWAY);
        *gateway = Simulator::start_with(&self.home, &address, "{}", "warn");
    }

    /// Lets the gateway do this wrong for a while.
    pub(super) fn gateway_without(&self, faults: &str) {
        self.gateway().inject(faults);
        thread::sleep(AWAY);
        self.gateway().inject("{}");
    }

    /// What the servers have told at last.
    pub(super) fn log(&self) -> String {
        let told = fs::read_to_string(self.home.file("serve.log")).unwrap_or_default();
        let lines: Vec<&str> = told.lines().rev().take(LOG_LINES).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// An operator has these trips tried again.
    pub(super) fn retry(&self, bookings: &[String]) {
        let mut command = self.command(&["sagas", "retry", "--reason", "all is well again", "--actor", "operator"]);
        let output = command.args(bookings).output().expect("it runs");
        assert!(output.status.success(), "{}", told(&output));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("DATABASE_URL", &self.url);
        command
    }

    /// Stops the servers in order, and asks something of the database that nobody uses any more.
    pub(super) fn rest<T>(self, question: impl AsyncFnOnce(&PgPool) -> T) -> T {
        for server in &self.servers {
            let (status, _) = server.lock().unwrap_or_else(PoisonError::into_inner).stop(Signal::SIGTERM);
            assert!(status.success(), "{status}");
        }
        self.runtime.block_on(async {
            let answer = question(&self.pool).await;
            self.pool.close().await;
            answer
        })
    }
}

fn serve(home: &Home, url: &str, gateway: &Simulator) -> Server {
    let mut command: Command = home.command(&SERVE);
    command.env("DATABASE_URL", url).env("TRAVELADVISOR_GATEWAY_URL", gateway.url()).env("TRAVELADVISOR_LOG", "warn");
    Server::spawn(home, command)
}
