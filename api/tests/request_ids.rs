//! A request is found again: by its id in the answer, in errors, in log lines and in the events that it has caused.

use std::io;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{BOOK, World};

const ID: &str = "01JDX3Z7Q4M8R2T6V9W0Y1A5BC";

fn named(id: &str) -> HeaderMap {
    HeaderMap::from_iter([("x-request-id".parse().expect("a name"), id.parse().expect("a value"))])
}

async fn exchange(world: &World, path: &str, body: Option<Value>, headers: HeaderMap) -> (String, Value) {
    let request = match body {
        Some(body) => Request::post(path).header("content-type", "application/json").body(body.to_string().into()),
        None => Request::get(path).body("".into()),
    };
    let mut request = request.expect("a request");
    request.headers_mut().extend(headers);
    let (head, answer) = world.exchange(request).await;
    (head.headers["x-request-id"].to_str().expect("text").to_owned(), answer)
}

#[tokio::test]
async fn every_answer_bears_the_senders_id_or_a_new_one_and_so_do_its_errors() {
    let world = World::begin().await;
    let wrong = json!({ "query": "{ nothing }" });
    for (path, body) in
        [("/graphql", Some(wrong)), ("/graphql", Some(json!([]))), ("/graphql?query={", None), ("/nowhere", None)]
    {
        let (id, answer) = exchange(&world, path, body.clone(), named(ID)).await;
        assert_eq!((id.as_str(), &answer["errors"][0]["extensions"]["requestId"]), (ID, &json!(ID)), "{path}");
        for personal in ["ada@example.com", "ada.lovelace", "+447911123456"] {
            let (new, answer) = exchange(&world, path, body.clone(), named(personal)).await;
            assert_eq!(new.len(), 36, "a new one: {new}");
            assert_eq!(answer["errors"][0]["extensions"]["requestId"], json!(new));
        }
        let (new, _) = exchange(&world, path, body.clone(), HeaderMap::new()).await;
        let (another, _) = exchange(&world, path, body, HeaderMap::new()).await;
        assert_ne!(new, another);
    }
    let (id, _) = exchange(&world, "/health/live", None, named(ID)).await;
    assert_eq!(id, ID);
    let failed = json!({ "query": "{ hotels(filter: {}, first: 0) { pageInfo { hasNextPage } } }" });
    let (_, answer) = exchange(&world, "/graphql", Some(failed), named(ID)).await;
    assert_eq!(answer["errors"][0]["extensions"]["requestId"], ID, "also an error of a field: {answer}");
}

#[tokio::test]
async fn the_request_stands_beside_the_events_that_it_has_caused() {
    let world = World::begin().await;
    let answer = world.send_with(BOOK, json!({ "input": world.trip(json!({})) }), named(ID)).await;
    assert_eq!(answer["data"]["bookTrip"]["errors"], json!([]), "{answer}");
    let of_request: Vec<String> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.decode_metadata().expect("metadata").causation == Some(format!("request:{ID}")))
        .map(|event| event.event_type.into_owned())
        .collect();
    assert_eq!(of_request, ["BookingRequested"]);
}

#[tokio::test]
async fn no_name_or_number_that_a_sender_calls_an_id_is_kept_for_ever() {
    let world = World::begin().await;
    let answer = world.send_with(BOOK, json!({ "input": world.trip(json!({})) }), named("ada.lovelace")).await;
    assert_eq!(answer["data"]["bookTrip"]["errors"], json!([]), "{answer}");
    let causes: Vec<String> =
        world.events().await.iter().filter_map(|event| event.decode_metadata().expect("metadata").causation).collect();
    assert!(causes.iter().any(|cause| cause.starts_with("request:")), "{causes:?}");
    assert!(!causes.iter().any(|cause| cause.contains("lovelace")), "{causes:?}");
}

/// Log lines that a test reads.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Hears what this thread writes, until the guard is dropped. A place in the program that another test meets for the first time at this very
    /// moment may stay unheard: ask once for nothing, so that all are known, and then hear anew.
    pub(crate) fn hear() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let to_lines =
            tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(lines.clone()).finish();
        (lines, tracing::subscriber::set_default(to_lines))
    }

    /// All of them.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("the lines").clone()).expect("text")
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_log_line_tells_the_request_and_its_trace() {
    let world = World::begin().await;
    world.run("ALTER TABLE hotels RENAME TO h").await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut headers = named(ID);
    headers.insert("traceparent", trace.parse().expect("a value"));
    let query = format!("{{ hotel(id: \"{}\") {{ id }} }}", world.hotel);
    let ask = async || {
        let (lines, _here) = Lines::hear();
        let answer = world.send_with(&query, json!({}), headers.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["requestId"], ID, "{answer}");
        lines
    };
    ask().await;
    let lines = ask().await;
    let written = lines.text();
    let line = written.lines().find(|line| line.contains(ID)).unwrap_or_else(|| panic!("no line: {written}"));
    assert!(line.contains(trace), "{line}");
}
