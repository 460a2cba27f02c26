//! A data directory with the program at work in it.

pub(crate) mod http;
pub(crate) mod issuer;
pub(crate) mod server;
pub(crate) mod simulator;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use traveladvisor_infra::private_server::{Durability, PrivateServer, ServerOptions};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_traveladvisor");
/// What the tests' own environment must not decide.
const SETTINGS: [&str; 20] = [
    "DATABASE_URL",
    "TRAVELADVISOR_AUTH_AUDIENCE",
    "TRAVELADVISOR_AUTH_ISSUER",
    "TRAVELADVISOR_AUTH_JWKS_URL",
    "TRAVELADVISOR_AUTH_ROLES_CLAIM",
    "TRAVELADVISOR_CLOCK",
    "TRAVELADVISOR_DATA_DIR",
    "TRAVELADVISOR_GATEWAY_API_KEY",
    "TRAVELADVISOR_GATEWAY_NAME",
    "TRAVELADVISOR_GATEWAY_URL",
    "TRAVELADVISOR_KAFKA_BROKERS",
    "TRAVELADVISOR_KAFKA_TOPIC_PREFIX",
    "TRAVELADVISOR_LISTEN",
    "TRAVELADVISOR_LOG",
    "TRAVELADVISOR_LOG_FORMAT",
    "TRAVELADVISOR_LOG_LEVEL",
    "TRAVELADVISOR_MODE",
    "TRAVELADVISOR_ROLES",
    "TRAVELADVISOR_SERVICES_TOKEN",
    "NO_COLOR",
];

/// One hotel with plenty of rooms: supplier `test`, code `H1`.
const HOTEL: &str = r#"{"upsertHotel": {"supplier": "test", "code": "H1", "name": "The Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris", "roomTypes": [{"code": "DBL", "name": "Double", "rooms": 50, "nightlyPrice": {"amount": "80.00", "currency": "EUR"}}]}}"#;
/// One fleet of nine: supplier `test`, code `C1`.
const FLEET: &str = r#"{"upsertCar": {"supplier": "test", "code": "C1", "name": "A car", "carClass": "MINI", "location": "LYS", "vehicles": 9, "dailyPrice": {"amount": "20.00", "currency": "EUR"}}}"#;
/// Longest time until what must happen has happened: only a defect takes this long.
pub(crate) const AT_LAST: Duration = Duration::from_mins(2);
/// Pause before it is looked again.
const PAUSE: Duration = Duration::from_millis(200);

/// A data directory of one test; at the end its server is stopped and everything removed.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        // As root, the server runs as another user, who must be able to pass.
        let permissions = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("traveladvisor-e2e-").permissions(permissions).tempdir();
        Self { dir: dir.expect("a temporary directory") }
    }

    /// A directory whose catalogue is one hotel, as of the first of December 2024.
    pub(crate) fn with_a_hotel() -> Self {
        Self::with(HOTEL)
    }

    /// The same with one fleet.
    pub(crate) fn with_a_fleet() -> Self {
        Self::with(FLEET)
    }

    fn with(offer: &str) -> Self {
        let home = Self::new();
        let imported = home.import(offer, &[]);
        assert_eq!(code(&imported), 0, "{}", told(&imported));
        home
    }

    /// Imports that hotel, with more settings of the environment.
    pub(crate) fn import_a_hotel(&self, environment: &[(&str, &str)]) -> Output {
        self.import(HOTEL, environment)
    }

    fn import(&self, offer: &str, environment: &[(&str, &str)]) -> Output {
        let offers = self.file("offers.jsonl");
        fs::write(&offers, offer).expect("written");
        let arguments = ["catalog", "import", offers.to_str().expect("a path"), "--quiet", "--clock", "2024-12-01"];
        self.command(&arguments).envs(environment.iter().copied()).output().expect("the program starts")
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A place beside it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program with these arguments, in a directory without a configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        for name in SETTINGS {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data_dir())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs the program, which must succeed; gives what it printed.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs the program with `--json`, which must succeed and print one value.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.printed(&arguments)).expect("one JSON value")
    }

    /// All events of the log, personal values masked.
    pub(crate) fn events(&self) -> Vec<Value> {
        let printed = self.printed(&["events", "list", "--json", "--quiet", "--limit", "1000000"]);
        printed.lines().map(|line| serde_json::from_str(line).expect("one event a line")).collect()
    }

    /// The directory's database, for looking behind the program's back.
    pub(crate) async fn database(&self) -> (PrivateServer, sqlx::PgPool) {
        let options = ServerOptions { data_dir: self.data_dir(), postgres_bin: None, durability: Durability::Durable };
        let server = PrivateServer::start_or_attach(&options).await.expect("the private server");
        let pool = traveladvisor_infra::postgres::pool(server.connect_options());
        (server, pool)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let place = self.data_dir().join("postgres/place");
        if !self.data_dir().join("postgres").exists() {
            return;
        }
        // Adopts what a killed process left running, and stops it as its last user.
        self.command(&["migrate", "--quiet"]).output().ok();
        if let Ok(elsewhere) = fs::read_to_string(place) {
            fs::remove_dir_all(Path::new(elsewhere.trim_end())).ok();
        }
    }
}

/// Statements behind the program's back.
pub(crate) fn run(home: &Home, statements: &str) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        sqlx::raw_sql(statements).execute(&pool).await.expect("the statements run");
        pool.close().await;
        server.stop().await.expect("let go");
    });
}

/// Looks until there is something.
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < AT_LAST, "it did not happen in {AT_LAST:?}");
        thread::sleep(PAUSE);
    }
}

/// The exit code.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// All that was printed, for messages of failed assertions.
pub(crate) fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
