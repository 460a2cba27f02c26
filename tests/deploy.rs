//! `infra/deploy/compose.yaml`: its settings are ones that the program knows and takes together, in every role.

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::support::{Home, code, told};

const COMPOSE: &str = include_str!("../infra/deploy/compose.yaml");

/// What whoever starts it has to name, and names here.
const NAMED: [(&str, &str); 4] = [
    ("POSTGRES_PASSWORD", "secret"),
    ("AUTH_ISSUER", "https://id.example/realms/travel"),
    ("AUTH_AUDIENCE", "booking-api"),
    ("SERVICES_TOKEN", "0123456789abcdef0123456789abcdef"),
];

/// The environment that every process gets, with a database that refuses at once.
fn environment() -> BTreeMap<String, String> {
    let block = COMPOSE.split_once("x-settings: &settings\n").and_then(|(_, rest)| rest.split_once("\n\n"));
    let lines = block.expect("the settings").0.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.trim().split_once(": ").expect("a name and a value");
            (name.to_owned(), filled_in(value.trim_matches('"')).replace("@postgres/", "@127.0.0.1:1/"))
        })
        .collect()
}

/// `${NAME:?why}` and `${NAME:-default}` as compose fills them in.
fn filled_in(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (asked, after) = rest.split_once('}').expect("a closing brace");
    let (name, otherwise) = asked.split_once(':').expect("a default, or why it is needed");
    let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let value = named.or_else(|| otherwise.strip_prefix('-')).unwrap_or_else(|| panic!("{name} is not named here"));
    format!("{before}{value}{}", filled_in(after))
}

#[test]
fn the_settings_of_compose_are_taken_in_every_role() {
    let home = Home::new();
    let services = COMPOSE.lines().filter_map(|line| line.trim().strip_prefix("command: [serve, "));
    let started: Vec<_> = services
        .map(|service| {
            let arguments = service.trim_end_matches(']').replace('"', "");
            // Of two at once only one gets a port that is named.
            let free = |argument| if str::starts_with(argument, "0.0.0.0:") { "0.0.0.0:0" } else { argument };
            let arguments: Vec<&str> = ["serve"].into_iter().chain(arguments.split(", ").map(free)).collect();
            let mut command = home.command(&arguments);
            command.envs(environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
            (service, command.spawn().expect("it starts"))
        })
        .collect();
    assert!(started.len() > 9, "every role is there");
    for (service, process) in started {
        let output = process.wait_with_output().expect("it ends");
        assert_eq!(code(&output), 5, "only the database is missing: {service}: {}", told(&output));
    }
}
