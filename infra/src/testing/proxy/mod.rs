//! A proxy in front of a Postgres, which breaks off chosen requests at chosen steps.
//!
//! It knows as much of Postgres's protocol as it needs to tell where one request begins and its answer ends. Whatever runs a statement
//! that bears the proxy's mark (for appends: [`APPENDS`]) meets the next fault that was armed; all else passes untouched.

mod fault;
mod frames;
mod line;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use fault::Armed;
pub use fault::{Fate, Fault, Step, Strike, Struck};
use line::{Line, Wire};

/// What marks the statement of an append.
pub const APPENDS: &str = "append_events";
/// Part of the socket's name, as clients expect it.
const PORT: u16 = 5432;

/// Stands between its clients and a server. Dropping it breaks off all that goes through it.
#[derive(Debug)]
pub struct FaultProxy {
    options: PgConnectOptions,
    shared: Arc<Shared>,
    dir: PathBuf,
    accepting: JoinHandle<()>,
}

/// Whether the proxy lets connections through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
}

#[derive(Debug)]
struct Shared {
    server: Address,
    mark: &'static str,
    door: watch::Sender<Door>,
    faults: Mutex<VecDeque<Armed>>,
    statements: AtomicU64,
}

#[derive(Debug)]
enum Address {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl FaultProxy {
    /// A proxy in front of a server, for statements that contain `mark`.
    ///
    /// # Panics
    ///
    /// When the temporary directory is not writable.
    pub fn start(server: &PgConnectOptions, mark: &'static str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("traveladvisor-proxy-{}-{number}", std::process::id()));
        // Left by a former process of the same number.
        std::fs::remove_dir_all(&dir).ok();
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        let listener = UnixListener::bind(dir.join(format!(".s.PGSQL.{PORT}"))).expect("a socket of its own");
        let door = watch::Sender::new(Door::Open);
        let shared = Arc::new(Shared {
            server: Address::of(server),
            mark,
            door,
            faults: Mutex::default(),
            statements: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { options: server.clone().socket(&dir).port(PORT), shared, dir, accepting }
    }

    /// How to reach the server through the proxy.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The next marked request that no other fault waits for meets this one.
    pub fn arm(&self, fault: Fault) -> Struck {
        let (struck, when) = oneshot::channel();
        self.shared.faults().push_back(Armed { fault, struck });
        Struck { when }
    }

    /// How many statements clients have sent so far, on all connections: of those that are prepared each execution counts.
    pub fn statements(&self) -> u64 {
        self.shared.statements.load(Ordering::Relaxed)
    }

    /// All connections are broken off, and new ones at once.
    pub fn shut(&self) {
        self.shared.door.send_replace(Door::Shut);
    }

    /// New connections pass again.
    pub fn open(&self) {
        self.shared.door.send_replace(Door::Open);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

impl Shared {
    fn faults(&self) -> MutexGuard<'_, VecDeque<Armed>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that is next, if it strikes at such a step and has let all pass that it should.
    fn next(&self, is_due: impl Fn(Step) -> bool) -> Option<Armed> {
        let mut faults = self.faults();
        let first = faults.front_mut().filter(|armed| is_due(armed.fault.step))?;
        if first.fault.passes > 0 {
            first.fault.passes -= 1;
            return None;
        }
        faults.pop_front()
    }
}

impl Address {
    fn of(options: &PgConnectOptions) -> Self {
        let port = options.get_port();
        let socket = options.get_socket().cloned();
        match socket.or_else(|| options.get_host().starts_with('/').then(|| options.get_host().into())) {
            Some(dir) => Self::Unix(dir.join(format!(".s.PGSQL.{port}"))),
            None => Self::Tcp(options.get_host().to_owned(), port),
        }
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Wire>> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tcp(host, port) => Box::new(TcpStream::connect((host.as_str(), *port)).await?),
        })
    }
}

/// Takes connections until aborted; theirs end with it.
async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut lines = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *shared.door.borrow() == Door::Open {
            let shared = shared.clone();
            lines.spawn(async move {
                if let Ok(server) = shared.server.connect().await {
                    Line::new(client, server, shared).run().await;
                }
            });
        }
        while lines.try_join_next().is_some() {}
    }
}
