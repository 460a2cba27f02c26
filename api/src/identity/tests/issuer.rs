//! An issuer over HTTP that counts how often it is asked, and fails on demand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long it takes to give its keys: long enough that others ask meanwhile.
const THINKING: Duration = Duration::from_millis(200);

/// What it does next.
#[derive(Default)]
pub(super) struct Behaviour {
    pub(super) keys: Vec<Value>,
    /// Members of its description that differ.
    pub(super) description: Option<Value>,
    /// Answers with this status and nothing else.
    pub(super) status: Option<StatusCode>,
    /// Sends those who want its keys there.
    pub(super) redirect: Option<String>,
    /// Bytes before its keys.
    pub(super) padding: usize,
    /// Never answers.
    pub(super) hangs: bool,
}

#[derive(Default)]
struct Shared {
    behaviour: Mutex<Behaviour>,
    fetches: AtomicUsize,
    strays: AtomicUsize,
}

/// A running issuer. Ends when dropped.
pub(super) struct TestIssuer {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl TestIssuer {
    pub(super) async fn start(keys: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared =
            Arc::new(Shared { behaviour: Mutex::new(Behaviour { keys, ..Behaviour::default() }), ..Shared::default() });
        let routes = Router::new()
            .route("/realms/travel/.well-known/openid-configuration", get(describe))
            .route("/keys", get(publish))
            .fallback(stray)
            .with_state((address, shared.clone()));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { address, shared, serving }
    }

    /// Its name.
    pub(super) fn url(&self) -> String {
        format!("http://{}/realms/travel", self.address)
    }

    /// What it does next.
    pub(super) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.shared.behaviour.lock().expect("the behaviour")
    }

    /// How often its keys were asked for.
    pub(super) fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    /// How often something else was asked for.
    pub(super) fn strays(&self) -> usize {
        self.shared.strays.load(Ordering::SeqCst)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Served = State<(SocketAddr, Arc<Shared>)>;

async fn describe(State((address, shared)): Served) -> Response {
    let description =
        json!({ "issuer": format!("http://{address}/realms/travel"), "jwks_uri": format!("http://{address}/keys") });
    let changes = shared.behaviour.lock().expect("the behaviour").description.clone();
    super::with(description, changes.unwrap_or_else(|| json!({}))).to_string().into_response()
}

async fn publish(State((_, shared)): Served) -> Response {
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    let (answer, hangs) = {
        let behaviour = shared.behaviour.lock().expect("the behaviour");
        let keys = format!("{}{}", " ".repeat(behaviour.padding), json!({ "keys": behaviour.keys }));
        let answer = match (behaviour.status, behaviour.redirect.clone()) {
            (Some(status), _) => status.into_response(),
            (_, Some(location)) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
            _ => keys.into_response(),
        };
        (answer, behaviour.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(THINKING).await;
    answer
}

async fn stray(State((_, shared)): Served) -> StatusCode {
    shared.strays.fetch_add(1, Ordering::SeqCst);
    StatusCode::NOT_FOUND
}
