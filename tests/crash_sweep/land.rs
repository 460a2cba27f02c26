//! The server on which all deaths are suffered, with a database to copy for each.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::runtime::Runtime;
use traveladvisor_infra::testing::OwnServer;

use super::travellers;
use crate::support::http::ask;
use crate::support::server::{SERVE, Server};
use crate::support::simulator::Simulator;
use crate::support::{Home, told};

/// The database that is copied: with the catalogue and a trip that was booked before.
const TEMPLATE: &str = "sweep_template";

/// The campaigns of the reference data.
const CAMPAIGNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/seed-data/traveladvisor-ota/payment.init-data.sql");

/// Server and template.
pub(super) struct Land {
    runtime: Runtime,
    server: OwnServer,
    next: AtomicUsize,
    /// The gateway's books with the template's trip.
    ledger: Vec<u8>,
    /// The trip that was booked before.
    pub(super) earlier: String,
    /// Who has booked it, with the points of the reference campaign.
    pub(super) member: String,
}

/// A database of one death, and a directory beside it. The database is dropped with the whole server.
pub(super) struct Place<'l> {
    land: &'l Land,
    pub(super) home: Home,
    pub(super) pool: PgPool,
    pub(super) gateway: Simulator,
    url: String,
}

impl Land {
    pub(super) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(OwnServer::start());
        let mut land = Self {
            runtime,
            server,
            next: AtomicUsize::new(0),
            ledger: Vec::new(),
            earlier: String::new(),
            member: String::new(),
        };
        land.run(&format!("CREATE DATABASE {TEMPLATE}"));
        let place = land.place_in(TEMPLATE);
        let offers = place.home.file("offers.jsonl");
        fs::write(&offers, travellers::catalogue()).expect("written");
        for path in [offers.to_str().expect("a path"), CAMPAIGNS] {
            let import = place.command(&["catalog", "import", path, "--quiet", "--clock", "2024-12-01"]).output();
            let import = import.expect("it runs");
            assert!(import.status.success(), "{}", told(&import));
        }
        let mut server = place.start(None).expect("it serves");
        let answer = ask(&server.address, travellers::SIGN_UP, &travellers::member()).expect("an answer");
        let member = answer["data"]["signUp"]["member"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let answer = ask(&server.address, travellers::OPEN, &travellers::campaign()).expect("an answer");
        assert_eq!(answer["data"]["openCampaign"]["errors"], serde_json::json!([]), "{answer}");
        let answer = ask(&server.address, travellers::BOOK, &travellers::earlier()).expect("an answer");
        let earlier = answer["data"]["bookTrip"]["booking"]["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let earlier = earlier.to_owned();
        server.stop(Signal::SIGTERM);
        let ledger = fs::read(ledger_of(&place.home)).expect("a ledger");
        drop(place);
        land.ledger = ledger;
        land.earlier = earlier;
        land.member = member;
        land
    }

    /// A copy of the template.
    pub(super) fn place(&self) -> Place<'_> {
        let name = self.next_name();
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
        self.place_in(&name)
    }

    /// An empty database.
    pub(super) fn wasteland(&self) -> Place<'_> {
        let name = self.next_name();
        self.run(&format!("CREATE DATABASE {name}"));
        self.place_in(&name)
    }

    fn next_name(&self) -> String {
        format!("sweep_{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn place_in(&self, name: &str) -> Place<'_> {
        let options = self.options().database(name);
        let url = options.to_url_lossy().to_string();
        let pool = self.runtime.block_on(async { PgPoolOptions::new().max_connections(4).connect_lazy_with(options) });
        let home = Home::new();
        fs::create_dir_all(home.data_dir()).expect("made");
        fs::write(ledger_of(&home), &self.ledger).expect("written");
        let gateway = Simulator::start_with(&home, "127.0.0.1:0", "{}", "warn");
        Place { land: self, home, pool, gateway, url }
    }

    fn options(&self) -> PgConnectOptions {
        self.server.connect_options()
    }

    /// Runs a statement that concerns databases.
    fn run(&self, sql: &str) {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect_with(&self.options()).await.expect("the server answers");
            sqlx::query(sql).execute(&mut connection).await.expect(sql);
            connection.close().await.expect("closed");
        });
    }
}

impl Place<'_> {
    /// The program with this database and this gateway.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("DATABASE_URL", &self.url).env("TRAVELADVISOR_GATEWAY_URL", self.gateway.url());
        // The template's trips were paid at the same books at another address.
        command.env("TRAVELADVISOR_GATEWAY_NAME", "simulator");
        // What callers spend is counted in the database as well, so that this call is one to die at.
        command.env("TRAVELADVISOR_LIMITS_SHARED", "true");
        command
    }

    /// Starts `serve`; how it ended when it did before it served.
    pub(super) fn start(&self, dies: Option<super::Death>) -> Result<Server, ExitStatus> {
        let mut command = self.command(&SERVE);
        if let Some(death) = dies {
            command.env(traveladvisor_infra::fail_points::SETTING, death.to_string());
        }
        Server::try_spawn(&self.home, command)
    }

    /// What the judge of the server says.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.land.runtime.block_on(work)
    }

    /// Runs a statement behind the program's back.
    pub(super) fn run(&self, sql: &str) {
        self.wait(async { sqlx::query(sql).execute(&self.pool).await.expect(sql) });
    }
}

impl Drop for Place<'_> {
    /// The database stays as it is; the next place needs the connections.
    fn drop(&mut self) {
        self.wait(self.pool.close());
    }
}

/// Where the gateway's books lie.
fn ledger_of(home: &Home) -> PathBuf {
    home.data_dir().join("gateway-ledger.jsonl")
}
