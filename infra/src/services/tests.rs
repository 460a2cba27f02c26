use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// Longest time until what must happen has happened.
const AT_LAST: Duration = Duration::from_mins(1);
/// A breaker that opens at the second failure and tries again soon.
const SETTINGS: fn() -> ServiceSettings = || ServiceSettings {
    retry_pause: Duration::from_millis(1),
    retry_pause_max: Duration::from_millis(2),
    breaker_commands_min: 2,
    breaker_open_for: Duration::from_millis(200),
    ..ServiceSettings::default()
};

/// A process that answers every question with a status.
struct Answering {
    url: String,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Answering {
    async fn start(status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::at(listener, status)
    }

    fn at(listener: TcpListener, status: StatusCode) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            async move { (status, "{}") }
        };
        let router = Router::new().route(COMMANDS, post(answer));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, asked, serving }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn service_of(urls: &[&str]) -> Service {
    let services = Services { hotel: Some(urls.join(",")), ..Services::default() };
    Service::new(Context::Hotel, &services, SETTINGS()).expect("a service")
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn a_process_that_is_away_is_passed_over() {
    let (there, away) = (Answering::start(StatusCode::OK).await, nobody().await);
    let service = service_of(&[&away, &there.url]);
    for _ in 0..6 {
        let answered = service.ask(b"{}".to_vec(), Repeats::Never).await.expect("the other one answers");
        assert_eq!(answered.status, StatusCode::OK);
    }
    assert_eq!(there.asked(), 6, "each command was heard once");
}

#[tokio::test]
async fn a_process_of_another_role_is_passed_over() {
    let (other, right) =
        (Answering::start(StatusCode::MISDIRECTED_REQUEST).await, Answering::start(StatusCode::OK).await);
    let service = service_of(&[&other.url, &right.url]);
    assert!(service.ask(b"{}".to_vec(), Repeats::Never).await.is_ok());
    assert_eq!((other.asked(), right.asked()), (1, 1));
}

#[tokio::test]
async fn what_may_have_been_heard_is_repeated_only_where_that_is_harmless() {
    let broken = Answering::start(StatusCode::INTERNAL_SERVER_ERROR).await;
    let settings = ServiceSettings { breaker_commands_min: 100, ..SETTINGS() };
    let services = Services { hotel: Some(broken.url.clone()), ..Services::default() };
    let service = Service::new(Context::Hotel, &services, settings).expect("a service");
    let lost = service.ask(b"{}".to_vec(), Repeats::Never).await;
    assert!(matches!(lost, Err(NoAnswer::Lost(_))), "{:?}", lost.err());
    assert_eq!(broken.asked(), 1);
    let lost = service.ask(b"{}".to_vec(), Repeats::Harmless).await;
    assert!(matches!(lost, Err(NoAnswer::Lost(_))), "{:?}", lost.err());
    assert_eq!(broken.asked(), 1 + settings.tries_max as usize);
}

#[tokio::test]
async fn a_breaker_opens_and_closes_again_when_the_process_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let service = service_of(&[&format!("http://{address}")]);
    let breaker = |is_open| Breaker { role: "hotel", process: format!("http://{address}"), is_open };
    assert_eq!(service.breakers().collect::<Vec<_>>(), [breaker(false)]);
    let open = async { while service.ask(b"{}".to_vec(), Repeats::Never).await.err() != Some(NoAnswer::Open) {} };
    tokio::time::timeout(AT_LAST, open).await.expect("nobody is there: it opens");
    assert_eq!(service.breakers().collect::<Vec<_>>(), [breaker(true)]);
    let back = Answering::at(TcpListener::bind(address).await.expect("the port is free"), StatusCode::OK);
    let closed = async {
        while service.ask(b"{}".to_vec(), Repeats::Never).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, closed).await.expect("it lets one try, and closes");
    assert_eq!(service.breakers().collect::<Vec<_>>(), [breaker(false)]);
    for _ in 0..5 {
        assert!(service.ask(b"{}".to_vec(), Repeats::Never).await.is_ok(), "it stays closed");
    }
    assert_eq!(back.asked(), 6);
}

#[tokio::test]
async fn who_hangs_takes_no_more_places_than_there_are() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let services = Services { hotel: Some(url), ..Services::default() };
    let settings = ServiceSettings { at_once_max: 1, ..SETTINGS() };
    let service = Service::new(Context::Hotel, &services, settings).expect("a service");
    let hanging = tokio::spawn({
        let service = service.clone();
        async move { service.ask(b"{}".to_vec(), Repeats::Never).await }
    });
    let (_held, _) = tokio::time::timeout(AT_LAST, listener.accept()).await.expect("in time").expect("it is asked");
    assert_eq!(service.ask(b"{}".to_vec(), Repeats::Harmless).await.err(), Some(NoAnswer::Full));
    hanging.abort();
}

#[test]
fn the_token_is_never_shown() {
    let services = Services {
        hotel: Some("http://127.0.0.1:1".to_owned()),
        token: Some("open-sesame-open-sesame".into()),
        ..Services::default()
    };
    let service = Service::new(Context::Hotel, &services, ServiceSettings::default()).expect("a service");
    assert!(!format!("{service:?}{services:?}").contains("open-sesame"));
}
