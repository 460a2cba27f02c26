//! Who callers are, as an operator sets it and as a developer tries it.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::http::{Answer, post_to};
use crate::support::issuer::Issuer;
use crate::support::server::{SERVE, Server};
use crate::support::{Home, code, told};

const ANYTHING: &str = "{ __typename }";
const BOOKINGS: &str = "{ bookings { nodes { id } } }";
const SAGAS: &str = "{ sagas { pageInfo { hasNextPage } } }";

fn ask(server: &Server, query: &str, token: Option<&str>) -> Answer {
    let header = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let body = json!({ "query": query }).to_string();
    post_to(&server.address, "/graphql", &header, body.as_bytes()).expect("an answer")
}

fn error_code(answer: &Answer) -> Value {
    answer.json()["errors"][0]["extensions"]["code"].clone()
}

fn trusting(mut command: Command, issuer: &str) -> Command {
    command.env("TRAVELADVISOR_AUTH_ISSUER", issuer).env("TRAVELADVISOR_AUTH_AUDIENCE", "booking-api");
    command
}

#[test]
fn a_token_for_trying_opens_what_it_names_and_nothing_else() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let token = home.printed(&["token", "--as", "Ada@Example.org", "--quiet"]);
    let token = Some(token.trim());
    assert_eq!(error_code(&ask(&server, BOOKINGS, token)), Value::Null);
    assert_eq!(error_code(&ask(&server, SAGAS, token)), "FORBIDDEN");
    assert_eq!(error_code(&ask(&server, SAGAS, None)), Value::Null, "without a token everybody may do everything");
    let operator = home.printed(&["token", "--as", "ada@example.org", "--scope", "operations", "--quiet"]);
    assert_eq!(error_code(&ask(&server, SAGAS, Some(operator.trim()))), Value::Null);
    for wrong in ["dev.e30", "dev.", "eyJhbGciOiJub25lIn0.e30.", "nonsense"] {
        let answer = ask(&server, ANYTHING, Some(wrong));
        assert_eq!((answer.status, error_code(&answer)), (401, json!("UNAUTHENTICATED")), "{wrong}");
    }
    assert!(server.stop(Signal::SIGTERM).0.success());
}

#[test]
fn a_token_for_trying_names_a_person_without_an_address() {
    let home = Home::new();
    let made = |email: &str| -> Value {
        let arguments =
            ["token", "--json", "--as", email, "--scope", "bookings:read", "supply:write", "--expires-in", "60"];
        serde_json::from_str(&home.printed(&arguments)).expect("JSON")
    };
    let (ada, again, bob) = (made("ada@example.org"), made("ADA@example.org"), made("bob@example.org"));
    assert_eq!(ada["owner"], again["owner"]);
    assert_ne!(ada["owner"], bob["owner"]);
    assert_eq!(ada["scopes"], json!(["bookings:read", "supply:write"]));
    assert!(ada["expiresAt"].is_string());
    assert!(!ada.to_string().to_lowercase().contains("ada@"), "{ada}");
    assert!(!home.data_dir().exists());
    for wrong in [&["--as", "ada"][..], &["--as", "ada@x", "--scope", "everything"], &["--scope", "operations"]] {
        let output = home.run(&[&["token"], wrong].concat());
        assert_eq!(code(&output), 2, "{}", told(&output));
    }
}

#[test]
fn tokens_are_made_only_where_they_prove_nothing() {
    let home = Home::new();
    let make = || home.command(&["token", "--as", "ada@example.org"]);
    let with_issuer = trusting(make(), "https://id.example").output().expect("the program starts");
    assert_eq!(code(&with_issuer), 2, "{}", told(&with_issuer));
    let production = make().env("TRAVELADVISOR_MODE", "production").output().expect("the program starts");
    assert_eq!(code(&production), 2, "{}", told(&production));
}

#[test]
fn nothing_is_served_to_strangers_by_mistake() {
    let home = Home::new();
    let mut production = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    production.env("TRAVELADVISOR_MODE", "production").env("TRAVELADVISOR_GATEWAY_URL", "https://pay.example");
    let production = production.output().expect("the program starts");
    assert_eq!(code(&production), 2);
    assert!(told(&production).contains("TRAVELADVISOR_AUTH_ISSUER"), "{}", told(&production));
    let demo = trusting(home.command(&["demo"]), "https://id.example").output().expect("the program starts");
    assert_eq!(code(&demo), 2);
    assert!(told(&demo).contains("auth.issuer"), "{}", told(&demo));
    assert!(!home.data_dir().exists());
}

#[test]
fn with_an_issuer_every_address_may_be_listened_on_and_nobody_comes_in_without_a_token() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let mut arguments = SERVE;
    arguments[3] = "0.0.0.0:0";
    let mut server = Server::spawn(&home, trusting(home.command(&arguments), &issuer.url()));
    server.address = server.address.replace("0.0.0.0", "127.0.0.1");
    let trial = home.printed(&["token", "--as", "ada@example.org", "--quiet"]);
    for token in [None, Some(trial.trim()), Some("eyJhbGciOiJub25lIn0.e30.")] {
        let answer = ask(&server, ANYTHING, token);
        assert_eq!((answer.status, error_code(&answer)), (401, json!("UNAUTHENTICATED")), "{token:?}");
    }
    assert!(server.stop(Signal::SIGTERM).0.success());
}

#[test]
fn the_doctor_tells_who_vouches_for_callers_and_whether_they_answer() {
    let home = Home::new();
    let identity = |command: Command| -> (bool, String) {
        let mut command = command;
        let output = command.output().expect("the program starts");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == "identity").expect("a line on identity");
        (check["ok"] == true, check["detail"].as_str().expect("a sentence").to_owned())
    };
    let doctor = || home.command(&["doctor", "--json"]);
    let (ok, told) = identity(doctor());
    assert!(ok && told.contains("development"), "{told}");
    let issuer = Issuer::start();
    let (ok, told) = identity(trusting(doctor(), &issuer.url()));
    assert!(ok && told.contains(&issuer.url()) && told.contains("1 key"), "{told}");
    let other = issuer.url().replace("127.0.0.1", "localhost");
    let (ok, told) = identity(trusting(doctor(), &other));
    assert!(!ok && told.contains(&issuer.url()), "the name must be exact: {told}");
    let (ok, told) = identity(trusting(doctor(), "http://127.0.0.1:1"));
    assert!(!ok && told.contains("does not answer"), "{told}");
}
